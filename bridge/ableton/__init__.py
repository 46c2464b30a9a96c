"""Ableton Live: the Remote Script `Punchin`, its installer, and a reader through AbletonOSC.

`Punchin/` is what Live loads: it runs inside Live, imports nothing of Punchin's other packages and
nothing outside the standard library, and is written for Python 3.7 (Live 11) as well as 3.11.
"""
