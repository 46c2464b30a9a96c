"""From a plan to sound: instruments, parts, rooms, and a master that keeps stems and mix equal."""
