"""`stems` and `analyze`: what is in a clip, as sound and as data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daemon.engines.base import Chunk, Port, Request, Result
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import Listening, analysis_dict

_KEY_GUESS_BELOW = 0.5
_ROUGH = "The stems are a rough split by signal processing, for listening and sketching."


def analyze(studio: Studio, request: Request, port: Port) -> Result:
    """Return what was heard."""
    port.progress(0.05, "listening")
    heard = studio.hear(request, port)
    port.progress(1.0, "listening")
    return Result(key=heard.key, notes=_key_remark(heard), analysis=analysis_dict(heard))


def _key_remark(heard: Listening) -> tuple[str, ...]:
    """Say so where the key is a guess: where another is as likely."""
    if heard.key is None:
        return ("No key was heard.",)
    if heard.key_confidence >= _KEY_GUESS_BELOW:
        return ()
    return (f"The key, {heard.key}, is a guess: send key to tell it.",)


def stems(studio: Studio, request: Request, port: Port) -> Result:
    """Return the clip taken apart; the stems that `stems` names, or all of them."""
    from daemon.engines.sketch.stems import NAMES, split_blocks

    port.progress(0.02, "listening")
    heard = studio.hear(request, port)
    port.progress(0.25, "separating")
    asked = _names(request)
    wanted = [name for name in NAMES if not asked or name in asked]
    _silence(request, wanted, request.spans[0].start - request.handle, 0, port)
    at = 0
    for found in split_blocks(request.clip, request.rate, heard, port.check):
        for name in wanted:
            _emit(request, name, at, found[name], port)
        at += len(found[NAMES[0]])
        port.progress(0.25 + 0.75 * at / max(1, len(request.clip)), "separating")
    _silence(request, wanted, at, request.spans[0].end + request.handle, port)
    port.progress(1.0, "separating")
    notes = [_ROUGH]
    if missing := sorted(asked - set(NAMES)):
        have = ", ".join(sorted(NAMES))
        notes.append(f"There is no stem {', '.join(missing)} in this split; it has {have}.")
    return Result(key=heard.key, notes=tuple(notes))


def _names(request: Request) -> set[str]:
    asked = request.options.get("stems", "")
    names = asked.split(",") if isinstance(asked, str) else asked
    return {name.strip() for name in names if name.strip()}


def _emit(request: Request, name: str, at: int, samples: np.ndarray, port: Port) -> None:
    """Hand over what begins at frame `at`, as far as it lies in the span and its handles."""
    span, handle = request.spans[0], request.handle
    first, last = max(at, span.start - handle), min(at + len(samples), span.end + handle)
    if first < last:
        port.emit(Chunk(f"stem:{name}", first, samples[first - at : last - at]))


def _silence(request: Request, names: Sequence[str], at: int, end: int, port: Port) -> None:
    """Hand over silence from `at` to `end`, where the clip has nothing."""
    for name in names if end > at else ():
        _emit(request, name, at, np.zeros((end - at, 2), np.float32), port)
