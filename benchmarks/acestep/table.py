"""The table: rows of figures with their targets, as Markdown."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

PACKAGES = ("torch", "diffusers", "transformers", "numpy")


@dataclass(frozen=True)
class Row:
    """One figure: `what`, its columns, and the `target` it is held against, empty for none."""

    what: str
    figures: tuple[str, ...]
    target: str = ""


def milliseconds(seconds: float | None) -> str:
    """Return a time for a column."""
    return "not measured" if seconds is None else f"{1000 * seconds:,.1f} ms"


def markdown(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table."""
    head = ["", *columns, "target"]
    lines = [_line(head), _line(["---"] * len(head))]
    width = len(columns)
    for row in rows:
        figures = [*row.figures, *[""] * (width - len(row.figures))]
        lines.append(_line([row.what, *figures, row.target]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def machine(device: torch.device) -> list[str]:
    """Return what was measured on, one fact a line."""
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    facts = [f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GiB"]
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        about = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
        facts.append(f"{about}, CUDA {torch.version.cuda}")
    facts.append(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    facts.append(f"{torch.get_num_threads()} CPU thread(s), load {psutil.getloadavg()[0]:.1f}")
    facts.append(f"{datetime.now(UTC):%Y-%m-%d}, revision {_revision()}")
    return facts


def _revision() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    here = Path(__file__).parent
    found = subprocess.run(command, capture_output=True, text=True, cwd=here, check=False)
    return found.stdout.strip() or "unknown"
