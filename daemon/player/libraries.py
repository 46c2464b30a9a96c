"""One lock around PortAudio and libjack.

PortAudio asks libjack when it looks for devices, and libjack keeps what it knows of servers in the
process: two threads that open or close something at once take the process down.

Threads: any.
"""

from __future__ import annotations

import threading

LOCK = threading.Lock()
