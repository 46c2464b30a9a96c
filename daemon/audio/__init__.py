"""Sound as numbers: float32 `(frames, channels)` for engines, native samples for kept audio."""
