"""Telling a good accompaniment of a vocal from a bad one, by what can be measured of it."""
