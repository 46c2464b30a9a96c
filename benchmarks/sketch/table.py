"""The table of gates: rows as plain data, printed and written as Markdown."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

NOT_MEASURED = "not measured"
_BEGIN, _END = "<!-- gates -->", "<!-- end of gates -->"


@dataclass(frozen=True)
class Figure:
    """One measure on one set: its text, and by how much the gate is missed.

    `miss` ≤ 0: reached; > 0: missed by that much; None: no gate, or not measured.
    """

    measure: str
    text: str
    gate: str = ""
    miss: float | None = None
    worst: tuple[str, ...] = ()


def at_least(
    measure: str,
    value: float,
    gate: float,
    unit: str = " %",
    digits: int = 1,
    note: str = "",
    worst: Sequence[str] = (),
) -> Figure:
    """A figure that must not fall below its gate."""
    text = f"{value:.{digits}f}{unit}{note}"
    return Figure(measure, text, f"≥ {gate:g}{unit}", gate - value, tuple(worst))


def at_most(
    measure: str,
    value: float,
    gate: float,
    unit: str = "",
    digits: int = 2,
    note: str = "",
    worst: Sequence[str] = (),
) -> Figure:
    """A figure that must not rise above its gate."""
    text = f"{value:.{digits}f}{unit}{note}"
    return Figure(measure, text, f"≤ {gate:g}{unit}", value - gate, tuple(worst))


def none(measure: str, gate: str, why: str) -> Figure:
    """A figure that could not be measured."""
    return Figure(measure, f"{NOT_MEASURED} ({why})", gate)


def verdict(figure: Figure | None) -> str:
    """Return `reached`, `missed by …`, or nothing."""
    if figure is None or figure.miss is None:
        return ""
    return "reached" if figure.miss <= 1e-9 else f"missed by {figure.miss:.3g}"


def markdown(results: dict[str, list[Figure]]) -> Iterator[str]:
    """Yield the table's lines; `results` has the figures of each set in the same order."""
    sets = list(results)
    heads = " | ".join(f"{s} set" for s in sets)
    yield f"| measure | {heads} | gate | verdict ({', '.join(sets)}) |"
    yield "|---|" + "---|" * (len(sets) + 2)
    measures = list(dict.fromkeys(f.measure for rows in results.values() for f in rows))
    for measure in measures:
        found = [next((f for f in results[s] if f.measure == measure), None) for s in sets]
        gate = next((f.gate for f in found if f), "")
        cells = " | ".join(f.text if f else "—" for f in found)
        yield f"| {measure} | {cells} | {gate} | {', '.join(filter(None, map(verdict, found)))} |"


def write(page: Path, lines: Sequence[str]) -> None:
    """Put the lines between the page's marks; a page that has none becomes the lines."""
    text = page.read_text("utf-8") if page.exists() else f"{_BEGIN}\n{_END}\n"
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        before, after = "", "\n"
    whole = "\n".join([f"{before}{_BEGIN}", "", *lines, "", f"{_END}{after}"])
    page.write_text(whole, encoding="utf-8")


def machine() -> str:
    """Name the processor, the cores that may be used and the load just now."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{datetime.date.today()}, {model}, {cores} cores{load}, Python {platform.python_version()}"
    )
