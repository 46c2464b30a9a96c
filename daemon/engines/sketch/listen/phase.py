"""Where within a pulse the beat may lie, and its exact place once that is settled.

Onsets alone are wrong by half a beat as soon as chords are played off the beat, and by a third
where they swing, so candidates come in several. Phases are fractions of a pulse, 0…1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.listen.onsets import Onsets
from daemon.engines.sketch.listen.pulse import Pulses
from daemon.engines.sketch.listen.tonal import Tones

BINS = 64  # of a pulse
_BLUR_S = 0.02
_NEAR = 0.12  # pulses; phases closer than this are one candidate
_MOST = 6
_STRONG = 0.4  # of the strongest peak
_SOME = 0.7  # of the mean over the pulse
_REACH_S = 0.045  # how far a beat is moved onto the attacks
_LIKELY_S = 0.025  # spread of the true beat about the coarse one
_FINE_S = 0.001
_BEGUN = 0.3  # of the steepest rise: there a swelling note has begun
_CLICK_S = 0.0025  # from there to the middle of a click's rise


@dataclass(frozen=True)
class Scene:
    """What the hypotheses about bars are scored on."""

    onsets: Onsets
    tones: Tones
    beat: Pulses
    length_s: float
    attacks: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0))


def candidates(scene: Scene) -> tuple[list[float], np.ndarray]:
    """Return possible phases of the pulse, and the onsets folded into one, `(BINS,)`."""
    found = fold(scene, scene.onsets.strength, 1)
    peaks = np.flatnonzero((found > np.roll(found, 1)) & (found >= np.roll(found, -1)))
    if not len(peaks):
        return [0.0], found
    peaks = peaks[np.argsort(-found[peaks])]
    top = (peaks[0] + 0.5) / BINS
    # The strongest may be the beat, the eighth after it, or (swung, or in 6/8) a third of it.
    thirds = (1 / 3, 2 / 3) if scene.beat.per_bar == 2 else (1 / 3,)
    chosen = [float((top + part) % 1) for part in (0.0, 0.5)]
    chosen += [p for p in (float((top + part) % 1) for part in thirds) if _begins(found, p)]
    for peak in peaks[1:]:
        phase = float((peak + 0.5) / BINS)
        apart = min(abs((phase - c + 0.5) % 1 - 0.5) for c in chosen)
        if apart > _NEAR and found[peak] > _STRONG * found[peaks[0]]:
            chosen.append(phase)
    return chosen[:_MOST], found


def _begins(folded: np.ndarray, phase: float) -> bool:
    """Whether anything begins near `phase`: where strokes swing, some fall on the beat too."""
    reach = round(_NEAR / 3 * BINS)
    near = np.arange(-reach, reach + 1) + int(phase * BINS)
    return bool(folded[near % BINS].max() > _SOME)


def fold(scene: Scene, strength: np.ndarray, cycle: int) -> np.ndarray:
    """Mean of `strength` over the clip folded into `cycle` pulses, `BINS` a pulse; mean 1."""
    bins = BINS * cycle
    at = scene.beat.at(scene.onsets.seconds) % cycle * BINS
    index = at.astype(int) % bins
    total = np.bincount(index, strength, bins)
    count = np.bincount(index, minlength=bins)
    blur = np.arange(bins)
    distance = np.minimum(blur, bins - blur) / BINS * scene.beat.mean_s / _BLUR_S
    kernel = np.fft.rfft(np.exp(-0.5 * distance**2))
    smooth = [np.fft.irfft(np.fft.rfft(x) * kernel, bins) for x in (total, count)]
    folded = np.maximum(smooth[0], 0) / np.maximum(smooth[1], 1e-9)
    mean = folded.mean()
    return folded / mean if mean > 0 else np.ones(bins)


def refined(scene: Scene, shift: float) -> float:
    """Move the downbeat `shift` (pulses) to where the steepest rise of the level close by begins.

    Each beat of the bar is folded by itself and counts by its square, so that beats with clear
    attacks outweigh those on which something merely swells.
    """
    seconds, rise = scene.attacks
    if not len(rise):
        return shift
    per_bar, bins = scene.beat.per_bar, round(2 * _REACH_S / _FINE_S)
    place = scene.beat.at(seconds) - shift
    beat = np.round(place)
    off = (place - beat) * scene.beat.mean_s
    near = np.abs(off) < _REACH_S
    index = ((off[near] + _REACH_S) / _FINE_S).astype(int).clip(0, bins - 1)
    index += bins * (beat[near].astype(int) % per_bar)
    total = np.bincount(index, rise[near], bins * per_bar)
    count = np.bincount(index, minlength=bins * per_bar)
    mean = (total / np.maximum(count, 1)).reshape(per_bar, bins)
    window = np.hanning(9)
    smooth = [np.convolve(row, window / window.sum(), "same") for row in mean]
    steep = np.square(smooth).sum(axis=0)
    offsets = (np.arange(bins) + 0.5) * _FINE_S - _REACH_S
    likely = steep * np.exp(-0.5 * (offsets / _LIKELY_S) ** 2)
    if not likely.any():
        return shift
    steepest = int(np.argmax(likely))
    before = np.flatnonzero(steep[:steepest] < _BEGUN * steep[steepest])
    begun = int(before[-1]) + 1 if len(before) else 0
    return shift + (float(offsets[begun]) + _CLICK_S) / scene.beat.mean_s
