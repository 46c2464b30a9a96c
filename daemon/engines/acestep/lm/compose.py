"""Asking the language model: for a plan, for the codes of a piece, and what a piece is.

Times: codes are 0.2 s each. `check` raises to abandon; it is called for every token.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from daemon.engines.acestep.lm import wording
from daemon.engines.acestep.lm.grammar import LONGEST_TEXT, Form, form
from daemon.engines.acestep.lm.model import CODES_PER_S, Language
from daemon.engines.acestep.lm.plan import FIELDS, LONGEST_S, SHORTEST_S, Plan, read
from daemon.engines.acestep.lm.writing import Pen, Taste, draw

Check = Callable[[], None]
THOUGHT = Taste()
CODES = Taste(guidance=2.0)
HEARD = Taste(temperature=0.3, top_p=1.0)
THOUGHT_KEYS = ("bpm", "keyscale", "timesignature")
_PLAN_ROOM = LONGEST_TEXT + 100
LONGEST_LYRICS = 1500
"""Tokens of the words that are heard in a piece, at most."""


@dataclass(frozen=True)
class Understanding:
    """What the model makes of a piece: its plan (with a caption) and the words that are sung."""

    plan: Plan
    lyrics: str


def codes_for(seconds: float) -> int:
    """Return how many codes cover a length."""
    return math.ceil(seconds * CODES_PER_S - 1e-9)


def settled_length(seconds: float) -> int:
    """Return a length as a plan can say it: whole seconds, within what the model knows."""
    return min(LONGEST_S, max(SHORTEST_S, math.floor(seconds)))


def think(
    language: Language,
    caption: str,
    lyrics: str,
    told: Plan,
    seed: int,
    check: Check,
    asked: Sequence[str] = THOUGHT_KEYS,
) -> Plan:
    """Return `told` with what it leaves open of the keys `asked` thought out by the model.

    What is not asked for stays open: not all that a musician tells has a word in a plan.
    """
    opened = [n for n in asked if getattr(told, FIELDS[n]) is None]
    if not opened:
        return told
    lines = form(language, replace(told, caption=None), opened)
    pen = Pen(language, [wording.for_plan(language, caption, lyrics)], _PLAN_ROOM)
    _fill(language, pen, lines, THOUGHT, _generator(seed), check)
    found = read(language.text(lines.written))
    return replace(told, **{FIELDS[n]: getattr(found, FIELDS[n]) for n in opened})


def codes(
    language: Language,
    caption: str,
    lyrics: str,
    plan: Plan,
    count: int,
    seed: int,
    check: Check,
    negative: str = "",
    taste: Taste = CODES,
) -> Iterator[int]:
    """Yield exactly `count` codes of a piece, one by one as they are written.

    Guided away from the same question with an empty plan, and with the caption `negative` if given.
    """
    asked = wording.for_codes(language, caption, lyrics, replace(plan, caption=None, language=None))
    without = wording.for_codes(language, negative or caption, lyrics, None)
    pen = Pen(language, [asked, without], count)
    generator, known = _generator(seed), language.vocabulary
    rows = slice(known.first_code, known.first_code + known.codes)
    for _ in range(count):
        check()
        code = draw(pen.logits(rows, taste.guidance), taste, generator)
        pen.push(known.first_code + code)
        yield code


def understand(
    language: Language,
    codes: Sequence[int],
    seed: int,
    check: Check,
    longest: int = LONGEST_LYRICS,
) -> Understanding:
    """Return what the model makes of a piece given as codes."""
    room = _PLAN_ROOM + longest
    lines = form(language, Plan(), tuple(FIELDS))
    pen = Pen(language, [wording.for_words(language, codes)], room)
    generator = _generator(seed)
    _fill(language, pen, lines, HEARD, generator, check)
    pen.push(language.vocabulary.unthink)
    written: list[int] = []
    everything = slice(0, language.model.config.vocab_size)
    allowed = _text_or_end(language)
    for _ in range(longest):
        check()
        token = draw(_only(pen.logits(everything, 1.0), allowed), HEARD, generator)
        if token == language.vocabulary.end:
            break
        written.append(token)
        pen.push(token)
    heard = read(_printable(language.text(lines.written)))
    return Understanding(heard, _lyrics(_printable(language.text(written))))


def _fill(
    language: Language,
    pen: Pen,
    lines: Form,
    taste: Taste,
    generator: torch.Generator,
    check: Check,
) -> None:
    """Write the lines of a form after `<think>`."""
    everything = slice(0, language.model.config.vocab_size)
    for token in (language.vocabulary.think, *language.ids("\n")):
        pen.push(token)
    while not lines.done:
        check()
        only = lines.only()
        token = (
            only
            if only is not None
            else draw(_only(pen.logits(everything, 1.0), lines.allowed()), taste, generator)
        )
        lines.push(token)
        pen.push(token)


def _only(logits: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    return logits.masked_fill(~allowed, -torch.inf)


def _text_or_end(language: Language) -> torch.Tensor:
    """Which tokens lyrics may hold, and the one that ends them, bool `(V,)`."""
    known = language.vocabulary
    allowed = torch.zeros(language.model.config.vocab_size, dtype=torch.bool)
    allowed[: len(language.tokenizer)] = True
    # No codes, no second thought; the code tokens lie behind all words.
    allowed[known.first_code :] = False
    allowed[list(language.tokenizer.all_special_ids)] = False
    allowed[[known.start, known.think, known.unthink]] = False
    allowed[known.end] = True
    return allowed.to(language.device)


def _printable(text: str) -> str:
    """Return `text` without control characters, which a model may write where it knows no word."""
    return "".join(c for c in text if c.isprintable() or c == "\n")


def _lyrics(text: str) -> str:
    """Return the words without the heading that the model may put before them."""
    lines = text.strip().splitlines()
    for i, line in enumerate(lines[:6]):
        if line.strip().lower() in ("# lyric", "# lyrics"):
            lines = lines[i + 1 :]
            break
    return "\n".join(lines).strip()


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
