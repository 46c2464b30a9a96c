"""What the model is told in words: prompt, metadata, lyrics."""
