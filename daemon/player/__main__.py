"""The player's door: `python -m daemon.player OPTIONS`, frames on standard input and output.

OPTIONS is one JSON object: `device`, `host_api`, `latency`, `rate`, `preroll_s`, `reastream`,
`jack`, `song`. What audio libraries print goes to standard error, which the supervisor keeps
as a log.

Threads: see `daemon.player.host`. An audio thread waits for the interpreter for half a millisecond
at most, and for the collector of garbage hardly longer: what is there at the start, most of all
libraries, it never goes through, which would hold up all threads for 10 ms.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from typing import BinaryIO

from daemon.player.host import Host
from daemon.player.outlets import maker
from daemon.player.outputs.priority import prefer_process
from daemon.worker.channel import Channel

_SWITCH_S = 0.0005


def _claim_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep standard input and output for frames; prints go to standard error from now on."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return incoming, outgoing


def main() -> int:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    sys.setswitchinterval(_SWITCH_S)
    prefer_process()
    options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    gc.freeze()
    told = options.get("preroll_s", 0.0), options.get("song", "")
    code = Host(Channel(*_claim_streams()), maker(options), *told).serve()
    sys.stderr.flush()
    # A device that does not let itself be closed must not keep the process.
    os._exit(code)


if __name__ == "__main__":
    main()
