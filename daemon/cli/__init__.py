"""The resident commands: serve, doctor, demo."""
