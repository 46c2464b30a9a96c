"""MIDI on the DAW's side of the house: streams, maps, clock, learning, ports, playing notes.

All but `ports` is pure: messages and times come in, messages go out, so tests need no device.
"""
