"""Ten minutes of playing on JACK and ReaStream while jobs compute, every sample checked.

    python benchmarks/soak.py [--quick]

Starts a JACK server without sound, a daemon with the engine `sketch` and listeners of other makes,
and prints a table. Nothing is asserted here; `make soak` does that.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / name) for name in ("", "live", "plugin"))]

import pytest  # noqa: E402
import soak  # noqa: E402

_WALK = {
    "seconds": "heard, s",
    "exact frames": "frames that are the take's own",
    "faded frames": "frames within fades",
    "turns": "starts, stops, loops, swaps, ends",
    "breaks": "breaks",
}


def row(name: str, figure: str, target: str = "") -> None:
    """Print one line of the table."""
    print(f"| {name:<52} | {figure:>26} | {target:>10} |", flush=True)


def _number(value: Any) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"


def show(told: dict[str, Any]) -> None:
    """Print the figures of `soak.run`."""
    for where, name in (("jack", "JACK"), ("reastream", "ReaStream")):
        for key, text in _WALK.items():
            row(f"{name}: {text}", _number(told[where][key]), "0" if key == "breaks" else "")
    asked = ", ".join(f"{count} {what}" for what, count in told["asked for"].items())
    row("asked for", asked)
    row("jobs computed meanwhile", _number(told["jobs computed"]))
    row("underruns, waits", f"{told['underruns']}, {told['waits']}", "0, 0")
    row("xruns that the JACK server tells of", _number(told["xruns of the server"]))
    if "longest stop, ms" in told:
        row("stops of the machine itself over 5 ms, the longest",
            f"{told['stops of the machine']}, {told['longest stop, ms']:.0f} ms")  # fmt: skip
    row("processor time of the player", f"{100 * told['player, share of a core']:.1f} %")
    row("packets", _number(told["packets"]))
    late = [f"{told[f'late {q}, ms']:.2f}" for q in ("p50", "p99", "at most")]
    row("packets late, p50 / p99 / at most", " / ".join(late) + " ms", "p99 <= 3")
    row("drift over the whole time", f"{told['drift, ms']:.3f} ms", "<= 3.1")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="twenty seconds")
    seconds = 20.0 if parser.parse_args().quick else 600.0
    with tempfile.TemporaryDirectory() as folder:
        try:
            show(soak.run(Path(folder), seconds))
        except pytest.skip.Exception as missing:
            print(missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
