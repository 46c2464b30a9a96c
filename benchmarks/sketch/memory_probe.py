"""Analyses one file in a fresh process and prints its memory as JSON.

python memory_probe.py FILE BPM
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import psutil
import soundfile as sf

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.sketch.performer import Performer
from daemon.engines.sketch import jobs  # noqa: F401  # what the worker holds once it is warm


def main() -> None:
    """Run the one job."""
    player = Performer()
    imported = psutil.Process().memory_info().rss
    player.analyse_only(sys.argv[1], float(sys.argv[2]))
    peak = _peak_bytes()
    info = sf.info(sys.argv[1])
    clip = info.frames * 2 * 4
    print(
        json.dumps(
            {"imported_mb": imported / 2**20, "peak_mb": peak / 2**20, "clip_mb": clip / 2**20}
        )
    )


def _peak_bytes() -> int:
    """The most this process has held; `getrusage` on Linux counts what its parent held as well."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


if __name__ == "__main__":
    main()
