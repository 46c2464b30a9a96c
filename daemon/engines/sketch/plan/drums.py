"""The drummer: patterns by section, accents, ghost notes, fills, crashes, an ending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.instruments import DRUM_KEYS
from daemon.engines.sketch.plan.song import Song
from daemon.engines.sketch.plan.styles import DrumStyle, Kit
from daemon.engines.sketch.plan.types import PlanNote

_TIMEKEEPERS = ("hat", "ride", "shaker", "tambourine", "pedal")
_TIMEKEEPING = ("hat", "ride", "shaker")
_LIGHT_TIME = ("hat", "pedal", "shaker")
_TIME = {"hat": "x.o." * 4}  # of a bare bar, where the style's own has no timekeeper
_OFFBEAT_SOFTER = 14
_SWINGS = 0.3  # from here on a style's time is not embellished
# Soft strokes that are added (o) and strokes that are left out (-) of a bar's time.
_PICKUPS = (
    "................", ".......o.......o", "...o.......o....", "......-o......-o",
    "..-...........-.", ".o.......o......",
)  # fmt: skip
_ORNAMENT_SHARE = 0.35  # of fourth bars that get a small change
_STROKE_QUARTERS = 0.25


def drum_notes(song: Song, drums: DrumStyle) -> list[PlanNote]:
    """Return every stroke of the piece."""
    notes: list[PlanNote] = []
    for i, bar in song.walk():
        rng = song.rng("drums", str(i))
        if song.is_ending(bar):
            notes += _ending(bar)
            continue
        kit = _kit(song, drums, bar, i, rng)
        for piece, pattern in kit.items():
            notes += _strokes(song, bar, piece, pattern, rng)
        if _crashes(song, bar):
            notes.append(_stroke("crash", bar.start, 96))
    return notes


def _kit(song: Song, drums: DrumStyle, bar: Bar, index: int, rng: np.random.Generator) -> Kit:
    """Return the patterns of one bar."""
    section = song.section(bar)
    rows = (drums.high or drums.low) if section.level >= 3 else (drums.low or drums.high)
    if not rows:
        return {}
    names = (section.kind, str(section.level >= 3))
    row = rows[song.pick(len(rows), "drum pattern", *names)]
    kicked = _kicked(row, rows, song, bar, *names)
    kit: Mapping[str, str] = _renamed(
        _lively(kicked, song, bar, *names), song, section.level, *names
    )
    if section.level == 0:
        bare = {p: pattern for p, pattern in kit.items() if p in _TIMEKEEPERS} or _TIME
        kit = {p: _sieved(pattern, song.pick(3, "bare", *names)) for p, pattern in bare.items()}
    if _fills(song, bar, section.level):
        return _with_fill(kit, drums, song.rng("fill", str(index)))
    if index % 4 == 3 and rng.random() < _ORNAMENT_SHARE and section.level > 0:
        return _ornamented(kit, rng)
    return kit


def _kicked(row: Kit, rows: Sequence[Kit], song: Song, bar: Bar, *names: str) -> Kit:
    """Let the bars of a phrase have each its own kick, of those that the style has."""
    kicks = list(dict.fromkeys(other["kick"] for other in rows if "kick" in other))
    if "kick" not in row or len(kicks) < 2:
        return row
    return {**row, "kick": song.figure(kicks, bar, "kick", *names)}


def _lively(kit: Kit, song: Song, bar: Bar, *names: str) -> Kit:
    """Add the soft strokes between eighths, or leave out those, that one drummer plays."""
    piece = next((piece for piece in _TIMEKEEPING if piece in kit), None)
    if piece is None or song.style.swing > _SWINGS:
        return kit
    how = song.pick(len(_PICKUPS), "pick-ups", *names, song.letter(bar, "time", *names))
    added = zip(kit[piece], _PICKUPS[how], strict=True)
    return {**kit, piece: "".join(_struck(step, more) for step, more in added)}


def _struck(step: str, more: str) -> str:
    if more == "-" and step in "xo":
        return "."
    return more if step == "." and more == "o" else step


def _sieved(pattern: str, how: int) -> str:
    """Return a bare section's time: on the beats, between them, or as written."""
    plain = ("x..." * 4, "..x." * 4)
    if how < len(plain):
        return plain[how]
    return pattern if pattern not in plain else "x..o..x.x..o..x."


def _renamed(kit: Kit, song: Song, level: int, *names: str) -> Kit:
    """Keep time with stick or foot on the hat, on a shaker, in full sections on a cymbal."""
    pieces = _TIMEKEEPING if level >= 2 else _LIGHT_TIME
    other = pieces[song.pick(len(pieces), "time", *names)]
    if "hat" not in kit or other in kit:
        return kit
    return {other if piece == "hat" else piece: pattern for piece, pattern in kit.items()}


def _fills(song: Song, bar: Bar, level: int) -> bool:
    if len(song.bars) < 3:
        return False
    before_end = song.ending and len(song.bars) > 1 and bar is song.bars[-2]
    return before_end or (song.closes_section(bar) and (level > 0 or bar is not song.bars[-1]))


def _with_fill(kit: Kit, drums: DrumStyle, rng: np.random.Generator) -> Kit:
    """Let a fill take the last quarter, or the last half, of a bar."""
    if not drums.fill:
        return kit
    fill = drums.fill[int(rng.integers(len(drums.fill)))]
    cut = 8 if rng.random() < 0.5 else 12
    pieces = dict.fromkeys([*kit, *fill])
    rest = "." * 16
    return {p: kit.get(p, rest)[:cut] + fill.get(p, rest)[cut:] for p in pieces}


def _ornamented(kit: Kit, rng: np.random.Generator) -> Kit:
    """Change one small thing: a pick-up of the kick, a ghost of the snare, an open hat."""
    changed = dict(kit)
    piece, step = [("kick", 14), ("snare", 13), ("open", 14)][int(rng.integers(3))]
    pattern = changed.get(piece, "." * 16)
    symbol = "g" if piece == "snare" else "o"
    if piece == "open" or piece in changed:
        changed[piece] = pattern[:step] + symbol + pattern[step + 1 :]
    if piece == "open" and "hat" in changed:
        changed["hat"] = changed["hat"][:step] + "." + changed["hat"][step + 1 :]
    return changed


def _crashes(song: Song, bar: Bar) -> bool:
    section = song.section(bar)
    return song.opens_section(bar) and section.level >= 2 and bar is not song.bars[0]


def _strokes(
    song: Song, bar: Bar, piece: str, pattern: str, rng: np.random.Generator
) -> list[PlanNote]:
    notes = []
    for hit in song.hits(pattern, bar, rng):
        velocity = hit.velocity
        if piece in _TIMEKEEPERS and hit.at % 1 > 1e-6:
            velocity -= _OFFBEAT_SOFTER
        notes.append(_stroke(piece, bar.start + hit.at, velocity, hit.symbol))
    return notes


def _stroke(piece: str, at: float, velocity: int, symbol: str = "x") -> PlanNote:
    articulation = "ghost" if symbol == "g" else ""
    return PlanNote(
        at, _STROKE_QUARTERS, DRUM_KEYS[piece], max(1, velocity), articulation=articulation
    )


def _ending(bar: Bar) -> list[PlanNote]:
    return [_stroke("kick", bar.start, 100), _stroke("crash", bar.start, 92)]
