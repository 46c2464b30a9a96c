"""What a request asks of the model, whatever the op: the words, and how to sample."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.engines.acestep.dit.schedule import schedule
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.text.prompt import Task, Text, language_of, metadata, text_of
from daemon.engines.base import Request

SURE_OF_TEMPO = 0.5
"""A tempo that is less likely right is not told to the model."""


@dataclass(frozen=True)
class Solving:
    """How to sample: times of the steps (descending, begin at the strength), guidance, hold 0…1."""

    schedule: tuple[float, ...]
    guidance: float
    hold: float
    notes: tuple[str, ...] = ()


def solving(request: Request, checkpoint: Checkpoint, start: float = 1.0) -> Solving:
    """Return what the request says of sampling, else what the checkpoint was made for.

    `start` is the time at which to begin, 0…1 (1: from noise). Raises 103.
    """
    options = request.options
    steps = int(options.get("steps", checkpoint.steps))
    guidance = float(options.get("guidance", checkpoint.guidance))
    notes: tuple[str, ...] = ()
    if checkpoint.family == "turbo" and guidance > 1:
        guidance = 1.0
        notes = (f"`guidance` was not used: {checkpoint.name} was distilled to need none.",)
    times = schedule(steps, checkpoint.shift, start)
    return Solving(times, max(1.0, guidance), float(options.get("hold", 1.0)), notes)


def words(
    request: Request, task: Task, duration_s: float, tracks: tuple[str, ...] = ()
) -> tuple[Text, tuple[str, ...]]:
    """Return what the model reads for `duration_s` seconds of music, and notes. Raises 103.

    A tempo that is a guess and a key that nobody told are left out.
    """
    options = request.options
    at = request.spans[0].start / request.rate
    sure = request.grid_told or request.tempo_confidence >= SURE_OF_TEMPO
    told, notes = metadata(
        duration_s,
        request.grid.tempo_at(at) if sure else None,
        request.grid.metre_at(at) if sure else None,
        request.key,
    )
    caption, lyrics = str(options.get("prompt", "")), str(options.get("lyrics", ""))
    language = language_of(options.get("language"))
    return text_of(task, caption, lyrics, told, language, tracks), notes
