"""Long clips: passages that begin and end in rests, solved one after the other and joined.

Frames are latent frames of the clip; passages begin on multiples of GRAIN. One is made with 2 s of
what was made before it held in place at its beginning, so that it goes on where that ended; and it
is made some frames beyond its end, because a piece sounds as if it ended where the window does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from daemon.audio.clips import Samples
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.dit.windows import LEAST, LONGEST_S
from daemon.engines.acestep.parts import FRAMES_PER_S, GRAIN, HOP, Checkpoint
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.solving import Takes
from daemon.engines.acestep.view import View

OVERLAP = 2 * FRAMES_PER_S
"""Frames of the passage before that are held: 2 s."""
BEYOND = GRAIN
"""Frames made beyond the end of a passage and thrown away."""
LONGEST = LONGEST_S * FRAMES_PER_S - OVERLAP - BEYOND
"""Frames that a passage may add: with what it sees beside them, what the model was made for."""


@dataclass(frozen=True)
class Passage:
    """Frames `[start, end)` are made; `[first, last)` are seen for it, `held` of them known."""

    start: int
    end: int
    first: int
    last: int

    @property
    def held(self) -> int:
        """Number of frames at the beginning that were made before."""
        return self.start - self.first


def passages_of(clip: Samples, frames: int) -> tuple[Passage, ...]:
    """Return the passages of a clip of `frames` frames; one, unless it is long.

    Each is cut where the clip is quietest, in the later half of what the passage may be long.
    """
    edges = [0]
    while frames - edges[-1] > LONGEST + OVERLAP + BEYOND * (len(edges) > 1):
        earliest = edges[-1] + LONGEST // 2
        latest = min(edges[-1] + LONGEST, frames - LEAST)
        edges.append(_quietest(clip, _up(earliest), latest // GRAIN * GRAIN))
    edges.append(frames)
    return tuple(
        Passage(start, end, max(0, start - OVERLAP), end if end == frames else end + BEYOND)
        for start, end in itertools.pairwise(edges)
    )


def solved(
    session: Session,
    checkpoint: Checkpoint,
    view: View,
    passages: tuple[Passage, ...],
    problem: Callable[[int, Passage], Problem],
    share: Share,
    takes: Takes | None = None,
) -> torch.Tensor:
    """Return the latents `(B, view.frames, C)` that the passages' problems make together.

    `problem(number, passage)` is over the frames that the passage sees, with B rows of noise; what
    is held is added here. A single passage is one batch; of several each row is made by itself,
    because what it holds is its own. `takes` are solved along with a single passage.
    """
    if len(passages) == 1:
        return session.solve(checkpoint, problem(0, passages[0]), share, takes)
    asked = [problem(number, passage) for number, passage in enumerate(passages)]
    rows = len(asked[0].noise)
    length = (share.last - share.first) / rows
    made = []
    for row in range(rows):
        first = share.first + row * length
        own = replace(share, first=first, last=first + length)
        alone = [_row(one, row) for one in asked]
        made.append(_one_by_one(session, checkpoint, view.frames, passages, alone, own))
    return torch.stack(made)


def _row(problem: Problem, row: int) -> Problem:
    """Return one row of a batch as a problem."""
    context = problem.context[row : row + 1] if len(problem.context) > 1 else problem.context
    return replace(problem, context=context, noise=problem.noise[row : row + 1])


def _one_by_one(
    session: Session,
    checkpoint: Checkpoint,
    frames: int,
    passages: tuple[Passage, ...],
    problems: list[Problem],
    share: Share,
) -> torch.Tensor:
    """Return the latents `(frames, C)` of one row."""
    made: list[torch.Tensor] = []
    width = (share.last - share.first) / frames
    for passage, asked in zip(passages, problems, strict=True):
        if passage.held:
            asked = _going_on(asked, torch.cat(made)[-passage.held :])
        first = share.first + passage.start * width
        step = replace(share, first=first, last=share.first + passage.end * width)
        found = session.solve(checkpoint, asked, step)[0]
        made.append(found[passage.held : passage.held + passage.end - passage.start])
    return torch.cat(made)


def _going_on(problem: Problem, before: torch.Tensor) -> Problem:
    """Hold what was made before at the beginning of the problem."""
    frames = problem.noise.shape[1]
    keep = torch.zeros(frames, dtype=torch.bool)
    keep[: len(before)] = True
    source = torch.zeros(problem.noise.shape[1:])
    source[: len(before)] = before.float().cpu()
    if problem.source is not None and problem.keep is not None:
        keep = keep | problem.keep
        source = torch.where(keep[:, None], source, problem.source)
    return replace(problem, keep=keep, source=source, hold=1.0)


def _quietest(clip: Samples, earliest: int, latest: int) -> int:
    """Return the frame, a multiple of GRAIN, that ends the quietest 2 s."""
    places = range(earliest, max(earliest, latest) + 1, GRAIN)
    first = (earliest - OVERLAP) * HOP
    heard = np.asarray(clip[first : places[-1] * HOP], np.float32)
    grain = GRAIN * HOP
    power = np.square(heard).mean(axis=1)
    padded = np.pad(power, (0, -len(power) % grain)).reshape(-1, grain).mean(axis=1)
    span = OVERLAP // GRAIN
    level = np.convolve(padded, np.ones(span), "valid")[: len(places)]
    return places[int(level.argmin())]


def _up(frame: int) -> int:
    return -(-frame // GRAIN) * GRAIN
