"""Attacks of new material no sharper than the clip's own: a limiter for what clicks.

How sharply a waveform bends (its second difference) is what a listener hears as a click. Where new
material bends more than the clip does, its treble alone is lowered for that moment. Samples are
float32 `(frames, 2)`.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import convolve1d, minimum_filter1d

from daemon.engines.base import Request, Span

_SHARPEST = 99.99  # percentile of the clip's bends that new material may reach anywhere
_SHARP = 99.9
_AT_SEAM = 0.5  # of a sharp bend, at a seam where the source itself has nothing sharper
_SEAM_S = 0.005
_SPLIT_S = 0.0006  # smoothing over this long parts treble from the rest, near 2 kHz
_HOLD_S = 0.0005
_MARGIN_S = 0.004  # beyond it the gain is 1 again
_LEAST_TREBLE = 0.05


def sharpness_of(clip: np.ndarray) -> tuple[float, float] | None:
    """Return how sharp and how sharp at most a clip's attacks are; None for silence."""
    own = _bends(clip)
    if len(own) == 0 or not own.any():
        return None
    sharp, sharpest = np.percentile(own, (_SHARP, _SHARPEST))
    return float(sharp), float(sharpest)


def softened(
    sound: np.ndarray, sharpness: tuple[float, float] | None, request: Request, span: Span
) -> np.ndarray:
    """Return the material of a span and its handles with its sharpest attacks rounded off.

    `sharpness` is that of the clip beside it.
    """
    if sharpness is None:
        return sound
    sharp, sharpest = sharpness
    most = np.full(len(sound), sharpest, np.float32)
    reach = round(_SEAM_S * request.rate)
    for frame in (span.start, span.end):
        if 0 < frame < len(request.clip):
            here = _bends(request.clip[max(0, frame - reach) : frame + reach])
            at = frame - span.start + request.handle
            most[max(0, at - reach) : at + reach] = max(_AT_SEAM * sharp, here.max(initial=0.0))
    return limited(sound, most, request.rate)


def limited(sound: np.ndarray, most: np.ndarray, rate: int) -> np.ndarray:
    """Return `sound` whose bends stay near or below `most` `(frames,)`, by less treble."""
    over = np.flatnonzero(_bends(sound) > most)
    if len(over) == 0:
        return sound
    out = sound.copy()
    margin = round(_MARGIN_S * rate)
    for run in np.split(over, np.flatnonzero(np.diff(over) > 2 * margin) + 1):
        first, last = max(0, run[0] - margin), min(len(sound), run[-1] + margin)
        out[first:last] = _with_less_treble(sound[first:last], most[first:last], rate)
    return out


def _with_less_treble(sound: np.ndarray, most: np.ndarray, rate: int) -> np.ndarray:
    window = np.hanning(2 * round(_SPLIT_S / 2 * rate) + 3)[1:-1].astype(np.float32)
    low = convolve1d(sound, window / window.sum(), axis=0, mode="nearest")
    treble = sound - low
    room = np.maximum(most - _bends(low), 0.0)
    needed = np.where(_bends(sound) > most, room / np.maximum(_bends(treble), 1e-12), 1.0)
    hold = round(_HOLD_S * rate)
    lowest = minimum_filter1d(np.clip(needed, _LEAST_TREBLE, 1.0), 2 * hold + 1)
    smooth = np.hanning(2 * hold + 3)[1:-1]
    gain = convolve1d(lowest, smooth / smooth.sum(), mode="nearest")
    return np.asarray(low + treble * gain[:, None], np.float32)


def _bends(x: np.ndarray) -> np.ndarray:
    """Return how sharply the sum of the channels bends at each frame, `(frames,)`."""
    bends = np.zeros(len(x), np.float32)
    if len(x) > 2:
        both = x[:, 0] + x[:, 1]
        bends[1:-1] = np.abs(both[2:] - 2 * both[1:-1] + both[:-2])
    return bends
