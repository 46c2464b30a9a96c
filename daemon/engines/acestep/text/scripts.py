"""Are the lyrics written as the told language is? A mismatch is sung as gibberish."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

LATIN = ("LATIN",)
CHINESE = ("CJK",)
CYRILLIC = ("CYRILLIC",)
ARABIC = ("ARABIC",)
INDIC = ("DEVANAGARI",)
SCRIPTS = {
    "ar": ARABIC, "fa": ARABIC, "ur": ARABIC,
    "bg": CYRILLIC, "ru": CYRILLIC, "uk": CYRILLIC, "sr": (*CYRILLIC, *LATIN),
    "hi": INDIC, "ne": INDIC, "sa": INDIC,
    "zh": CHINESE, "yue": CHINESE,
    "ja": ("HIRAGANA", "KATAKANA", *CHINESE), "ko": ("HANGUL", *CHINESE),
    "el": ("GREEK",), "he": ("HEBREW",), "bn": ("BENGALI",), "pa": ("GURMUKHI", *ARABIC),
    "ta": ("TAMIL",), "te": ("TELUGU",), "th": ("THAI",),
    "az": (*LATIN, *CYRILLIC),
}  # fmt: skip
"""Scripts by the first word of their letters' Unicode names; languages not here use Latin."""
LEAST = 1 / 3
"""A language is doubted when less than this share of the letters is in its scripts.

Low, as songs mix in English, whose words have more letters than those of some scripts."""

_TAG = re.compile(r"\[[^\]]*\]")


def script_warning(lyrics: str, language: str) -> str | None:
    """Return a warning if the lyrics are in another script than `language` uses, else None."""
    letters = Counter(
        unicodedata.name(letter, "?").split()[0]
        for letter in _TAG.sub("", lyrics)
        if letter.isalpha()
    )
    if not letters or language == "unknown":
        return None
    usual = SCRIPTS.get(language, LATIN)
    if sum(letters[script] for script in usual) >= LEAST * letters.total():
        return None
    script = letters.most_common(1)[0][0]
    return (
        f"the lyrics are mostly in {script.title() if script != 'CJK' else 'Chinese'} letters, "
        f"which {language} does not use: tell their language, or transcribe them"
    )
