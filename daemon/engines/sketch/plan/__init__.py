"""From what was heard and asked for to a plan: form, harmony and the notes of every part."""
