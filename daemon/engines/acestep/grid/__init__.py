"""Whether new music lies on the beat of the clip, and bringing it there."""
