"""`analyze`: tempo, key, chords, melody as the embedded engine hears them, and the model's words.

Where a language model is there, it is asked what the clip is: a caption, lyrics and their language
come from it, and a key where none was heard clearly. Without one, and for silence, of which it
would say something all the same, they are left out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from daemon.audio.clips import as_reader
from daemon.engines.acestep.dit.context import codes_of
from daemon.engines.acestep.lm import compose
from daemon.engines.acestep.lm.compose import Understanding
from daemon.engines.acestep.lm.model import CODES_PER_S
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.view import View
from daemon.engines.base import Port, Request, Result
from daemon.engines.sketch.listen import Listening, analysis_dict, listen

CLEAR = 0.5
"""A key that was heard with less confidence is a guess."""
LONGEST_S = 240
"""What the language model is given at most: 1,200 codes."""
_SILENCE = "silence"  # as the embedded engine calls it
_FRAMES_PER_CODE = 5
_TOKENS_PER_CODE, _HEADINGS = 2, 60
"""Nobody sings more than ten tokens in a second; `[verse]` and the like come beside them."""


def analyze(session: Session, request: Request, port: Port) -> Result:
    """Return what is in the clip."""
    port.progress(0.05, "listening")
    heard = listen(
        as_reader(request.clip, request.rate),
        request.rate,
        request.grid,
        downbeat_told=True,
        key=request.key,
        check=port.check,
    )
    heard = replace(
        heard,
        tempo_confidence=request.tempo_confidence,
        downbeat_confidence=request.downbeat_confidence,
    )
    share = Share(port, 0.3, 1.0, "understanding")
    known = understood(session, request, share) if heard.kind != _SILENCE else None
    if known is None:
        return Result(
            heard.key, _key_note(heard.key, heard.key_confidence), {}, analysis_dict(heard)
        )
    return _with_words(heard, known, request)


def understood(session: Session, request: Request, share: Share) -> Understanding | None:
    """Return what the language model makes of the clip; None without one."""
    if not session.beside.language_models or not len(request.clip):
        return None
    checkpoint = session.checkpoint_for("repaint")
    if checkpoint.audio_tokenizer is None:
        return None
    share.tell(0.0)
    language = session.beside.language(code_book(checkpoint))
    assert language is not None
    latents = _latents(session, request, checkpoint, share)
    codes = codes_of(checkpoint, latents, share.port.check)
    share.port.progress(share.first + 0.5 * (share.last - share.first), share.stage)
    # What a clip is does not depend on a job's seed.
    longest = min(compose.LONGEST_LYRICS, _TOKENS_PER_CODE * len(codes) + _HEADINGS)
    return compose.understand(language, codes, 0, share.port.check, longest)


def code_book(checkpoint: Checkpoint) -> int:
    """Return how many codes a checkpoint with a tokenizer knows."""
    assert checkpoint.audio_tokenizer is not None
    return int(checkpoint.audio_tokenizer.quantizer.codebook_size)


def _latents(
    session: Session, request: Request, checkpoint: Checkpoint, share: Share
) -> torch.Tensor:
    """Latents of the clip's first minutes, `(frames, C)`, on the codes' grid."""
    most = LONGEST_S * CODES_PER_S * _FRAMES_PER_CODE
    frames = min(most, -(-len(request.clip) // 1920))
    frames += frames % 2
    view = View(0, frames, (0, frames), ((0, frames),))
    half = replace(share, last=share.first + 0.5 * (share.last - share.first), stage="encoding")
    return session.source(request, view, checkpoint, half)


def _with_words(heard: Listening, known: Understanding, request: Request) -> Result:
    """Join what was heard and what the model says."""
    plan, notes = known.plan, []
    told: dict[str, Any] = analysis_dict(heard)
    key = heard.key
    if plan.key and (key is None or heard.key_confidence < CLEAR):
        key = plan.key
        told |= {"key": key, "key_confidence": CLEAR}
        notes.append(f"The key, {key}, is the language model's: none was heard clearly.")
    words = {"caption": plan.caption, "language": plan.language, "lyrics": known.lyrics}
    model = {"bpm": plan.bpm, "meter": _metre(plan.beats), "key": plan.key}
    told |= {**words, "model": model}
    if len(request.clip) > LONGEST_S * request.rate:
        notes.append(f"The words are those of the first {LONGEST_S // 60} minutes.")
    return Result(key, tuple(notes), {}, told)


def _metre(beats: tuple[int, int] | None) -> str | None:
    return f"{beats[0]}/{beats[1]}" if beats else None


def _key_note(key: str | None, confidence: float) -> tuple[str, ...]:
    """Say so where the key is a guess."""
    if key is None:
        return ("No key was heard.",)
    if confidence >= CLEAR:
        return ()
    return (f"The key, {key}, is a guess: send key to tell it.",)
