"""What both methods share: attacks are copied, and what lies between them is stretched.

Positions are frames of the input (`a`, `b`) and of the output (`start`, `end`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from daemon.audio.stretch.attacks import attacks

Filler = Callable[[np.ndarray, int, int, int], np.ndarray]
"""`(samples, a, b, frames)`: input `[a, b)` as `(frames, c)`, which begins as the input at `a`."""

_BEFORE_S = 0.006  # copied before an attack: its flank, and the error of finding it
_JOIN_S = 0.006


@dataclass(frozen=True)
class Spacing:
    """How far apart attacks that are copied lie at least, and how much of each is copied (s)."""

    apart_s: float
    held_s: float


@dataclass(frozen=True)
class Gap:
    """A stretch between two attacks: input `[a, b)` becomes output `[start, end)`."""

    a: int
    b: int
    start: int
    end: int


def laid(
    samples: np.ndarray,
    rate: int,
    frames: int,
    spacing: Spacing,
    fill: Filler,
    check: Callable[[], None],
) -> np.ndarray:
    """Return `samples` `(n, c)` with the length `frames`: attacks copied, gaps filled."""
    ratio = frames / len(samples)
    struck = attacks(samples, rate, spacing.apart_s / min(1.0, ratio), check)
    join = max(1, round(_JOIN_S * rate))
    out = np.zeros((frames, samples.shape[1]), np.float32)
    at, read = 0, 0
    for gap in gaps(struck, len(samples), frames, rate, spacing):
        check()
        _copy(out, samples, at, read, gap.start - at + join, join if at else 0)
        more = join if gap.b < len(samples) else 0
        piece = fill(samples, gap.a, gap.b + more, gap.end - gap.start + more)
        _lay(out, piece, gap.start, join if gap.start else 0)
        at, read = gap.end, gap.b
    return out


def gaps(struck: np.ndarray, n: int, frames: int, rate: int, spacing: Spacing) -> list[Gap]:
    """Return what lies between the copied parts; the beginning counts as an attack."""
    ratio = frames / n
    before, held = round(_BEFORE_S * rate), round(spacing.held_s * min(1.0, ratio) * rate)
    least = held + before
    found: list[Gap] = []
    a = start = held if min(n, frames) > 4 * held else 0
    for frame in struck.tolist():
        place = round(frame * ratio)
        b, end = frame - before, place - before
        inside = frame + 2 * held < n and place + 2 * held < frames
        if inside and b - a >= least and end - start >= least // 2:
            found.append(Gap(a, b, start, end))
            a, start = frame + held, place + held
    return [*found, Gap(a, n, start, frames)]


def rise(frames: int) -> np.ndarray:
    """Return a raised-cosine fade `(frames, 1)` from 0 to 1."""
    turn = np.pi * (np.arange(frames) + 0.5) / frames
    return (0.5 - 0.5 * np.cos(turn)).astype(np.float32)[:, None]


def _copy(out: np.ndarray, x: np.ndarray, at: int, read: int, frames: int, fade: int) -> None:
    _lay(out, x[read : read + frames], at, fade)


def _lay(out: np.ndarray, piece: np.ndarray, at: int, fade: int) -> None:
    """Put `piece` at frame `at`, fading over from what lies there in its first `fade` frames."""
    piece = piece[: len(out) - at]
    fade = min(fade, len(piece))
    here = out[at : at + fade]
    here += (piece[:fade] - here) * rise(fade) if fade else 0
    out[at + fade : at + len(piece)] = piece[fade:]
