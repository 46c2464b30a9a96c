"""The latents of own results, found again in a clip that holds them.

A clip that was made here and is worked on again need not be encoded where it still is what was
decoded: every way through the VAE costs some sound. Frames are known by their samples alone,
wherever the clip comes from. A frame counts where its samples are the plain decode at the same
frame phase up to a gain, and so do the 8 frames on both sides of it; a warp, a fade, a limiter or a
shift by part of a frame undo that, and such frames are encoded.

Latents are `(frames, C)` float32 on the CPU; samples `(frames × 1920, 2)` float32 at 48 kHz.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from daemon.engines.acestep.latents.encode import HALO
from daemon.engines.acestep.latents.stored import Store
from daemon.engines.acestep.parts import HOP

MOST_BYTES = 96 << 20
ALIKE_DB = -50.0
"""Most that a frame may differ from the plain decode: 16-bit files and resampling stay below it."""
MOST_GAIN = 4.0
_RUN = 2 * HALO + 1  # fewer frames in a row leave nothing once the seams are cut off
_STEP = 2e-3  # by how much a rise of level, in nepers of power, may differ
_PLACES = 4  # of a steady sound, every place is like every other
_ROWS = 512  # places compared at a time
_SILENT = 1e-9  # power of a frame that says nothing


@dataclass(frozen=True, eq=False)
class Piece:
    """What was decoded of some latents for a job; `rises (frames − 1,)` tell it at a glance."""

    latents: torch.Tensor
    samples: np.ndarray
    rises: np.ndarray
    job: str

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.samples.nbytes + self.latents.nbytes


class Own:
    """Decoded pieces, the newest first; together at most `most_bytes`.

    With a `store` it begins with what lies there, and forgets a job's when the job is forgotten.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, store: Store | None = None) -> None:
        self._most_bytes, self._store = most_bytes, store
        self._held: deque[Piece] = deque()
        self._unsaved: deque[Piece] = deque()
        for latents, samples, job in reversed(list(store.read()) if store else []):
            self._hold(latents, samples, job)

    def __len__(self) -> int:
        return len(self._held)

    def keep(self, latents: torch.Tensor, samples: np.ndarray, job: str) -> None:
        """Remember that `latents` decode to `samples`, made for `job` (or in memory alone)."""
        assert len(samples) == len(latents) * HOP, (samples.shape, latents.shape)
        if len(latents) < _RUN:
            return
        piece = self._hold(latents.detach().float().cpu().clone(), samples, job)
        if self._store is not None and job and piece in self._held:
            self._unsaved.append(piece)

    def save(self, check: Callable[[], None] = lambda: None) -> None:
        """Put into the store what is not there yet; `check` is called before each piece."""
        while self._store is not None and self._unsaved:
            check()
            piece = self._unsaved.popleft()
            self._store.write(piece.latents, piece.samples, piece.job)

    def clear(self) -> None:
        """Forget everything but what is in the store already."""
        self._held.clear()
        self._unsaved.clear()

    def _hold(self, latents: torch.Tensor, samples: np.ndarray, job: str) -> Piece:
        piece = Piece(latents, samples, _rises(_power(samples)), job)
        self._held.appendleft(piece)
        while sum(piece.nbytes for piece in self._held) > self._most_bytes:
            gone = self._held.pop()
            if self._unsaved and self._unsaved[0] is gone:
                self._unsaved.popleft()
        return piece

    def _leave_forgotten(self) -> None:
        if self._store is not None:
            jobs = {piece.job for piece in self._held if piece.job}
            gone = {job for job in jobs if not self._store.has(job)}
            self._held = deque(piece for piece in self._held if piece.job not in gone)

    def found_in(self, samples: np.ndarray) -> tuple[np.ndarray, torch.Tensor | None]:
        """Return which frames of a clip are known, `(frames,)` bool, and their latents.

        The latents are `(frames, C)`, of use where known; None where nothing is.
        """
        frames = len(samples) // HOP
        known, latents = np.zeros(frames, bool), None
        self._leave_forgotten()
        if not self._held or frames < _RUN:
            return known, None
        power = _power(samples[: frames * HOP])
        rises = _rises(power)
        for piece in self._held:
            for shift in _places(rises, piece.rises):
                mine, its = _overlap(frames, len(piece.latents), shift)
                here = _inner(_alike(samples, mine.start, piece, its)) & ~known[mine]
                if here.any():
                    if latents is None:
                        latents = torch.zeros(frames, piece.latents.shape[1])
                    at = torch.from_numpy(here)
                    latents[mine][at] = piece.latents[its][at]
                    known[mine] |= here
                    break
        return known, latents


def _power(samples: np.ndarray) -> np.ndarray:
    """Power of each frame, `(frames,)` float64."""
    blocks = samples.reshape(-1, 2 * HOP)
    return np.einsum("ij,ij->i", blocks, blocks, dtype=np.float64) / (2 * HOP)


def _rises(power: np.ndarray) -> np.ndarray:
    """How the level rises from frame to frame, whatever the gain; NaN where there is silence."""
    level = np.log(np.where(power > _SILENT, power, np.nan))
    rises: np.ndarray = np.diff(level)
    return rises


def _places(clip: np.ndarray, piece: np.ndarray) -> list[int]:
    """Return the frames of the clip at which the piece's first frame may lie, likeliest first.

    They may be negative, and the piece may reach beyond the clip.
    """
    padded = np.pad(clip, len(piece) - 1, constant_values=np.nan)
    rows = np.lib.stride_tricks.sliding_window_view(padded, len(piece))
    alike = np.zeros(len(rows), int)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        alike[start : start + _ROWS] = (np.abs(part - piece) < _STEP).sum(axis=1)
    best = np.argsort(-alike, kind="stable")[:_PLACES]
    return [int(n) - (len(piece) - 1) for n in best if alike[n] >= _RUN - 1]


def _overlap(clip: int, piece: int, shift: int) -> tuple[slice, slice]:
    """Return the frames that both have, of the clip and of the piece."""
    start, end = max(0, shift), min(clip, shift + piece)
    return slice(start, end), slice(start - shift, end - shift)


def _alike(samples: np.ndarray, first: int, piece: Piece, its: slice) -> np.ndarray:
    """Return which frames are the piece's up to a gain, `(frames,)` bool."""
    count = its.stop - its.start
    mine = samples[first * HOP : (first + count) * HOP]
    return alike(mine, piece.samples[its.start * HOP : its.stop * HOP])


def alike(samples: np.ndarray, others: np.ndarray, most_db: float = ALIKE_DB) -> np.ndarray:
    """Return which frames of `samples (frames × 1920, 2)` are the others' up to a gain, as bool.

    What they differ by has at most `most_db` of a frame's power.
    """
    count = len(samples) // HOP
    mine, made = (x.reshape(count, 2 * HOP) for x in (samples, others))
    own, across, theirs = (
        np.einsum("ij,ij->i", a, b, dtype=np.float64)
        for a, b in ((mine, mine), (mine, made), (made, made))
    )
    heard = (own > _SILENT) & (theirs > _SILENT)
    gain = np.divide(across, theirs, out=np.zeros(count), where=heard)
    rest = np.divide(own - gain * across, own, out=np.ones(count), where=heard)
    near = (gain > 1 / MOST_GAIN) & (gain < MOST_GAIN)
    return np.asarray(near & (rest < 10 ** (most_db / 10)))


def _inner(alike: np.ndarray) -> np.ndarray:
    """Return the frames whose 8 neighbours on both sides are alike too."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(alike, HALO), 2 * HALO + 1)
    return np.asarray(windows.all(axis=1))
