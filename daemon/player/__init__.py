"""The player process: what sounds, and where: preview and live buffers."""
