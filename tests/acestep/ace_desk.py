"""A worker's side of the model engine for tests: a port that remembers, clips, requests."""

from collections import defaultdict

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.base import Cancelled, Request, Span

RATE = 48_000
HANDLE = 5_760


class Desk:
    """A port that remembers what it was given and can cancel at a given check."""

    def __init__(self, cancel_at=None):
        self.chunks, self.told, self.checks = [], [], 0
        self._cancel_at = cancel_at

    def check(self):
        self.checks += 1
        if self._cancel_at is not None and self.checks >= self._cancel_at:
            raise Cancelled

    def progress(self, fraction, stage):
        self.check()
        self.told.append((fraction, stage))

    def emit(self, chunk):
        self.check()
        assert chunk.samples.dtype == np.float32
        self.chunks.append(chunk)

    def sounds(self):
        """Everything final of one role in one array."""
        pieces = defaultdict(list)
        for chunk in self.chunks:
            if not chunk.provisional:
                pieces[chunk.role].append(chunk.samples)
        return {role: np.concatenate(parts) for role, parts in pieces.items()}

    def start(self, role="region"):
        """The sample at which what is final of a role begins."""
        return min(c.start for c in self.chunks if c.role == role and not c.provisional)


def music(seconds, seed=3, bpm=120.0):
    """Chords, a bass and clicks on the beat, stereo."""
    rng = np.random.Generator(np.random.PCG64(seed))
    t = np.arange(round(seconds * RATE)) / RATE
    out = 0.003 * rng.standard_normal(len(t))
    for hz in (110.0, 220.0, 277.18, 329.63):
        out += 0.06 * np.sin(2 * np.pi * hz * t + rng.uniform(0, 6))
    beat = (t * bpm / 60) % 1.0
    out += 0.25 * np.exp(-beat * 60) * rng.standard_normal(len(t))
    return np.stack([out, 0.8 * out], axis=1).astype(np.float32)


def asked(op, clip, *spans, seed=7, cut=(0, 0), source_start=0, later=(), **options):
    """A request; spans are `(start_s, end_s)` of the clip."""
    return Request(
        op=op,
        clip=clip,
        rate=RATE,
        spans=tuple(Span(round(a * RATE), round(b * RATE)) for a, b in spans),
        handle=HANDLE,
        grid=Grid.steady(120.0),
        grid_told=True,
        key=None,
        seed=seed,
        options=options,
        source_start=source_start,
        cut=cut,
        later_seeds=later,
    )
