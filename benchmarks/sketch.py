"""The gates of the sketch engine as one table: the tuning set beside the testing set.

    python benchmarks/sketch.py [--only NAME …] [--set tune|test] [--quick] [--worst]
                                [--write docs/sketch.md] [--cache bench-out/corpus]

Needs, for all rows, the packages fluidsynth fluid-soundfont-gm timgm6mb-soundfont festival
festvox-kallpc16k festvox-italp16k espeak-ng sonic-pi-samples (apt-get install) and mir_eval (pip).
What is missing is named and its rows say so.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.sketch import gates, table  # noqa: E402
from benchmarks.sketch.corpus.build import build  # noqa: E402
from benchmarks.sketch.corpus.clip import SETS  # noqa: E402
from benchmarks.sketch.performer import Performer  # noqa: E402


def main() -> None:
    """Measure what was asked for and print it."""
    args = _arguments()
    warnings.filterwarnings("ignore", message="mir_eval")
    names = args.only or list(gates.NAMES)
    player = Performer() if set(names) & set(gates.PLAYING) else None
    results: dict[str, list[table.Figure]] = {}
    notes: list[str] = []
    for set_name in [args.set] if args.set else SETS:
        clips, missing = build(args.cache, set_name)
        notes += [f"{set_name} set: {m}" for m in missing]
        clips = gates.thinned(clips) if args.quick else clips
        notes.append(f"{set_name} set: {_counts(clips)}")
        results[set_name] = []
        for name in names:
            began = time.perf_counter()
            found = gates.measured(name, clips, player)
            results[set_name] += found
            print(f"# {set_name} {name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
            for figure in found:
                _tell(figure, args.worst)
    lines = [*table.markdown(results), "", *(f"- {n}" for n in notes)]
    print("\n".join(["", *lines]))
    if args.write:
        table.write(args.write, [f"Measured {table.machine()}.", "", *lines])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=gates.NAMES, help="modules to measure")
    parser.add_argument("--set", choices=SETS)
    parser.add_argument("--quick", action="store_true", help="a quarter of the clips")
    parser.add_argument("--worst", action="store_true", help="name the worst clips")
    parser.add_argument(
        "--write", type=Path, help="write the table into a Markdown page, between its marks"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / "bench-out" / "corpus")
    return parser.parse_args()


def _tell(figure: table.Figure, worst: bool) -> None:
    print(f"{figure.measure}: {figure.text}  [{figure.gate}] {table.verdict(figure)}", flush=True)
    for line in figure.worst if worst else ():
        print(f"    {line}", flush=True)


def _counts(clips: list) -> str:
    groups = dict.fromkeys(c.group for c in clips)
    return ", ".join(f"{sum(c.group == g for c in clips)} {g}" for g in groups)


if __name__ == "__main__":
    main()
