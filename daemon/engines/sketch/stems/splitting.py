"""A rough split by signal processing: harmonic and percussive, repeating and not, centre and sides.

It is meant for sketching: neighbours leak into each other, most of all into `other`. The stems sum
to the clip. Long clips are worked through in chunks: beyond input and output, 10 minutes at
44.1 kHz need some 120 MB.
"""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.types import Listening
from daemon.engines.sketch.stems.masks import shares
from daemon.engines.sketch.stems.repeats import coming_back, period_s

NAMES = ("vocals", "drums", "bass", "other")
_WINDOW_S = 0.093
_CHUNK_ROWS = 48
_MARGIN_ROWS = 8  # beside a chunk, so that running medians do not see its edges
_WHOLE = {"singing": "vocals", "speech": "vocals", "drums": "drums"}


def split(
    samples: np.ndarray, rate: int, heard: Listening, check: Check = unchecked
) -> dict[str, np.ndarray]:
    """Split float32 `(frames, 2)` into `NAMES`, each of the same shape; they sum to `samples`.

    A clip that `heard` knows as a lone voice or as drums is left whole in that stem.
    """
    stems = {name: np.zeros(samples.shape, np.float32) for name in NAMES}
    if heard.kind in _WHOLE:
        stems[_WHOLE[heard.kind]][:] = samples
        return stems
    window = 1 << round(np.log2(_WINDOW_S * rate))
    levels, period = _levels(samples, window, check), period_s(heard)
    turn = period * rate / (window // 2) if period else None
    rows = len(levels)
    for first in range(0, rows, _CHUNK_ROWS):
        check()
        _add_chunk(stems, samples, levels, (first, min(rows, first + _CHUNK_ROWS)), turn, rate)
    for start in range(0, len(samples), rate):
        check()
        part = slice(start, start + rate)
        found = stems["vocals"][part] + stems["drums"][part] + stems["bass"][part]
        stems["other"][part] = samples[part] - found
    return stems


def _add_chunk(
    stems: dict[str, np.ndarray],
    samples: np.ndarray,
    levels: np.ndarray,
    span: tuple[int, int],
    turn: float | None,
    rate: int,
) -> None:
    """Overlap-add rows `span` of every stem but `other` into `stems`."""
    window = 2 * (levels.shape[1] - 1)
    begin = max(0, span[0] - _MARGIN_ROWS)
    end = min(len(levels), span[1] + _MARGIN_ROWS)
    left, right = (_spectra(samples[:, c], window, begin, end) for c in (0, 1))
    back = None if turn is None else coming_back(levels, begin, end - begin, turn)
    found = shares(left, right, back, np.fft.rfftfreq(window, 1 / rate).astype(np.float32))
    keep = slice(span[0] - begin, span[1] - begin)
    for name, share in found.items():
        for channel, spectrum in enumerate((left, right)):
            _overlap_add(stems[name][:, channel], (share * spectrum)[keep], window, span[0])


def _levels(samples: np.ndarray, window: int, check: Check) -> np.ndarray:
    """Mean magnitude of both channels for the whole clip, `(rows, bins)`, in half precision."""
    rows = len(samples) // (window // 2) + 2
    levels = np.zeros((rows, window // 2 + 1), np.float16)
    for first in range(0, rows, _CHUNK_ROWS):
        check()
        last = min(rows, first + _CHUNK_ROWS)
        both = [np.abs(_spectra(samples[:, c], window, first, last)) for c in (0, 1)]
        levels[first:last] = np.minimum((both[0] + both[1]) / 2, 6e4)
    return levels


def _shape(window: int) -> np.ndarray:
    """Square root of a Hann window: applied twice with half overlap it sums to one."""
    return np.sin(np.pi * np.arange(window) / window).astype(np.float32)


def _spectra(signal: np.ndarray, window: int, first: int, last: int) -> np.ndarray:
    """Spectra of rows `[first, last)`; row `i` begins `(i − 1) × window / 2` into the signal."""
    hop = window // 2
    start, count = (first - 1) * hop, (last - first - 1) * hop + window
    piece = signal[max(0, start) : max(0, start + count)]
    before = max(0, -start)
    piece = np.pad(piece, (before, count - before - len(piece)))
    framed = np.lib.stride_tricks.sliding_window_view(piece, window)[::hop]
    return np.fft.rfft(framed * _shape(window), axis=1)


def _overlap_add(out: np.ndarray, spectra: np.ndarray, window: int, first: int) -> None:
    """Add the sound of `spectra`, rows from `first` on, to `out` in place."""
    hop = window // 2
    frames = np.fft.irfft(spectra, window, axis=1) * _shape(window)
    sound = np.zeros((len(frames) + 1) * hop, np.float32)
    sound[:-hop] += frames[:, :hop].ravel()
    sound[hop:] += frames[:, hop:].ravel()
    start = (first - 1) * hop
    skip = max(0, -start)
    stop = min(len(out), start + len(sound))
    if stop > start + skip:
        out[start + skip : stop] += sound[skip : stop - start]
