"""Sound as numbers: float32 `(frames, channels)` for engines and sinks, native samples for kept audio."""
