"""Frontends: bytes become checked commands for the core, and replies go to who asked."""
