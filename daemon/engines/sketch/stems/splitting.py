"""A rough split by signal processing: harmonic and percussive, repeating and not, centre and sides.

It is meant for sketching: neighbours leak into each other, most of all into `other`. The stems sum
to the clip. Long clips are worked through in chunks, which leave as they are done: 10 minutes at
44.1 kHz need some 120 MB.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.fft import irfft, rfft

from daemon.audio.clips import Samples, as_reader
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
    samples: Samples, rate: int, heard: Listening, check: Check = unchecked
) -> dict[str, np.ndarray]:
    """Split float32 `(frames, 2)` into `NAMES`, each of the same shape; they sum to `samples`."""
    stems = {name: np.zeros(samples.shape, np.float32) for name in NAMES}
    at = 0
    for found in split_blocks(samples, rate, heard, check):
        end = at + len(found[NAMES[0]])
        for name, part in found.items():
            stems[name][at:end] = part
        at = end
    return stems


def split_blocks(
    samples: Samples, rate: int, heard: Listening, check: Check = unchecked
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the stems of `samples`, float32 `(frames, 2)`, stretch by stretch of some seconds.

    A clip that `heard` knows as a lone voice or as drums is left whole in that stem.
    """
    if heard.kind in _WHOLE:
        for block in as_reader(samples, rate).blocks():
            check()
            still = np.zeros_like(block)
            yield {name: block if name == _WHOLE[heard.kind] else still for name in NAMES}
        return
    window = 1 << round(np.log2(_WINDOW_S * rate))
    levels, period = _levels(samples, window, check), period_s(heard)
    turn = period * rate / (window // 2) if period else None
    hop = window // 2
    begun = dict.fromkeys(NAMES[:3], np.zeros((hop, 2), np.float32))
    for first in range(0, len(levels), _CHUNK_ROWS):
        check()
        last = min(len(levels), first + _CHUNK_ROWS)
        stems = _chunk(samples, levels, (first, last), turn, rate)
        for name, sound in stems.items():
            sound[:hop] += begun[name]
            begun[name] = sound[-hop:]
        # Row `last` adds to what comes after `end`: up to there all is done.
        start, end = max(0, (first - 1) * hop), min(len(samples), (last - 1) * hop)
        skip = start - (first - 1) * hop
        done = {name: sound[skip : skip + end - start] for name, sound in stems.items()}
        rest = samples[start:end] - sum(done[name] for name in NAMES[:3])
        yield {**done, NAMES[3]: rest}


def _chunk(
    samples: Samples,
    levels: np.ndarray,
    span: tuple[int, int],
    turn: float | None,
    rate: int,
) -> dict[str, np.ndarray]:
    """Return rows `span` of every stem but the last as sound, `((rows + 1) × window / 2, 2)`."""
    window = 2 * (levels.shape[1] - 1)
    begin = max(0, span[0] - _MARGIN_ROWS)
    end = min(len(levels), span[1] + _MARGIN_ROWS)
    left, right = _spectra(samples, window, begin, end)
    back = None if turn is None else coming_back(levels, begin, end - begin, turn)
    found = shares(left, right, back, np.fft.rfftfreq(window, 1 / rate).astype(np.float32))
    keep = slice(span[0] - begin, span[1] - begin)
    return {
        name: np.stack([_sound((share * side)[keep], window) for side in (left, right)], axis=1)
        for name, share in found.items()
    }


def _levels(samples: Samples, window: int, check: Check) -> np.ndarray:
    """Mean magnitude of both channels for the whole clip, `(rows, bins)`, in half precision."""
    rows = len(samples) // (window // 2) + 2
    levels = np.zeros((rows, window // 2 + 1), np.float16)
    for first in range(0, rows, _CHUNK_ROWS):
        check()
        last = min(rows, first + _CHUNK_ROWS)
        left, right = _spectra(samples, window, first, last)
        levels[first:last] = np.minimum((np.abs(left) + np.abs(right)) / 2, 6e4)
    return levels


def _shape(window: int) -> np.ndarray:
    """Square root of a Hann window: applied twice with half overlap it sums to one."""
    return np.sin(np.pi * np.arange(window) / window).astype(np.float32)


def _spectra(samples: Samples, window: int, first: int, last: int) -> np.ndarray:
    """Spectra `(2, rows, bins)` of rows `[first, last)` of both channels.

    Row `i` begins `(i − 1) × window / 2` into the clip.
    """
    hop = window // 2
    start, count = (first - 1) * hop, (last - first - 1) * hop + window
    piece = samples[max(0, start) : max(0, start + count)]
    before = max(0, -start)
    padded = np.pad(piece, ((before, count - before - len(piece)), (0, 0))).T
    framed = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop]
    return np.asarray(rfft(framed * _shape(window), axis=2))


def _sound(spectra: np.ndarray, window: int) -> np.ndarray:
    """Return the rows `spectra` as sound that overlaps, `((rows + 1) × window / 2,)`."""
    hop = window // 2
    frames = irfft(spectra, window, axis=1) * _shape(window)
    sound = np.zeros((len(frames) + 1) * hop, np.float32)
    sound[:-hop] += frames[:, :hop].ravel()
    sound[hop:] += frames[:, hop:].ravel()
    return sound
