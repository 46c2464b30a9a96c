"""What a prompt asks of the band: style, mood, density and who plays; standard library only.

Words are looked for in English (whole words) and in Chinese (anywhere in the text).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
_NO = (
    "no", "without", "minus", "except", "don't use", "do not use", "not", "remove", "drop the",
    "leave out", "没有", "无", "不要", "不用", "去掉", "别用",
)  # fmt: skip
_ONLY = ("only", "just", "solo", "nothing but", "只有", "只要", "只用", "独奏", "纯")
_ENGLISH_LIST = r"(?:\s*,\s*|\s+and\s+|\s*&\s*|\s+or\s+)"
_CHINESE_LIST = r"\s*(?:和|、|与|及|,|,)\s*"
_MORE_WORDS = r"(?:(?:any|the|a|an|some|of|electric|acoustic|soft|solo)\s+)*"
_PLAYERS: Mapping[str, tuple[str, ...]] = {
    "drums": ("drums", "drum", "percussion", "beat", "鼓", "打击乐"),
    "bass": ("bass", "贝斯"),
    "guitar": ("guitar", "guitars", "吉他"),
    "keyboard": ("piano", "keys", "keyboard", "organ", "rhodes", "钢琴", "键盘", "风琴"),
    "pad": ("pad", "pads", "铺底"),
    "synth": ("synth", "synths", "lead", "合成器"),
    "strings": ("strings", "orchestra", "violin", "弦乐", "小提琴"),
    "brass": ("brass", "horns", "trumpet", "铜管", "小号"),
}


@dataclass(frozen=True)
class Caption:
    """A prompt as understood.

    `style` is None where no style is named. `feel` is 0.5, 1 or 2 times the tempo; `density` −1, 0
    or 1; `minor` is None where no mood is named. `without` are stems that shall not play, `only`
    (when not empty) those that alone shall.
    """

    style: str | None = None
    feel: float = 1.0
    density: int = 0
    minor: bool | None = None
    without: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()


def read_caption(prompt: str, negative: str, styles: Mapping[str, Style]) -> Caption:
    """Return what `prompt` (and what `negative` does not want) asks for."""
    text, unwanted = _plain(prompt), _plain(negative)
    refused = {stem for stem, names in _PLAYERS.items() if _any(unwanted, names)}
    return Caption(
        style=named_style(text, styles),
        feel=0.5 if _any(text, _HALF) else 2.0 if _any(text, _DOUBLE) else 1.0,
        density=_any(text, _BUSY) - _any(text, _SPARSE),
        minor=True if _any(text, _MINOR) else False if _any(text, _MAJOR) else None,
        without=_players(text, _NO) | _lacking(text) | refused,
        only=_players(text, _ONLY),
    )


def named_style(text: str, styles: Mapping[str, Style]) -> str | None:
    """Return the style whose words cover most of `text`, None when none is named."""
    scores = {
        name: sum(len(w) for w in {style.name, *style.words} if _asks_for(text, w.lower()))
        for name, style in styles.items()
    }
    best = max(scores, key=lambda name: (scores[name], name), default=None)
    return best if best is not None and scores[best] > 0 else None


def nearest_style(
    bpm: float, busy: float, styles: Mapping[str, Style], minor: bool | None = None
) -> str:
    """Return the style that suits a tempo and a density (0…1) when no caption names one."""

    def distance(style: Style) -> float:
        low, high = style.tempo_bpm
        outside = max(low / bpm, bpm / high, 1.0) - 1
        centre = abs(bpm - (low + high) / 2) / (high - low + 40)
        return 3 * outside + 0.3 * centre + abs(style.busy - busy)

    return min(sorted(styles), key=lambda name: distance(styles[name]))


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())


def _has(text: str, word: str) -> bool:
    if not word.isascii():
        return word in text
    loose = re.escape(word).replace(r"\-", r"[- ]?").replace(r"\ ", r"[- ]?")
    return re.search(rf"(?<![a-z0-9]){loose}(?![a-z0-9])", text) is not None


def _asks_for(text: str, word: str) -> bool:
    """Whether `word` is in the text and not only as something that is not wanted."""
    if not _has(text, word):
        return False
    lead = (
        r"(?<![a-z])(?:no|not|without|isn't)\s+(?:any\s+|a\s+)?"
        if word.isascii()
        else "(?:不要|不是|别)"
    )
    return _has(re.sub(lead + re.escape(word), " ", text), word)


def _any(text: str, words: tuple[str, ...]) -> bool:
    return any(_has(text, word) for word in words)


def _players(text: str, before: tuple[str, ...]) -> frozenset[str]:
    """Return the stems that are named right after one of the words `before`, in a list too."""
    found: set[str] = set()
    for is_english in (True, False):
        names = {n: s for s, row in _PLAYERS.items() for n in row if n.isascii() == is_english}
        leads = [re.escape(word) for word in before if word.isascii() == is_english]
        # The longest name first: 打击乐 is not read as another one that it contains.
        name = "(?:" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + ")"
        lead = "(?:" + "|".join(sorted(leads, key=len, reverse=True)) + ")"
        if is_english:
            item = _MORE_WORDS + rf"{name}(?![a-z])"
            pattern = rf"(?<![a-z]){lead}\s+({item}(?:{_ENGLISH_LIST}{item})*)"
        else:
            item = rf"(?:任何|电|木|原声)*{name}"
            pattern = rf"{lead}\s*({item}(?:{_CHINESE_LIST}{item})*)"
        for listed in re.findall(pattern, text):
            found |= {names[word] for word in re.findall(name, listed)}
    return frozenset(found)


def _lacking(text: str) -> frozenset[str]:
    """Return the stems that a word like `drumless` or `bass-free` leaves out."""
    return frozenset(
        stem
        for stem, names in _PLAYERS.items()
        for name in names
        if name.isascii() and re.search(rf"(?<![a-z]){name}[- ]?(?:less|free)(?![a-z])", text)
    )
