"""Where sound goes: an audio interface, JACK ports, ReaStream packets."""
