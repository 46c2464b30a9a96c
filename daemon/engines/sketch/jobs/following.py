"""The key `reference`: a recording whose style and sound a cover follows; its key and notes are not
taken.

Which style it is like is told by its tempo and by where in the bar low, middle and high sounds
begin, against the drum patterns of the styles. Its long-term spectrum is what the cover is brought
to. Samples are float32 `(frames, 2)` at the job's rate, 60 s from the middle at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge.protocol.errors import error
from daemon.audio import probe, reading, resample
from daemon.audio.channels import Fold
from daemon.audio.grid import Grid
from daemon.engines.base import Port, Request
from daemon.engines.sketch.jobs.matching import matched
from daemon.engines.sketch.jobs.sounding import heard_part
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import find_grid
from daemon.engines.sketch.plan.styles import Kit, Style
from daemon.engines.sketch.plan.types import Plan
from daemon.engines.sketch.render.master import master_gain

_HEARD_S, _SHORTEST_S, _SILENT = 60.0, 2.0, 1e-3
_EAR_RATE, _SIZE, _HOP = 22050, 512, 110
_BLOCK_ROWS = 2048
_BANDS_HZ = ((0.0, 130.0), (300.0, 2500.0), (5500.0, 11025.0))
_PLACES = 48  # in a bar of four: twelfths of a beat hold eighths, triplets and sixteenths
_BEAT = 12
_STROKES = {"X": 1.0, "x": 0.8, "o": 0.5, "g": 0.3}
# How much of a piece of the kit is heard in each band.
_PIECES = {
    "kick": (1.0, 0.0, 0.0), "snare": (0.0, 1.0, 0.5), "clap": (0.0, 1.0, 0.5),
    "rim": (0.0, 0.6, 0.2), "hat": (0.0, 0.0, 0.7), "open": (0.0, 0.0, 0.8),
    "ride": (0.0, 0.0, 0.8), "shaker": (0.0, 0.0, 0.5), "crash": (0.0, 0.0, 0.5),
}  # fmt: skip
_OTHER_PIECE = (0.0, 0.3, 0.3)
_MULTIPLES = (1.0, 0.5, 2.0)  # a tempo is often heard at half or double
_OUTSIDE, _OFF_CENTRE = 2.0, 0.3
_SLOWEST_BPM, _FASTEST_BPM = 50.0, 195.0


@dataclass(frozen=True, eq=False)
class Reference:
    """What was heard in a reference: its samples, tempo, and the name of the style it is like."""

    name: str
    samples: np.ndarray
    bpm: float
    style: str


def told_reference(studio: Studio, request: Request, port: Port) -> Reference | None:
    """Return what `reference` names, None when it is not given.

    Raises 200 and 201 for a file that is not there or no audio, and for one that has nothing to
    follow: silence, or less than two seconds.
    """
    path = request.options.get("reference")
    if not path:
        return None
    port.progress(0.12, "listening to the reference")
    samples = _read(str(path), request.rate)
    port.check()
    if len(samples) < _SHORTEST_S * request.rate or np.abs(samples).max(initial=0.0) < _SILENT:
        raise error(201, f"reference: {path} is silent or under two seconds long: choose another")
    grid, _ = find_grid(samples, request.rate, check=port.check)
    bpm, style = _likest(studio.styles, samples, request.rate, grid, port.check)
    return Reference(Path(path).name, samples, bpm, style)


def taken_from(reference: Reference, style: str) -> str:
    """Return what a cover takes from its reference, as a sentence."""
    what = "its style and its spectrum" if reference.style == style else "its spectrum"
    return f"Taken from {reference.name} ({reference.bpm:.0f} bpm): {what}; not its key or notes."


def coloured_by(
    reference: Reference, plan: Plan, request: Request, port: Port
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what brings a mix `(frames, 2)` to the reference's spectrum, as loud as planned."""

    def finish(mix: np.ndarray) -> np.ndarray:
        port.check()
        turned = np.ascontiguousarray(mix.T)
        made = matched(turned, np.ascontiguousarray(reference.samples.T), request.rate)
        heard = heard_part(request, request.spans[0])
        target, ceiling = plan.mix.loudness_lufs, plan.mix.ceiling_dbtp
        gain = master_gain(made, request.rate, target, ceiling, heard, None, port.check)
        return np.ascontiguousarray((made * gain).T)

    return finish


def _read(path: str, rate: int) -> np.ndarray:
    info = probe.probe(path)
    most = round(_HEARD_S * info.rate)
    start = max(0, (info.frames - most) // 2)
    source = reading.window(info, start, min(info.frames, start + most))
    return resample.resample(Fold.fit(source).stereo(source), info.rate, rate)


def _likest(
    styles: Mapping[str, Style],
    samples: np.ndarray,
    rate: int,
    grid: Grid,
    check: Callable[[], None],
) -> tuple[float, str]:
    """Return the tempo at which a clip is most like a style, and that style's name."""
    rises, seconds = _rises(samples, rate, check)
    heard = grid.tempo_at(0.0)
    found = []
    for multiple in _MULTIPLES:
        bpm = heard * multiple
        if multiple != 1 and not _SLOWEST_BPM < bpm < _FASTEST_BPM:
            continue
        check()
        clip = _folded(rises, seconds, Grid.steady(bpm, 4, 4, grid.downbeat))
        found += [(_distance(style, bpm, clip), bpm, name) for name, style in styles.items()]
    _, bpm, name = min(found)
    return bpm, name


def _distance(style: Style, bpm: float, clip: np.ndarray) -> float:
    low, high = style.tempo_bpm
    outside = max(low / bpm, bpm / high, 1.0) - 1
    centre = abs(bpm - (low + high) / 2) / (high - low + 40)
    kits = (*style.drums.low, *style.drums.high) if style.drums else ()
    alike = [_alike(clip, _pattern(kit, style)) for kit in kits]
    return _OUTSIDE * outside + _OFF_CENTRE * centre - max(alike, default=0.0)


def _alike(clip: np.ndarray, pattern: np.ndarray) -> float:
    """Return the mean correlation over the bands, with the bar beginning on the best beat."""
    a = clip - clip.mean(axis=1, keepdims=True)
    b = pattern - pattern.mean(axis=1, keepdims=True)
    size = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    turns = [(np.roll(a, turn, axis=1) * b).sum(axis=1) for turn in range(0, _PLACES, _BEAT)]
    return float(max((turn / np.maximum(size, 1e-9)).mean() for turn in turns))


def _pattern(kit: Kit, style: Style) -> np.ndarray:
    """Return where a bar of a style's drums sounds in each band, `(bands, places)`."""
    out = np.zeros((len(_BANDS_HZ), _PLACES))
    for piece, row in kit.items():
        share = np.array(_PIECES.get(piece, _OTHER_PIECE))
        for i, stroke in enumerate(row):
            place = _swung(i * _PLACES / len(row), style)
            first, part = int(place), place - int(place)
            weight = _STROKES.get(stroke, 0.0) * share
            out[:, first % _PLACES] += weight * (1 - part)
            out[:, (first + 1) % _PLACES] += weight * part
    return 0.5 * out + 0.25 * (np.roll(out, 1, axis=1) + np.roll(out, -1, axis=1))


def _swung(place: float, style: Style) -> float:
    """Return where a place lies in a style's swing: the second half of its pair comes later."""
    pair = _BEAT if style.swing_grid == 8 else _BEAT // 2
    return place + style.swing * pair / 6 if place % pair == pair / 2 else place


def _rises(
    samples: np.ndarray, rate: int, check: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Return how the log spectrum rises in each band, `(rows, bands)`, and the rows' seconds."""
    mono = resample.resample(samples.mean(axis=1, keepdims=True), rate, _EAR_RATE)[:, 0]
    padded = np.pad(mono, (_SIZE // 2, _SIZE // 2))
    views = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_HOP]
    hz = np.fft.rfftfreq(_SIZE, 1 / _EAR_RATE)
    bands = [(hz >= low) & (hz < high) for low, high in _BANDS_HZ]
    out, last = [], None
    for at in range(0, len(views), _BLOCK_ROWS):
        check()
        power = np.abs(np.fft.rfft(views[at : at + _BLOCK_ROWS] * np.hanning(_SIZE), axis=1))
        level = np.log1p(3 * power)
        rise = np.maximum(0, np.diff(level, axis=0, prepend=level[:1] if last is None else last))
        out.append(np.stack([rise[:, band].mean(axis=1) for band in bands], axis=1))
        last = level[-1:]
    rows = np.concatenate(out)
    return rows, np.arange(len(rows)) * _HOP / _EAR_RATE


def _folded(rises: np.ndarray, seconds: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the rises of all bars laid over each other, `(bands, places)`."""
    quarters = (seconds - grid.downbeat) * grid.points[0].bpm / 60
    place = (quarters / 4 % 1) * _PLACES
    first = place.astype(int) % _PLACES
    part = place - np.floor(place)
    late = (first + 1) % _PLACES
    return np.stack(
        [
            np.bincount(first, band * (1 - part), _PLACES) + np.bincount(late, band * part, _PLACES)
            for band in rises.T
        ]
    )
