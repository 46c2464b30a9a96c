"""Which style a clip is like: by its tempo and by where in the bar low, middle and high sounds
begin, against the drum patterns of the styles. Samples are float32 `(frames, 2)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import scipy.fft

from daemon.audio import resample
from daemon.audio.grid import Grid
from daemon.engines.base import Request, Span
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.plan.styles import Style

_BESIDE_S, _LEAST_S = 8.0, 3.0
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
MULTIPLES = (1.0, 0.5, 2.0)  # a tempo is often heard at half or double
_OUTSIDE, _OFF_CENTRE, _SURPRISE, _OTHER_SWING = 2.0, 0.3, 0.2, 0.4
_SLOWEST_BPM, _FASTEST_BPM = 50.0, 195.0


def like_the_clip(
    studio: Studio, request: Request, span: Span, heard: Listening, check: Callable[[], None]
) -> str | None:
    """Return the style that the clip beside a span is like; None where it has no drums to tell."""
    if not heard.has_drums:
        return None
    reach = round(_BESIDE_S * request.rate)
    before = (max(0, span.start - reach), max(0, span.start))
    after = (span.end, min(len(request.clip), span.end + reach))
    start, end = max(before, after, key=lambda part: part[1] - part[0])
    if end - start < _LEAST_S * request.rate:
        return None
    grid = Grid.steady(request.grid.tempo_at(start / request.rate), 4, 4, request.grid.downbeat)
    samples = np.asarray(request.clip[start:end])
    shifted = grid.shifted(-start / request.rate)
    return likest(
        studio.styles, samples, request.rate, shifted, check, multiples=(1.0,), swing=heard.swing
    )[1]


def likest(
    styles: Mapping[str, Style],
    samples: np.ndarray,
    rate: int,
    grid: Grid,
    check: Callable[[], None],
    multiples: tuple[float, ...] = MULTIPLES,
    swing: float | None = None,
) -> tuple[float, str]:
    """Return the tempo at which a clip is most like a style, and that style's name.

    `swing` 0…1 is what was heard of it, None where the likeness itself was asked for.
    """
    rises, seconds = _rises(samples, rate, check)
    heard = grid.tempo_at(0.0)
    found = []
    for multiple in multiples:
        bpm = heard * multiple
        if multiple != 1 and not _SLOWEST_BPM < bpm < _FASTEST_BPM:
            continue
        check()
        clip = _folded(rises, seconds, Grid.steady(bpm, 4, 4, grid.downbeat))
        found += [(_distance(style, bpm, clip, swing), bpm, name) for name, style in styles.items()]
    _, bpm, name = min(found)
    return bpm, name


def _distance(style: Style, bpm: float, clip: np.ndarray, swing: float | None) -> float:
    low, high = style.tempo_bpm
    outside = max(low / bpm, bpm / high, 1.0) - 1
    centre = abs(bpm - (low + high) / 2) / (high - low + 40)
    kits = (*style.drums.low, *style.drums.high) if style.drums else ()
    rows = tuple(tuple(sorted(kit.items())) for kit in kits)
    alike = _alike(clip, _patterns(rows, style.swing, style.swing_grid)) if rows else 0.0
    # Unasked, an idiom or another swing is only taken when the drums speak clearly for it.
    odd = 0.0
    if swing is not None:
        odd = _SURPRISE * style.surprise + _OTHER_SWING * abs(style.swing - swing)
    return _OUTSIDE * outside + _OFF_CENTRE * centre + odd - max(alike, 0.0)


def _alike(clip: np.ndarray, patterns: np.ndarray) -> float:
    """Return the mean correlation over the bands with the likest pattern `(n, bands, places)`.

    The bar may begin on any beat.
    """
    a, b = (x - x.mean(axis=-1, keepdims=True) for x in (clip, patterns))
    size = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    turned = np.stack([np.roll(a, turn, axis=1) for turn in range(0, _PLACES, _BEAT)])
    found = np.einsum("tbp,nbp->ntb", turned, b) / np.maximum(size, 1e-9)[:, None]
    return float(found.mean(axis=2).max())


@lru_cache(maxsize=256)
def _patterns(
    kits: tuple[tuple[tuple[str, str], ...], ...], swing: float, swing_grid: int
) -> np.ndarray:
    """Return where a bar of each drum pattern sounds in each band, `(kits, bands, places)`."""
    out = np.zeros((len(kits), len(_BANDS_HZ), _PLACES))
    for bar, kit in zip(out, kits, strict=True):
        for piece, row in kit:
            share = np.array(_PIECES.get(piece, _OTHER_PIECE))
            for i, stroke in enumerate(row):
                place = _swung(i * _PLACES / len(row), swing, swing_grid)
                first, part = int(place), place - int(place)
                weight = _STROKES.get(stroke, 0.0) * share
                bar[:, first % _PLACES] += weight * (1 - part)
                bar[:, (first + 1) % _PLACES] += weight * part
    return 0.5 * out + 0.25 * (np.roll(out, 1, axis=2) + np.roll(out, -1, axis=2))


def _swung(place: float, swing: float, swing_grid: int) -> float:
    """Return where a place lies in a swing 0…1: the second half of its pair comes later."""
    pair = _BEAT if swing_grid == 8 else _BEAT // 2
    return place + swing * pair / 6 if place % pair == pair / 2 else place


def _rises(
    samples: np.ndarray, rate: int, check: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Return how the log spectrum rises in each band, `(rows, bands)`, and the rows' seconds."""
    mono = resample.resample(samples.mean(axis=1, keepdims=True), rate, _EAR_RATE)[:, 0]
    padded = np.pad(mono, (_SIZE // 2, _SIZE // 2))
    views = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_HOP]
    hz = np.fft.rfftfreq(_SIZE, 1 / _EAR_RATE)
    bands = [(hz >= low) & (hz < high) for low, high in _BANDS_HZ]
    window = np.hanning(_SIZE).astype(np.float32)
    out, last = [], None
    for at in range(0, len(views), _BLOCK_ROWS):
        check()
        power = np.abs(scipy.fft.rfft(views[at : at + _BLOCK_ROWS] * window, axis=1))
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
