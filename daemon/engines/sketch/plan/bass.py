"""The bass player: roots, fifths and approaches in register, following the chords."""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.listen.names import scale_of
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmony import tones_from_root
from daemon.engines.sketch.plan.song import Song
from daemon.engines.sketch.plan.steps import Hit
from daemon.engines.sketch.plan.styles import PartStyle
from daemon.engines.sketch.plan.types import PlanNote

_GAP_QUARTERS = 0.03  # notes are released this much before the next


def bass_notes(song: Song, part: PartStyle) -> list[PlanNote]:
    """Return the bass line."""
    notes: list[PlanNote] = []
    home = part.range[0] + 3 + 4 * song.pick(3, part.name, "register")
    for i, bar in song.walk():
        section = song.section(bar)
        if section.level < part.level:
            continue
        if song.is_ending(bar):
            notes.append(_root(song, part, bar.start, bar.quarters * 0.9, home))
            continue
        rows = (part.high or part.low) if section.level >= 3 else (part.low or part.high)
        pattern = song.figure(rows, bar, part.name, section.kind)
        rng = song.rng(part.name, str(i))
        for hit in _with_changes(song, bar, song.hits(pattern, bar, rng)):
            notes.append(_note(song, part, bar, hit, home, rng))
    return notes


def _with_changes(song: Song, bar: Bar, hits: list[Hit]) -> list[Hit]:
    """Cut held notes at a change of chord and state the new root there."""
    out: list[Hit] = []
    changes = [at - bar.start for at in song.changes.between(bar.start + 0.1, bar.end - 0.1)]
    for hit in hits:
        cuts = [c for c in changes if hit.at + 0.1 < c < hit.at + hit.length - 0.1]
        for cut in cuts:
            out.append(Hit(hit.at, cut - hit.at, hit.symbol, hit.velocity))
            hit = Hit(cut, hit.at + hit.length - cut, "R", hit.velocity)
        at_change = any(abs(hit.at - c) < 0.05 for c in changes)
        out.append(Hit(hit.at, hit.length, "R" if at_change else hit.symbol, hit.velocity))
    return out


def _note(
    song: Song, part: PartStyle, bar: Bar, hit: Hit, home: int, rng: np.random.Generator
) -> PlanNote:
    at = bar.start + hit.at
    name = song.changes.at(at).name
    root = _placed(tones_from_root(name)[0], part, home)
    pitch = root
    if hit.symbol == "a":
        following = song.changes.after(at).name
        target = _placed(tones_from_root(following)[0], part, home)
        pitch = max(part.range[0], _approach(target, song.key, rng))
    elif hit.symbol in "3578":
        pitch = _degree(name, hit.symbol, root, part)
    length = max(0.1, hit.length - _GAP_QUARTERS)
    return PlanNote(at, round(length, 6), pitch, hit.velocity)


def _root(song: Song, part: PartStyle, at: float, length: float, home: int) -> PlanNote:
    root = tones_from_root(song.changes.at(at).name)[0]
    return PlanNote(at, round(length, 6), _placed(root, part, home), 96)


def _placed(pitch_class: int, part: PartStyle, home: int) -> int:
    """Return the pitch of a class nearest to `home` within the part's range."""
    low, high = part.range
    inside = [p for p in range(low, high + 1) if p % 12 == pitch_class]
    return min(inside, key=lambda p: (abs(p - home), p))


def _degree(name: str, symbol: str, root: int, part: PartStyle) -> int:
    tones = tones_from_root(name)
    if symbol == "8":
        pitch = root + 12
    elif symbol == "7":
        pitch = root + ((tones[3] - tones[0]) % 12 if len(tones) > 3 else 12)
    else:
        tone = tones[1] if symbol == "3" else tones[2]
        pitch = root + (tone - tones[0]) % 12
    return pitch - 12 if pitch > part.range[1] else pitch


def _approach(target: int, key: str, rng: np.random.Generator) -> int:
    """Return a neighbour of the next root: a step of the scale, from below or above."""
    scale = scale_of(key)
    below = next(target - d for d in (2, 1) if (target - d) % 12 in scale or d == 1)
    above = next(target + d for d in (1, 2) if (target + d) % 12 in scale or d == 2)
    return below if rng.random() < 0.6 else above
