"""A worker's side of the engine for tests: a port that remembers, clips, requests."""

from collections import defaultdict

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.base import Cancelled, Chunk, Request, Result, Span
from daemon.engines.sketch import SketchEngine

RATE = 22050
HANDLE = 700
ENGINE = SketchEngine()


class Desk:
    """A port that remembers what it was given and can cancel at a given check."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.chunks: list[Chunk] = []
        self.fractions: list[float] = []
        self.stages: list[str] = []
        self.checks = 0
        self._cancel_at = cancel_at

    def check(self) -> None:
        self.checks += 1
        if self._cancel_at is not None and self.checks > self._cancel_at:
            raise Cancelled

    def progress(self, fraction: float, stage: str) -> None:
        self.fractions.append(fraction)
        self.stages.append(stage)

    def emit(self, chunk: Chunk) -> None:
        assert chunk.samples.dtype == np.float32
        assert np.isfinite(chunk.samples).all()
        self.chunks.append(chunk)

    def sounds(self) -> dict[str, np.ndarray]:
        """Everything of one role in one array."""
        pieces = defaultdict(list)
        for chunk in self.chunks:
            pieces[chunk.role].append(chunk.samples)
        return {role: np.concatenate(parts) for role, parts in pieces.items()}


def tone(midi: float, seconds: float, level: float = 0.25) -> np.ndarray:
    """A sung tone: ten harmonics with vibrato, a soft attack and release."""
    t = np.arange(round(seconds * RATE)) / RATE
    turn = 2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * (t - 0.0004 * np.cos(2 * np.pi * 5.5 * t))
    x = sum(np.sin(k * turn) / k**1.3 for k in range(1, 11))
    edge = np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
    return np.asarray(level * x * edge)


def voice(pitches: list[int], bpm: float = 120, quarters: float = 1.0) -> np.ndarray:
    length = quarters * 60 / bpm
    x = np.concatenate([tone(p, length) for p in pitches]).astype(np.float32)
    return np.stack([x, x], axis=1)


def band(bars: int = 8, bpm: float = 120, drums: bool = True) -> np.ndarray:
    """A loop of four chords with a bass and, if wanted, a click on every beat."""
    chords = [(48, 60, 64, 67), (43, 59, 62, 67), (45, 60, 64, 69), (41, 60, 65, 69)]
    bar_s = 240 / bpm
    out = np.zeros(round(bars * bar_s * RATE))
    rng = np.random.Generator(np.random.PCG64(1))
    hit = rng.standard_normal(1500) * np.exp(-np.arange(1500) / 250) * 0.3
    for i in range(bars):
        at = round(i * bar_s * RATE)
        for pitch in chords[i % 4]:
            for beat in range(4):
                x = tone(pitch, bar_s / 4, 0.06)
                a = at + round(beat * bar_s / 4 * RATE)
                out[a : a + len(x)] += x[: len(out) - a]
        for beat in range(4 * drums):
            a = at + round(beat * bar_s / 4 * RATE)
            out[a : a + 1500] += hit[: len(out) - a]
    x32 = out.astype(np.float32)
    return np.stack([x32, 0.9 * x32], axis=1)


ODE = [64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64, 64, 62, 62, 62]


def request_of(op: str, clip: np.ndarray, spans: tuple[Span, ...], **more: object) -> Request:
    given = {
        "rate": RATE, "handle": HANDLE, "grid": Grid.steady(120), "grid_told": True, "key": None,
        "seed": 1, "options": {},
    }  # fmt: skip
    return Request(op, clip, spans=spans, **{**given, **more})  # type: ignore[arg-type]


def run(request: Request) -> tuple[Result, Desk]:
    desk = Desk()
    result = ENGINE.run(request, desk)
    assert desk.fractions == sorted(desk.fractions)
    assert desk.fractions[-1] == 1.0
    for span in request.spans:
        begin = span.start - HANDLE
        for role, sound in desk.sounds().items():
            first = next(c.start for c in desk.chunks if c.role == role)
            if len(request.spans) == 1:
                assert first == begin
                assert sound.shape == (span.frames + 2 * HANDLE, 2)
    return result, desk


def empty() -> np.ndarray:
    return np.zeros((0, 2), np.float32)


def whole(clip: np.ndarray) -> tuple[Span, ...]:
    return (Span(0, len(clip)),)


def mix_of(desk: Desk) -> np.ndarray:
    return sum(desk.sounds().values())[HANDLE:-HANDLE]  # type: ignore[index]
