"""A picture of a job: source and result over the bar lines, the region, the chords.

matplotlib belongs to the extra `pictures` and is imported when a picture is drawn.

Units: seconds on the result's time axis. Source and result share one amplitude scale.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from daemon.demo.envelope import Envelope, envelope

_WIDTH_IN, _DPI, _COLUMNS = 14.0, 150, 1800
_TOP_IN, _STRIP_IN, _WAVE_IN, _BOTTOM_IN = 0.62, 0.55, 1.8, 0.56
_LEFT, _RIGHT = 0.058, 0.985  # shares of the width
_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_BARS = (1, 2, 4, 8, 16, 32, 64)
_PAPER, _INK, _FAINT = "#ffffff", "#22272e", "#8a929c"
_KEPT, _NEW, _REGION = "#5b6b7f", "#d9622b", "#fbe9d0"
_BAR, _STRIPES = "#c9ced6", ("#eef1f5", "#e1e6ed")


@dataclass(frozen=True)
class Chord:
    """A chord's name between two points in time (s)."""

    start_s: float
    end_s: float
    name: str


@dataclass(frozen=True)
class Scene:
    """What a picture shows.

    `source` is None for music made from nothing. `region` is the part of the result that is new
    (s), None when all of it is. `bar_lines` (s, none before 0) are numbered from `first_bar`.
    `source_start_s` is where the source's first sample lies.
    """

    title: str
    result: Path
    source: Path | None = None
    region: tuple[float, float] | None = None
    bar_lines: Sequence[float] = ()
    chords: Sequence[Chord] = ()
    source_start_s: float = 0.0
    first_bar: int = 1
    result_name: str = "result"


def overview(path_out: Path, scene: Scene) -> None:
    """Draw `scene` into a PNG. Raises ImportError without matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    result = envelope(scene.result, _COLUMNS)
    source = envelope(scene.source, _COLUMNS) if scene.source else None
    end_s = max(result.seconds, scene.source_start_s + source.seconds if source else 0.0)
    waves = 2 if source else 1
    height = _TOP_IN + _STRIP_IN + waves * _WAVE_IN + _BOTTOM_IN
    figure = Figure((_WIDTH_IN, height), dpi=_DPI, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    strip, *panels = figure.subplots(
        1 + waves, 1, sharex=True, height_ratios=[_STRIP_IN] + [_WAVE_IN] * waves,
        gridspec_kw={
            "hspace": 0.07, "left": _LEFT, "right": _RIGHT,
            "top": 1 - _TOP_IN / height, "bottom": _BOTTOM_IN / height,
        },
    )  # fmt: skip
    scene = replace(scene, bar_lines=[t for t in scene.bar_lines if 0 <= t < 0.999 * end_s])
    limit = 1.08 * max(0.05, result.peak, source.peak if source else 0)
    _strip(strip, scene, end_s)
    if source:
        _panel(panels[0], "source", limit, scene)
        _wave(panels[0], source, scene.source_start_s, _KEPT)
    _panel(panels[-1], scene.result_name, limit, scene)
    _result(panels[-1], result, scene.region)
    _axis(panels[-1], end_s)
    _titles(figure, scene, result, 1 - 0.36 / height)
    figure.savefig(path_out, metadata={"Software": None})


def _panel(panel: Any, name: str, limit: float, scene: Scene) -> None:
    panel.set_ylim(-limit, limit)
    panel.set_yticks([])
    panel.set_facecolor(_PAPER)
    panel.tick_params(axis="x", length=0, labelbottom=False)
    for side in ("top", "right", "left", "bottom"):
        panel.spines[side].set_visible(False)
    panel.axhline(0, color=_BAR, linewidth=0.6, zorder=1)
    if scene.region:
        panel.axvspan(*scene.region, color=_REGION, linewidth=0, zorder=0)
    for line in scene.bar_lines:
        panel.axvline(line, color=_BAR, linewidth=0.9, zorder=2)
    panel.text(
        -0.008, 0.5, name, transform=panel.transAxes, ha="right", va="center", rotation=90,
        fontsize=11, color=_INK,
    )  # fmt: skip


def _wave(panel: Any, wave: Envelope, start_s: float, colour: str, where: Any = None) -> None:
    panel.fill_between(
        wave.times + start_s, wave.low, wave.high, where=where, color=colour, linewidth=0.3,
        zorder=3,
    )  # fmt: skip


def _result(panel: Any, wave: Envelope, region: tuple[float, float] | None) -> None:
    if region is None:
        _wave(panel, wave, 0.0, _NEW)
        return
    start, end = region
    half = wave.column_s
    _wave(panel, wave, 0.0, _KEPT, (wave.times <= start + half) | (wave.times >= end - half))
    _wave(panel, wave, 0.0, _NEW, (wave.times >= start - half) & (wave.times <= end + half))


def _axis(panel: Any, end_s: float) -> None:
    panel.set_xlim(0, end_s)
    panel.spines["bottom"].set(visible=True, color=_FAINT)
    panel.tick_params(axis="x", length=3, color=_FAINT, labelcolor=_INK, labelbottom=True)
    panel.set_xticks(np.arange(0, end_s + 1e-9, _step(end_s, 20, _SECONDS)))
    panel.set_xlabel("seconds", fontsize=10, color=_INK, labelpad=3)


def _step(length: float, most: int, steps: Sequence[float]) -> float:
    """Return the smallest step that divides `length` into at most `most` parts."""
    return next((step for step in steps if length / step <= most), steps[-1])


def _strip(strip: Any, scene: Scene, end_s: float) -> None:
    """Draw bar numbers, and chords below them."""
    strip.set_ylim(0, 1)
    strip.axis("off")
    for y, name in ((0.82, "bar"), (0.29, "chord")):
        strip.text(
            -0.006, y, name, transform=strip.transAxes, ha="right", va="center", fontsize=10,
            color=_FAINT,
        )  # fmt: skip
    step = int(_step(len(scene.bar_lines), 32, _BARS))
    for i, line in list(enumerate(scene.bar_lines))[::step]:
        strip.plot([line, line], [0.66, 1], color=_BAR, linewidth=0.9)
        strip.annotate(
            str(scene.first_bar + i), (line, 0.82), xytext=(3, 0), textcoords="offset points",
            va="center", fontsize=10, color=_INK,
        )  # fmt: skip
    named = [c for c in joined(scene.chords) if c.name != "N" and c.start_s < end_s]
    for chord, colour in zip(named, itertools.cycle(_STRIPES), strict=False):
        _chord(strip, chord.start_s, min(chord.end_s, end_s), pretty(chord.name), colour, end_s)


def _chord(
    strip: Any, start_s: float, end_s: float, name: str, colour: str, whole_s: float
) -> None:
    strip.axvspan(start_s, end_s, 0.0, 0.58, color=colour, linewidth=0)
    room_in = (end_s - start_s) / whole_s * _WIDTH_IN * (_RIGHT - _LEFT)
    if room_in > 0.085 * len(name) + 0.04:
        strip.text(
            (start_s + end_s) / 2, 0.28, name, ha="center", va="center", fontsize=11, color=_INK
        )


def joined(chords: Sequence[Chord]) -> list[Chord]:
    """Return the chords in order of time, neighbours of one name joined."""
    out: list[Chord] = []
    for chord in sorted(chords, key=lambda c: c.start_s):
        if out and out[-1].name == chord.name and chord.start_s - out[-1].end_s < 0.05:
            out[-1] = Chord(out[-1].start_s, chord.end_s, chord.name)
        else:
            out.append(chord)
    return out


def pretty(name: str) -> str:
    """Return a chord's name with real accidentals: `F♯m`, `B♭7`."""
    root = name[1:2].replace("#", "♯").replace("b", "♭")
    return name[:1] + root + name[2:]


def _titles(figure: Any, scene: Scene, result: Envelope, y: float) -> None:
    figure.text(_LEFT, y, scene.title, fontsize=16, weight="bold", color=_INK, va="center")
    if scene.region:
        start, end = scene.region
        told = f"new: {start:.2f} – {end:.2f} s of {result.seconds:.2f} s"
    else:
        told = f"new: all {result.seconds:.2f} s"
    figure.text(_RIGHT, y, told, fontsize=11, ha="right", va="center", color=_NEW)
