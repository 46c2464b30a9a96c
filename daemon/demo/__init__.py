"""The demo that `punchin demo` plays: clips, jobs, pictures."""
