"""What a request asks of the model, whatever the op: the words, and how to sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.engines.acestep.dit.schedule import schedule
from daemon.engines.acestep.parts import RATE, Checkpoint
from daemon.engines.acestep.text.lyrics import sung_in
from daemon.engines.acestep.text.prompt import Task, Text, language_of, metadata, text_of
from daemon.engines.acestep.text.scripts import script_warning
from daemon.engines.acestep.view import View
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

    `start` is the time at which to begin, above 0 and at most 1 (from noise). Raises 103.
    """
    options = request.options
    steps = int(options.get("steps", checkpoint.steps))
    guidance = float(options.get("guidance", checkpoint.guidance))
    notes: tuple[str, ...] = ()
    if checkpoint.family == "turbo" and guidance > 1:
        guidance = 1.0
        notes = (f"`guidance` was not used: {checkpoint.name} was made to need none.",)
    times = schedule(steps, checkpoint.shift, start)
    return Solving(times, max(1.0, guidance), float(options.get("hold", 1.0)), notes)


def words(
    request: Request,
    task: Task,
    view: View,
    tracks: Sequence[str] = (),
    caption: str | None = None,
    lyrics: str | None = None,
    say_lines: bool = True,
) -> tuple[Text, tuple[str, ...]]:
    """Return what the model reads for what it sees, and notes. Raises 103.

    The lines sung in the view are chosen; a tempo that is a guess and a key that nobody told are
    left out. `caption` and `lyrics` stand for those of the request. With `say_lines` a note says
    which lines were chosen.
    """
    options, at = request.options, request.spans[0].start / request.rate
    sure = request.grid_told or request.tempo_confidence >= SURE_OF_TEMPO
    told, notes = metadata(
        view.duration_s,
        request.grid.tempo_at(at) if sure else None,
        request.grid.metre_at(at) if sure else None,
        request.key,
    )
    start, end = (request.source_start + sample for sample in view.samples())
    text = str(options.get("lyrics", "")) if lyrics is None else lyrics
    sung = sung_in(text, start / RATE, end / RATE)
    language = language_of(options.get("language"))
    about = (sung.note if say_lines else None, script_warning(sung.text, language))
    prompt = str(options.get("prompt", "")) if caption is None else caption
    made = text_of(task, prompt, sung.text, told, language, tracks)
    return made, (*notes, *(note for note in about if note))
