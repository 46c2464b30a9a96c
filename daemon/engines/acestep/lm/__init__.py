"""The 5 Hz language model: from words to a plan and audio codes, and from codes to words."""
