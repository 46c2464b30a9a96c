"""The gates of the sketch engine, measured on material that the engine did not make itself."""
