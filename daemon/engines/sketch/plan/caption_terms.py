"""What a prompt says in musical terms: tempo, metre, key, swing; standard library only.

What a client tells in keys of its own always wins over these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from daemon.engines.sketch.plan.caption_words import asks_for, has_any, plain

_LOWEST_BPM, _HIGHEST_BPM = 30.0, 300.0
_LIKELY_BPM = 60.0, 200.0  # what a figure without a unit must lie between
_SLOW_ENOUGH_BPM = 60.0
_SLOW = (
    "slow", "slower", "slowly", "downtempo", "adagio", "largo", "lento", "mid-tempo ballad",
    "慢速", "缓慢", "慢节奏", "慢板", "慢歌", "慢",
)  # fmt: skip
_FAST = (
    "fast", "faster", "uptempo", "quick", "rapid", "allegro", "presto", "vivace", "up-tempo",
    "快速", "快节奏", "急速", "飞快", "快板",
)  # fmt: skip
_SWUNG = ("shuffle", "shuffled", "swung", "swing feel", "triplet feel", "摇摆节奏")
_STRAIGHT = ("straight eighths", "straight 8ths", "straight feel", "no swing", "直拍")
_METRES = {
    (3, 4): ("waltz", "waltzes", "华尔兹", "圆舞曲", "三拍子"),
    (6, 8): ("jig", "6/8拍", "八六拍"),
}
_BPM = (
    r"(?<![\d.])(\d{2,3}(?:\.\d+)?)\s*-?\s*(?:bpm|beats per minute|拍每分|拍/分)",
    r"(?:bpm|tempo|速度)\s*(?:of|at|=|:|:)?\s*(\d{2,3}(?:\.\d+)?)(?![\d/])",
    r"(?<![a-z])at\s+(\d{2,3}(?:\.\d+)?)(?![\d.]*\s*(?:k?hz|bars|%|/|s\b|sec))",
)
_BARE = re.compile(
    r"(?<![\w./:#-])(\d{2,3}(?:\.\d+)?)(?=$|[,;、,;。!]|拍|\s+(?!(?:k?hz|bars?|s|sec|seconds|voices|%)))"
)
_METRE = re.compile(r"(?<![\d/])([2-9]|12)\s*/\s*(4|8)(?![\d/])(?!\s*(?:note|th))")
_ACCIDENTAL = {"#": "#", "♯": "#", "sharp": "#", "b": "b", "♭": "b", "flat": "b", None: ""}
# A lone `a` is an article more often than a key: as a key it is written large, or after `key of`.
_SIGN = r"(?:[ -]?(?P<sign>#|♯|♭|b(?![a-z])|sharp|flat))?"
_MODE = r"\s*-?\s*(?P<mode>major|minor|maj|min)(?![a-z])"
_KEYS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![A-Za-z])(?P<note>[B-Gb-g]|A){_SIGN}{_MODE}",
        rf"[Kk]ey(?: of|:|:)?\s+(?P<note>[A-Ga-g]){_SIGN}(?:{_MODE})?(?![A-Za-z])",
        rf"(?<![A-Za-z])(?P<note>[A-G]){_SIGN}(?P<mode>m)(?![A-Za-z])",
        rf"(?<![A-Za-z])[Ii]n (?P<note>[B-G]){_SIGN}(?![A-Za-z'])",
        r"(?<![A-Za-z])[Ii]n (?P<note>A)(?P<sign>#|♯|♭|b)?(?=\s*(?:$|[,.;]|at |with |and ))",
    )
)
_CHINESE_KEY = re.compile(
    r"(?P<sign>[升降])?(?P<note>[A-Ga-g])(?P<late>[#♯b♭])?(?P<mode>大调|小调|调)"
)


@dataclass(frozen=True)
class Terms:
    """Tempo in quarters a minute, `speed` −1 slow … 1 fast, metre, key, swing 0…1; None: unsaid."""

    bpm: float | None = None
    speed: int = 0
    metre: tuple[int, int] | None = None
    key: str | None = None
    swing: float | None = None


def read_terms(prompt: str) -> Terms:
    """Return what `prompt` says of tempo, metre, key and swing."""
    text = plain(prompt)
    slow = any(asks_for(text, word) for word in _SLOW)
    fast = any(asks_for(text, word) for word in _FAST)
    straight = has_any(text, _STRAIGHT)
    swung = any(asks_for(text, word) for word in _SWUNG)
    return Terms(
        bpm=_tempo(text),
        speed=fast - slow,
        metre=_metre(text),
        key=_key(" ".join(prompt.split())),
        swing=0.0 if straight else 1.0 if swung else None,
    )


def tempo_within(terms: Terms, low: float, high: float) -> float:
    """Return the said tempo, else the middle of a range, or an end of it for slow or fast."""
    if terms.bpm is not None:
        return terms.bpm
    middle = (low + high) / 2
    if terms.speed:
        # A style that is slow by itself is not slowed again.
        return max(low * 0.95, min(middle, _SLOW_ENOUGH_BPM)) if terms.speed < 0 else high
    return middle


def _tempo(text: str) -> float | None:
    for pattern in _BPM:
        found = re.search(pattern, text)
        if found and _LOWEST_BPM <= float(found.group(1)) <= _HIGHEST_BPM:
            return float(found.group(1))
    bare = [float(figure) for figure in _BARE.findall(text)]
    low, high = _LIKELY_BPM
    return next((figure for figure in bare if low <= figure <= high), None)


def _metre(text: str) -> tuple[int, int] | None:
    found = _METRE.search(text)
    if found:
        return int(found.group(1)), int(found.group(2))
    return next((metre for metre, words in _METRES.items() if has_any(text, words)), None)


def _key(text: str) -> str | None:
    found = _CHINESE_KEY.search(text)
    if found:
        sign = {"升": "#", "降": "b", None: ""}[found["sign"]] or _ACCIDENTAL[found["late"]]
        return f"{found['note'].upper()}{sign} {'minor' if found['mode'] == '小调' else 'major'}"
    for pattern in _KEYS:
        found = pattern.search(text)
        if found:
            parts = found.groupdict()
            sign = _ACCIDENTAL[parts["sign"].lower() if parts["sign"] else None]
            minor = (parts.get("mode") or "major").lower() in ("minor", "min", "m")
            return f"{parts['note'].upper()}{sign} {'minor' if minor else 'major'}"
    return None
