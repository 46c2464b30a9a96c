"""The worker's door: `python -m daemon.worker ENGINE [MODEL]`, frames on standard input and output.

What engines and libraries print goes to standard error, which the supervisor keeps as a log. When
the control plane goes away, so does the worker, whatever it is doing.

Threads: the main thread runs the engine; one reader thread takes frames and sets flags.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import BinaryIO

from daemon.worker.channel import SURVEYOR, Channel
from daemon.worker.host import Host

# The DAW's audio and the control plane come before an engine that computes.
_NICE = 5


def _claim_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep standard input and output for frames; prints go to standard error from now on."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return incoming, outgoing


def main() -> int:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    if hasattr(os, "nice"):
        os.nice(_NICE)
    engine = sys.argv[1]
    model = sys.argv[2] if len(sys.argv) > 2 else None
    host = Host(Channel(*_claim_streams()))
    return host.survey() if engine == SURVEYOR else host.serve(engine, model)


if __name__ == "__main__":
    sys.exit(main())
