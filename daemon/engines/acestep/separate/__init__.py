"""Taking sound apart: a known vocal out of a mix, and a mix into stems."""
