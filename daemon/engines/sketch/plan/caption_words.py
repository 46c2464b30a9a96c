"""Finding words in a prompt: English as whole words, Chinese anywhere; standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable


def plain(text: str) -> str:
    """Return `text` in lower case with single spaces, `&` as a word."""
    return " ".join(text.lower().replace("_", " ").replace("&", " and ").split())


def has(text: str, word: str) -> bool:
    """Whether `word` is in a plain text; hyphens and spaces inside it are one and the same."""
    if not word.isascii():
        return word in text
    loose = re.escape(word).replace(r"\-", r"[- ]?").replace(r"\ ", r"[- ]?")
    return re.search(rf"(?<![a-z0-9]){loose}(?![a-z0-9])", text) is not None


def has_any(text: str, words: Iterable[str]) -> bool:
    """Whether one of `words` is in a plain text."""
    return any(has(text, word) for word in words)


def asks_for(text: str, word: str) -> bool:
    """Whether `word` is in a plain text and not only as something that is not wanted."""
    if not has(text, word):
        return False
    lead = (
        r"(?<![a-z])(?:no|not|without|isn't)\s+(?:any\s+|a\s+|too\s+)?"
        if word.isascii()
        else "(?:不要|不是|别)"
    )
    return has(re.sub(lead + re.escape(word), " ", text), word)
