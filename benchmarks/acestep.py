"""How fast and how large the model engine is, against the stock pipeline in the same run.

    python benchmarks/acestep.py [--config benchmarks/small.toml] [--device cpu|cuda]
                                 [--repeats N] [--out FILE.md]

Needs the checkout and the packages of the extra `acestep`, no weights: it draws random ones of the
real architecture. With `--config` they have the sizes of that table, without it those of the 2B
model, which takes a GPU with 24 GB or more. A job is timed in this process on the worker's own
road, from the request to its samples in the channel. Ends within eight minutes (on the CPU, of the
processor's own time); what there was no time or no device for reads 'not measured'.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# Before torch is imported, which puts a folder of its own there.
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(ROOT / "bench-out" / "compiled"))

import torch  # noqa: E402

from benchmarks.acestep import desk as tools  # noqa: E402
from benchmarks.acestep import quality, rows  # noqa: E402
from benchmarks.acestep.bgm import bgm_rows  # noqa: E402
from benchmarks.acestep.desk import COMPILING_S, Desk  # noqa: E402
from benchmarks.acestep.jobs import Bench, Times  # noqa: E402
from benchmarks.acestep.setup import models, session  # noqa: E402
from benchmarks.acestep.table import Row, machine, markdown  # noqa: E402

LIMIT_S = 460.0
ACCOMPANYING_S = 40.0  # what these may take on a slow machine


def main() -> None:
    """Measure, print the table, and write it where told."""
    args = _arguments()
    warnings.filterwarnings("ignore")
    device = torch.device("cuda:0" if args.device == "cuda" else args.device)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    deadline_s = clock() + LIMIT_S
    if device.type == "cpu":
        torch.set_num_threads(1)
    sizes = tomllib.loads(args.config.read_text("utf-8")) if args.config else {}
    made = models(sizes, device, ("turbo", "base"))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(session(made), clock)
        desk = Desk(bench, made, Path(folder), device, args.repeats, deadline_s)
        table = _measured(desk)
    config = args.config.name if args.config else "the sizes of the 2B model"
    about = [f"- {fact}" for fact in (f"random weights, {config}", *machine(device))]
    lines = [*markdown(list(tools.MODES), table), "", *about, *(f"- {n}" for n in desk.notes)]
    print("\n".join(["", *lines]))
    if args.out:
        args.out.write_text("\n".join([_TITLE, "", *lines, ""]), "utf-8")


_TITLE = """# The model engine against the stock pipeline

8 s are repainted in a clip of 180 s, 8 turbo steps, context 16 s. *cold*: the clip and the prompt
are new, the engine is warm; *prepared*: the engine prepared for it when it was selected; *exact*:
prepared, with the whole clip as context. Times go from the request to the samples in the channel,
without the time to read the file."""


def _measured(desk: Desk) -> list[Row]:
    on_cuda = desk.device.type == "cuda"
    found: dict[str, dict[str, Times]] = {}
    table: list[Row] = []
    _step(desk, "eager", lambda: found.update(eager=_mode(desk, "eager")))
    stock_s: list[float] = []
    _step(desk, "stock", lambda: stock_s.append(rows.stock_seconds(desk)))
    if on_cuda:
        _step(desk, "graph", lambda: found.update(graph=_mode(desk, "graph")))
    best = "graph" if "graph" in found else "eager"
    tools.use(desk, best)
    extra: list[Row] = []
    for name, group in _GROUPS.items():
        _step(desk, name, lambda group=group: extra.extend(group(desk)))
    _step(desk, "bgm", lambda: extra.extend(bgm_rows(desk)), ACCOMPANYING_S)
    # Last, as nobody knows how long a compiler takes.
    compiling = lambda: found.update(compiled=_mode(desk, "compiled"))  # noqa: E731
    _step(desk, "compiled", compiling, COMPILING_S)
    table += rows.edit_rows(found, on_cuda)
    if stock_s:
        table += rows.stock_rows(stock_s[0], found, on_cuda)
    desk.notes.append(f"rows with one figure: {best}")
    if not on_cuda:
        desk.notes.append("times are of the processor, one thread, so that its load matters less")
    return table + extra


def _mode(desk: Desk, mode: str) -> dict[str, Times]:
    tools.use(desk, mode)
    return rows.edits(desk, mode)


_GROUPS: dict[str, Callable[[Desk], list[Row]]] = {
    "takes": lambda desk: [rows.takes_row(desk), rows.next_seed_row(desk)],
    "long clips": lambda desk: [rows.long_clip_row(desk)],
    "memory": lambda desk: [
        quality.memory_row(
            desk, lambda: desk.bench.run(desk.repaint(desk.clip(tools.CLIP_S, 3), seed=9))
        )
    ],
    "VAE": quality.vae_rows,
}


def _step(desk: Desk, name: str, work: Callable[[], None], needs_s: float = 20.0) -> None:
    """Do one part if there is time; what fails is told and costs its own rows only."""
    if desk.left_s < needs_s:
        desk.notes.append(f"{name}: not measured, the time was nearly up")
        return
    began = desk.clock()
    try:
        work()
    except Exception as problem:
        first = (str(problem).splitlines() or [""])[0]
        desk.notes.append(f"{name}: not measured ({type(problem).__name__}: {first})")
        print(f"# {name}: {problem!r}", file=sys.stderr)
    print(f"# {name}: {desk.clock() - began:.0f} s", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="sizes of the models, as benchmarks/small.toml")
    usual = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=usual)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a Markdown file for the table")
    args = parser.parse_args()
    if args.device == "cpu" and args.config is None:
        args.config = ROOT / "benchmarks" / "small.toml"
    return args


if __name__ == "__main__":
    main()
