"""The REAPER side: what ReaPack reads, and the installer of the scripts."""
