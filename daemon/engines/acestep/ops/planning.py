"""What the language model thinks out for `generate`, where there is one: tempo, metre, key, codes.

Tempo, metre and key are thought out once for a prompt, whatever the seed, because the musical grid
of a job is settled before its takes are made. Codes, the piece in outline, are each take's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from daemon.engines.acestep.lm import compose
from daemon.engines.acestep.lm.plan import Plan
from daemon.engines.acestep.ops.analyze import code_book
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.text.prompt import (
    BPM_MAX,
    BPM_MIN,
    METRES,
    NO_VOCALS,
    Text,
    caption_and_lyrics,
)
from daemon.engines.base import Port, Request

_ASKED = ("bpm", "duration", "keyscale", "timesignature")


@dataclass(frozen=True)
class Outline:
    """A take's codes, 0.2 s each, and a note about where its plan comes from."""

    codes: tuple[int, ...]
    note: str


def plan_for(
    session: Session,
    options: Mapping[str, Any],
    bpm: float | None,
    metre: tuple[int, int] | None,
    key: str | None,
    port: Port,
) -> Plan | None:
    """Return tempo, metre and key for a prompt, as told or thought out; None without a model.

    A metre that has no word in a plan is left open, and so is a tempo out of the model's range.
    """
    caption, lyrics = str(options.get("prompt", "")), str(options.get("lyrics", ""))
    checkpoint = session.checkpoint_for("text2music")
    if not session.beside.language_models or checkpoint.audio_tokenizer is None:
        return None
    told = Plan(bpm=_tempo(bpm), key=key, metre=METRES.get("{}/{}".format(*metre or (0, 0))))
    asked = tuple(
        name
        for name in _ASKED
        if not (name == "timesignature" and metre) and not (name == "bpm" and bpm)
    )
    name = ("plan", caption, lyrics, told, asked)
    found: Plan | None = session.kept.get(name)
    if found is None:
        port.progress(0.01, "planning")
        language = session.beside.language(code_book(checkpoint))
        assert language is not None
        words = lyrics.strip() or NO_VOCALS
        found = compose.think(language, caption, words, told, 0, port.check, asked)
        session.kept.put(name, found)
    return found


def outline(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    text: Text,
    plan: Plan,
    seconds: float,
    share: Share,
) -> Outline:
    """Return the codes of a take that is `seconds` long; they come one by one."""
    language = session.beside.language(code_book(checkpoint))
    assert language is not None
    caption, lyrics = caption_and_lyrics(text)
    count = compose.codes_for(seconds)
    told = replace(plan, duration_s=compose.settled_length(seconds))
    codes = []
    for code in compose.codes(
        language, caption, lyrics or NO_VOCALS, told, count, request.seed, share.port.check
    ):
        codes.append(code)
        share.tell(len(codes) / count)
    known = (f"{plan.bpm} bpm" if plan.bpm else None, plan.key)
    words = ", ".join(part for part in known if part)
    return Outline(tuple(codes), f"planned by {language.name}" + (f": {words}" if words else ""))


def _tempo(bpm: float | None) -> int | None:
    told = None if bpm is None else round(bpm)
    return told if told is not None and BPM_MIN <= told <= BPM_MAX else None
