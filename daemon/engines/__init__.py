"""Engines: what makes the sound. `base` is the contract, `registry` finds them by entry point."""
