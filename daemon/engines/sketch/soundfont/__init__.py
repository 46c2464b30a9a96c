"""A musician's own SoundFont in place of the built-in voices: SF2 (2.01, 2.04) and SF3.

`riff`, `records` and `font` read the file, `generators` and `modulators` say what a key is made of,
`envelope`, `filter`, `resampling` and `voice` sound it, `player` gives it to the sound bank.
"""
