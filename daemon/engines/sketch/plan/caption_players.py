"""Who a prompt names: players that shall play, shall not, or shall play alone, and on what.

Standard library only. Stems are named as results name them (`guitar`, `keyboard`, …).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from daemon.engines.sketch.plan.caption_words import asks_for
from daemon.engines.sketch.plan.extras import player_for
from daemon.engines.sketch.plan.styles import PartStyle, Style

NO = (
    "no", "without", "minus", "except", "don't use", "do not use", "not", "remove", "drop the",
    "leave out", "没有", "无", "不要", "不用", "去掉", "别用",
)  # fmt: skip
ONLY = ("only", "just", "solo", "nothing but", "只有", "只要", "只用", "独奏", "纯")
_ENGLISH_LIST = r"(?:\s*,\s*|\s+and\s+|\s*&\s*|\s+or\s+)"
_CHINESE_LIST = r"\s*(?:和|、|与|及|,|,)\s*"
_MORE_WORDS = r"(?:(?:any|the|a|an|some|of|electric|acoustic|soft|solo)\s+)*"
PLAYERS: Mapping[str, tuple[str, ...]] = {
    "drums": ("drums", "drum", "percussion", "beat", "鼓", "打击乐", "节奏", "节拍"),
    "bass": ("bass", "贝斯"),
    "guitar": ("guitar", "guitars", "吉他"),
    "keyboard": (
        "piano", "keys", "keyboard", "organ", "rhodes", "wurlitzer", "accordion", "harmonium",
        "钢琴", "键盘", "风琴",
    ),
    "pad": ("pad", "pads", "choir", "铺底", "合唱团"),
    "synth": ("synth", "synths", "lead", "合成器"),
    "strings": ("strings", "orchestra", "violin", "violins", "cello", "弦乐", "小提琴", "大提琴"),
    "brass": (
        "brass", "horns", "trumpet", "trombone", "saxophone", "sax", "铜管", "小号", "萨克斯",
    ),
    "woodwinds": ("flute", "woodwinds", "clarinet", "oboe", "长笛", "笛子", "木管"),
}  # fmt: skip

# What a player's words say of the instrument itself; the first that is named counts.
_INSTRUMENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "keyboard": {
        "epiano": ("rhodes", "electric piano", "wurlitzer", "e-piano", "电钢琴"),
        "organ": ("organ", "hammond", "accordion", "harmonium", "风琴"),
        "piano-soft": ("soft piano", "felt piano", "upright piano"),
        "piano": ("piano", "grand piano", "钢琴"),
    },
    "guitar": {
        "guitar-drive": (
            "electric guitar", "electric guitars", "distorted guitar", "distorted guitars",
            "overdriven guitar", "heavy guitars", "电吉他", "失真吉他",
        ),
        "guitar-nylon": ("nylon guitar", "classical guitar", "spanish guitar", "古典吉他"),
        "guitar-steel": (
            "acoustic guitar", "acoustic guitars", "steel guitar", "木吉他", "原声吉他",
        ),
    },
    "bass": {
        "bass-upright": ("upright bass", "double bass", "acoustic bass", "低音提琴"),
        "bass-sub": ("sub bass", "808", "808s", "808 bass"),
        "bass-synth": ("synth bass", "合成贝斯"),
    },
}  # fmt: skip


def players(text: str, before: tuple[str, ...]) -> frozenset[str]:
    """Return the stems that are named right after one of the words `before`, in a list too."""
    found: set[str] = set()
    for is_english in (True, False):
        names = {n: s for s, row in PLAYERS.items() for n in row if n.isascii() == is_english}
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


def lacking(text: str) -> frozenset[str]:
    """Return the stems that a word like `drumless` or `bass-free` leaves out."""
    return frozenset(
        stem
        for stem, names in PLAYERS.items()
        for name in names
        if name.isascii() and re.search(rf"(?<![a-z]){name}[- ]?(?:less|free)(?![a-z])", text)
    )


def wanted(text: str) -> frozenset[str]:
    """Return the stems that are named at all, not counting those only named to be left out."""
    named = {stem for stem, row in PLAYERS.items() if any(asks_for(text, name) for name in row)}
    return frozenset(named) - players(text, NO) - lacking(text)


def instruments(text: str) -> dict[str, str]:
    """Return stem → instrument for what is named closely: `rhodes`, `upright bass`."""
    return {
        stem: instrument
        for stem, rows in _INSTRUMENTS.items()
        for instrument, words in reversed(tuple(rows.items()))
        if any(asks_for(text, word) for word in words)
    }


def bent(
    style: Style,
    stems: frozenset[str],
    closely: Mapping[str, str],
    styles: Mapping[str, Style],
    bpm: float,
) -> Style:
    """Return the style with the players that a prompt names, from its verses on.

    Who is missing is borrowed from the nearest style that has one; `closely` names instruments.
    """
    rows: list[PartStyle] = [_told(row, stems, closely) for row in style.parts]
    have = {row.stem.split("-")[0] for row in rows}
    for stem in sorted(stems - have - {"drums"}):
        borrowed = player_for(stem, style, styles, bpm)
        rows.append(_told(replace(borrowed, stem=stem), stems, closely))
    return replace(style, parts=tuple(rows))


def _told(row: PartStyle, stems: frozenset[str], closely: Mapping[str, str]) -> PartStyle:
    stem = row.stem
    if stem not in stems:
        return row
    return replace(row, level=min(row.level, 1), instrument=closely.get(stem, row.instrument))
