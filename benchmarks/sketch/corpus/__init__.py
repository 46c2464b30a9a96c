"""Clips with known truth, made by script: renders of General MIDI, sung lines, recorded loops."""
