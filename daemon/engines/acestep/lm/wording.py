"""What the language model is asked, as tokens.

The chat form of Qwen with ACE-Step's instructions; the plan stands in the model's own turn. Special
tokens are put in as such, and never read out of a user's text.
"""

from __future__ import annotations

from collections.abc import Sequence

from daemon.engines.acestep.lm.model import Language
from daemon.engines.acestep.lm.plan import Plan, written

_COMPOSE = "Generate audio semantic tokens based on the given conditions:"
_UNDERSTAND = (
    "Understand the given musical conditions and describe the audio semantics accordingly:"
)


def for_plan(language: Language, caption: str, lyrics: str) -> list[int]:
    """Return the question that the model answers with a plan."""
    said = f"# Caption\n{caption}\n\n# Lyric\n{lyrics}\n"
    return [*_asked(language, _COMPOSE, language.ids(said)), *_opened(language)]


def for_codes(language: Language, caption: str, lyrics: str, plan: Plan | None) -> list[int]:
    """Return the question with its plan, after which codes follow; None: with an empty one.

    The plan's turn is closed before the codes begin, as in training.
    """
    known, end = language.vocabulary, language.vocabulary.end
    thought = language.ids("\n" + (written(plan) if plan else "\n"))
    said = f"# Caption\n{caption}\n\n# Lyric\n{lyrics}\n"
    return [
        *_asked(language, _COMPOSE, language.ids(said)),
        *_opened(language),
        known.think,
        *thought,
        known.unthink,
        *language.ids("\n\n"),
        end,
        *language.ids("\n"),
    ]


def for_words(language: Language, codes: Sequence[int]) -> list[int]:
    """Return the question what codes sound like."""
    first = language.vocabulary.first_code
    heard = [first + code for code in codes]
    return [*_asked(language, _UNDERSTAND, heard), *_opened(language)]


def _asked(language: Language, instruction: str, said: Sequence[int]) -> list[int]:
    known, line = language.vocabulary, language.ids("\n")
    return [
        known.start,
        *language.ids(f"system\n# Instruction\n{instruction}\n\n"),
        known.end,
        *line,
        known.start,
        *language.ids("user\n"),
        *said,
        known.end,
        *line,
    ]


def _opened(language: Language) -> list[int]:
    return [language.vocabulary.start, *language.ids("assistant\n")]
