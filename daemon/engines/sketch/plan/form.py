"""The form of a piece: which bars are intro, verse, chorus, and how full each is.

Standard library only. Levels: 0 bare, 1 light, 2 lifted, 3 full.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.types import Section

LEVELS = {"intro": 0, "verse": 1, "prechorus": 2, "chorus": 3, "bridge": 2, "solo": 3, "outro": 1}
_TAGS = {
    "intro": ("intro", "前奏"),
    "prechorus": ("pre-chorus", "prechorus", "pre chorus", "build", "导歌", "预副歌"),
    "chorus": ("chorus", "hook", "refrain", "drop", "副歌"),
    "verse": ("verse", "主歌"),
    "bridge": ("bridge", "桥段", "间奏", "breakdown", "interlude"),
    "solo": ("solo", "inst", "独奏"),
    "outro": ("outro", "ending", "尾奏", "结尾"),
}
_LOUDER_DB = 1.5
_CONTRAST_DB, _NEAR_TOP_DB = 3.5, 1.0
_BLOCK = 4
_OUTRO_FROM = 2  # bars without a voice at the end

Span = tuple[int, int, str, int]  # first bar, bar after the last, kind, level


def tagged_sections(lyrics: str) -> list[tuple[str, int]]:
    """Return `(kind, lines)` of every `[tag]` in lyrics; empty where there are no known tags."""
    found: list[tuple[str, int]] = []
    for line in lyrics.splitlines():
        tag = re.match(r"\s*[\[【(（]([^\]】)）]+)[\]】)）]", line)
        kind = _kind(tag.group(1)) if tag else None
        if kind is not None:
            found.append((kind, 0))
        elif line.strip() and found:
            found[-1] = (found[-1][0], found[-1][1] + 1)
    return found


def _kind(tag: str) -> str | None:
    tag = tag.strip().lower()
    for kind, names in _TAGS.items():
        if any(tag.startswith(name) for name in names):
            return kind
    return None


def plan_form(
    bars: Sequence[Bar], lyrics: str, energy_db: Sequence[float | None] | None, density: int = 0
) -> tuple[Section, ...]:
    """Return the sections that cover `bars`, without gaps.

    `energy_db` is the voice's level in each bar (None: it rests), or None where there is no voice.
    `density` −1, 0, 1 makes every section emptier or fuller.
    """
    count = len(bars)
    first = _first_sung(energy_db)
    tags = tagged_sections(lyrics)
    if tags:
        spans = _from_tags(tags, count, first)
    elif energy_db is not None:
        spans = _from_voice(energy_db, first)
    else:
        spans = _by_length(count)
    return tuple(
        Section(bars[a].start, bars[b - 1].end, kind, min(3, max(0, level + density)))
        for a, b, kind, level in spans
        if b > a
    )


def _first_sung(energy_db: Sequence[float | None] | None) -> int:
    if energy_db is None:
        return 0
    return next((i for i, level in enumerate(energy_db) if level is not None), 0)


def _from_tags(tags: list[tuple[str, int]], count: int, first: int) -> list[Span]:
    lead = [(0, first, "intro", LEVELS["intro"])] if first and tags[0][0] != "intro" else []
    start = first if lead else 0
    weights = [max(lines, 2 if kind in ("intro", "outro") else 3) for kind, lines in tags]
    edges = _shares(weights, count - start)
    spans = [
        (start + a, start + b, kind, LEVELS[kind])
        for (kind, _), a, b in zip(tags, edges, edges[1:], strict=False)
    ]
    return lead + spans


def _shares(weights: Sequence[int], count: int) -> list[int]:
    """Cut `count` bars by `weights`, at even bars where there is room; return the edges."""
    unit = 2 if count >= 4 * len(weights) else 1
    total, done, edges = sum(weights), 0, [0]
    for weight in weights[:-1]:
        done += weight
        edges.append(min(count, max(edges[-1], unit * round(done * count / total / unit))))
    return [*edges, count]


def _from_voice(energy_db: Sequence[float | None], first: int) -> list[Span]:
    """Cut into blocks of four bars from the first sung one; the louder ones are choruses.

    Blocks that nobody sings are interludes, and bars after the voice has ended are an outro.
    """
    total = len(energy_db)
    count = _after_voice(energy_db)
    blocks = [(a, min(count, a + _BLOCK)) for a in range(first, count, _BLOCK)]
    means = [_mean(energy_db[a:b]) for a, b in blocks]
    sung = [mean for mean in means if mean is not None]
    middle = statistics.median(sung) if sung else 0.0
    spans: list[Span] = [(0, first, "intro", LEVELS["intro"])] if first else []
    for i, ((a, b), mean) in enumerate(zip(blocks, means, strict=True)):
        if mean is None and sung and b - a >= _OUTRO_FROM:
            spans.append((a, b, "bridge", LEVELS["bridge"]))
        elif (
            mean is not None
            and len(sung) > 2
            and (mean > middle + _LOUDER_DB or _lifted(mean, sung))
        ):
            spans.append((a, b, "chorus", 3))
        else:
            spans.append((a, b, "verse", 2 if i % 2 or i >= len(blocks) / 2 else 1))
    return _joined(spans) + [(count, total, "outro", LEVELS["outro"])] * (count < total)


def _lifted(mean: float, sung: Sequence[float]) -> bool:
    """Whether a block is about as loud as the loudest of a song with clear contrast."""
    return max(sung) - min(sung) > _CONTRAST_DB and mean > max(sung) - _NEAR_TOP_DB


def _after_voice(energy_db: Sequence[float | None]) -> int:
    """Return the bar from which on nobody sings any more; the end unless some bars are left."""
    count = len(energy_db)
    last = max((i for i, level in enumerate(energy_db) if level is not None), default=count - 1)
    return last + 1 if count - last - 1 >= _OUTRO_FROM else count


def _mean(levels: Sequence[float | None]) -> float | None:
    known = [level for level in levels if level is not None]
    return sum(known) / len(known) if known else None


def _joined(spans: list[Span]) -> list[Span]:
    out: list[Span] = []
    for span in spans:
        if out and out[-1][2:] == span[2:]:
            out[-1] = (out[-1][0], span[1], *span[2:])
        else:
            out.append(span)
    return out


def _by_length(count: int) -> list[Span]:
    """Return a usual form for a piece of `count` bars without words."""
    if count < 6:
        return [(0, count, "verse", 2)]
    if count < 14:
        half = count // 4 * 2
        return [(0, half, "verse", 1), (half, count, "chorus", 3)]
    intro = 4 if count >= 20 else 2
    outro = 4 if count >= 28 else 2 if count >= 18 else 0
    spans: list[Span] = [(0, intro, "intro", 0)]
    at, turn, last = intro, 0, count - outro
    order = ("verse", "chorus", "verse", "chorus", "bridge", "chorus")
    while at < last:
        kind = order[turn % len(order)]
        size = min(8 if count >= 28 else 4, last - at)
        size = last - at if last - at - size < 2 else size
        level = 2 if kind == "verse" and turn >= 2 else LEVELS[kind]
        spans.append((at, at + size, kind, level))
        at, turn = at + size, turn + 1
    return spans + ([(last, count, "outro", LEVELS["outro"])] if outro else [])
