"""`punchin demo`: plays the DAW's part on the clips that come with Punchin."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import Cancelled, Client, NoDaemon, Progress, PunchinError
from daemon.demo.clips import load_clips
from daemon.demo.play import Played, Stage, bgm, extend, repaint
from daemon.demo.studio import studio

if TYPE_CHECKING:
    from rich.console import Console

JOBS = (("1-bgm", "vocal", bgm), ("2-repaint", "band", repaint), ("3-extend", "band", extend))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return 0, or 1 when a job failed or a result is not what was promised."""
    options = _parser().parse_args(argv)
    arguments = ["--engine", options.engine] if options.engine else []
    arguments += ["--model", str(options.model.absolute())] if options.model else []
    try:
        played = _play(options.out.absolute(), arguments)
    except (PunchinError, NoDaemon, TimeoutError, OSError) as e:
        print(f"punchin: the demo stopped: {e}", file=sys.stderr)
        return 1
    except (Cancelled, KeyboardInterrupt):
        print("punchin: the demo was stopped", file=sys.stderr)
        return 130
    return 0 if all(p.proof.holds for p in played) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("punchin demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="default: demo-out")
    parser.add_argument("--engine", help="engine to play with; default: sketch")
    parser.add_argument("--model", type=Path, help="folder of the engine's model")
    return parser


def _play(out: Path, arguments: Sequence[str]) -> list[Played]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console, clips, began_s = Console(highlight=False), load_clips(), time.monotonic()
    pictures = find_spec("matplotlib") is not None
    columns = (TextColumn("{task.fields[job]:<10}"), BarColumn(36), TimeElapsedColumn())
    with studio(arguments) as home, Client(home=home, transport="udp") as client:
        _, version = client.version()
        console.print(f"Punchin {version}: a daemon of the demo's own listens over OSC.")
        with Bars(*columns, TextColumn("{task.fields[stage]}"), console=console) as bars:
            tasks = {
                name: bars.add_task("", start=False, total=1.0, job=name, stage="")
                for name, _, _ in JOBS
            }

            def show(name: str, now: Progress) -> None:
                bars.update(tasks[name], completed=now.fraction, stage=now.stage)

            stage = Stage(client, out, show, pictures)
            played = []
            for name, clip, job in JOBS:
                bars.start_task(tasks[name])
                played.append(job(stage, clips[clip]))
                bars.update(tasks[name], completed=1.0, stage="done")
                bars.stop_task(tasks[name])
    _report(console, played, out, time.monotonic() - began_s)
    if not pictures:
        console.print("No pictures without matplotlib: pip install 'punchin[pictures]'")
    return played


def _report(console: Console, played: Sequence[Played], out: Path, took_s: float) -> None:
    from rich.table import Table

    console.print()
    for job in played:
        console.print(f"[bold]{job.title}[/bold]")
        speed = job.made_s / job.took_s if job.took_s else 0.0
        mark = "[green]✓[/green]" if job.proof.holds else "[bold red]✗[/bold red]"
        facts = Table.grid(padding=(0, 2))
        facts.add_row(
            "  took",
            f"{job.took_s:.2f} s for {job.made_s:.1f} s of music ({speed:.1f} × real time)",
        )
        facts.add_row("  checked", f"{mark} {job.proof.claim}")
        facts.add_row("  files", ", ".join(_names(job.folder)))
        console.print(facts)
    console.print(f"\nEverything is in {out} ({took_s:.1f} s in all).", soft_wrap=True)


def _names(folder: Path) -> list[str]:
    """Return the files of a folder, those of a sub-folder in one word."""
    names = []
    for path in sorted(folder.iterdir()):
        inside = sorted(p.stem for p in path.iterdir()) if path.is_dir() else []
        names.append(f"{path.name}/{{{','.join(inside)}}}" if inside else path.name)
    return names
