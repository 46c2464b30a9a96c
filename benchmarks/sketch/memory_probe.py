"""Does one job on one file in a fresh process and prints its memory as JSON.

python memory_probe.py FILE BPM [OP [KEY=VALUE ...]]

`OP` is `analyze` when not told. The downbeat is told as 0; what the job makes is thrown away, so
that only the worker's own memory shows.
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
    file, bpm, *more = sys.argv[1:]
    op, *told = more or ["analyze"]
    keys = dict(pair.split("=", 1) for pair in told)
    player = Performer()
    imported = psutil.Process().memory_info().rss
    player.do_only(op, file, bpm=float(bpm), downbeat=0.0, **{k: _value(keys[k]) for k in keys})
    peak = _peak_bytes()
    clip = sf.info(file).frames * 2 * 4
    print(
        json.dumps(
            {"imported_mb": imported / 2**20, "peak_mb": peak / 2**20, "clip_mb": clip / 2**20}
        )
    )


def _value(text: str) -> str | float:
    """A key's value as the planner wants it."""
    try:
        return float(text)
    except ValueError:
        return text


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
