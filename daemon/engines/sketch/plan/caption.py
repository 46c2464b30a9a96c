"""What a prompt asks of the band: style, mood, density and who plays; standard library only.

Words are looked for in English (whole words) and in Chinese (anywhere in the text).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from daemon.engines.sketch.plan import caption_players as who
from daemon.engines.sketch.plan.caption_terms import Terms, read_terms
from daemon.engines.sketch.plan.caption_words import asks_for, has_any, plain
from daemon.engines.sketch.plan.choosing import named_style
from daemon.engines.sketch.plan.styles import Style

_MINOR = (
    "sad", "mournful", "haunting", "wistful", "eerie", "dark", "minor", "melancholic",
    "melancholy", "gloomy", "moody", "tense",
    "悲伤", "忧郁", "小调", "黑暗", "伤感", "忧伤", "凄美", "阴郁",
)  # fmt: skip
_MAJOR = (
    "happy", "bright", "cheerful", "uplifting", "major", "joyful", "sunny",
    "upbeat", "feel-good", "playful", "欢快", "轻快", "开心", "明亮", "大调", "快乐", "阳光",
)  # fmt: skip
_SPARSE = (
    "sparse", "minimal", "quiet", "calm", "gentle", "soft", "simple", "empty", "stripped",
    "sleepy", "稀疏", "简单", "温柔", "安静", "极简", "轻柔", "平静",
)  # fmt: skip
_BUSY = (
    "busy", "energetic", "dense", "driving", "full", "big", "powerful", "intense",
    "heavy", "banger", "anthem", "aggressive",
    "密集", "激烈", "强劲", "热血", "有力", "饱满", "热烈",
)  # fmt: skip
_HALF = ("half-time", "half time", "halftime", "半速")
_DOUBLE = ("double-time", "double time", "doubletime", "倍速")


@dataclass(frozen=True)
class Caption:
    """A prompt as understood.

    `style` is None where no style is named. `feel` is 0.5, 1 or 2 times the tempo; `density` −1, 0
    or 1; `minor` is None where no mood is named. `without` are stems that shall not play, `only`
    (when not empty) those that alone shall, `players` those that are named, `instruments` what
    they play where that is named closely. `terms` are tempo, metre, key and swing.
    """

    style: str | None = None
    feel: float = 1.0
    density: int = 0
    minor: bool | None = None
    without: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    players: frozenset[str] = frozenset()
    instruments: Mapping[str, str] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)


def read_caption(prompt: str, negative: str, styles: Mapping[str, Style]) -> Caption:
    """Return what `prompt` (and what `negative` does not want) asks for."""
    text, unwanted = plain(prompt), plain(negative)
    refused = frozenset(s for s, names in who.PLAYERS.items() if has_any(unwanted, names))
    without = who.players(text, who.NO) | who.lacking(text) | refused
    return Caption(
        style=named_style(text, styles),
        feel=0.5 if has_any(text, _HALF) else 2.0 if has_any(text, _DOUBLE) else 1.0,
        density=_asks(text, _BUSY) - _asks(text, _SPARSE),
        minor=True if _asks(text, _MINOR) else False if _asks(text, _MAJOR) else None,
        without=without,
        only=who.players(text, who.ONLY),
        players=who.wanted(text) - without,
        instruments=who.instruments(text),
        terms=read_terms(prompt),
    )


def _asks(text: str, words: tuple[str, ...]) -> bool:
    return any(asks_for(text, word) for word in words)
