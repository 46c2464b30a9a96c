"""Chord players: struck, picked, strummed and held chords."""

from __future__ import annotations

from itertools import pairwise

from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmony import coloured
from daemon.engines.sketch.plan.song import Song
from daemon.engines.sketch.plan.steps import Hit
from daemon.engines.sketch.plan.styles import PartStyle
from daemon.engines.sketch.plan.types import PlanNote
from daemon.engines.sketch.plan.voicing import voiced

_SUNG = 0.5  # from this share of a bar on, the voice has the floor
_LONG_NOTE = 0.45  # quarters; shorter sung notes may rub against a chord
_BELOW_VOICE = 4  # semitones that the band's top stays below the singer's middle
_UNDER_TOP, _LEAST_RANGE = 2, 14  # semitones below the singer's middle for the band's top note
_UNDER_VOICE = 9.0  # semitones of room below that, for one seed or another
_PLACES = 5  # in its range where a player may sit
_STRAY = 0.4  # of its range, that these places span
_RELEASE = 0.04
_PAD_VELOCITY = 72
_LONG_CHORD = 3.5  # quarters


class Hands:
    """One player's hands: the voicing they hold, from chord to chord."""

    def __init__(self, song: Song, part: PartStyle) -> None:
        self.song, self.part = song, part
        low, high = part.range
        place = song.pick(_PLACES, part.name, "register") / (_PLACES - 1) - 0.5
        self._centre = (low + high) / 2 + place * (high - low) * _STRAY
        self._range = part.range
        self._colour = song.style.colour if part.role != "pad" else "triad"
        if sung := song.voice.notes:
            middle = sorted(n.midi for n in sung)[len(sung) // 2]
            top = max(low + 6, middle - _BELOW_VOICE)
            if self._centre > top:
                self._centre = max(low + 5, top - (place + 0.5) * _UNDER_VOICE)
            if part.role != "arp" and low < middle < high:
                self._range = (low, max(low + _LEAST_RANGE, middle - _UNDER_TOP))
        self._held: tuple[int, ...] = ()
        self._name = ""

    def chord(self, start: float, end: float) -> tuple[int, ...]:
        """Return the notes to hold from `start` to `end` (quarters), lowest first."""
        name = self.song.changes.at(start).name
        if self.song.style.colour == "seventh":
            name = coloured(name, self.song.key)
        avoid = self._sung(start, end)
        if name != self._name or avoid:
            part = self.part
            self._held = voiced(
                name, self._held, self._range, part.voices, self._colour, self._centre, avoid
            )
            self._name = name
        return self._held

    def _sung(self, start: float, end: float) -> frozenset[int]:
        notes = self.song.voice.during(start, end)
        return frozenset(n.midi for n in notes if n.end - n.start >= _LONG_NOTE)


def comp_notes(song: Song, part: PartStyle) -> list[PlanNote]:
    """Return the notes of a part whose role is `chords`, `arp` or `strum`."""
    hands = Hands(song, part)
    notes: list[PlanNote] = []
    for i, bar in song.walk():
        level = song.section(bar).level
        if level < part.level:
            continue
        if song.is_ending(bar):
            notes += _held(hands, bar.start, bar.start + bar.quarters * 0.9, 84, "roll")
            continue
        rng = song.rng(part.name, str(i))
        for hit in song.hits(_pattern(song, part, bar), bar, rng):
            notes += _played(hands, bar, hit)
    return notes


def _pattern(song: Song, part: PartStyle, bar: Bar) -> str:
    """Return the bar's pattern: the fuller one in full sections, unless the voice sings there."""
    section = song.section(bar)
    busy_voice = song.voice.share(bar.start, bar.end) >= _SUNG
    full = section.level >= (3 if busy_voice else 2)
    rows = (part.high or part.low) if full else (part.low or part.high)
    if full and section.level == 2:
        rows = (*part.low, *part.high)
    pattern = song.figure(rows, bar, part.name, section.kind, str(full))
    return _turned(pattern, part.voices) if song.pick(4, part.name, "turned") >= 2 else pattern


def _turned(pattern: str, voices: int) -> str:
    """Play a picked pattern from the other side: what went up goes down."""
    if not set(pattern) & set("123456"):
        return pattern
    top = max(voices, *(int(c) for c in pattern if c.isdigit()))
    return "".join(str(top + 1 - int(c)) if c.isdigit() else c for c in pattern)


def _played(hands: Hands, bar: Bar, hit: Hit) -> list[PlanNote]:
    start, notes = bar.start + hit.at, []
    for a, b in _pieces(hands.song, start, start + hit.length):
        if hit.symbol in "123456":
            notes.append(_picked(hands, a, b, int(hit.symbol), hit.velocity))
        elif hit.symbol in "du":
            notes += _held(hands, a, b, hit.velocity, "up" if hit.symbol == "u" else "roll")
        else:
            notes += _held(hands, a, b, hit.velocity, "")
    return notes


def _pieces(song: Song, start: float, end: float) -> list[tuple[float, float]]:
    """Cut `[start, end)` wherever the chord changes."""
    return list(pairwise([start, *song.changes.between(start + 0.1, end - 0.1), end]))


def _picked(hands: Hands, start: float, end: float, voice: int, velocity: int) -> PlanNote:
    chord = hands.chord(start, end)
    octave, index = divmod(voice - 1, len(chord))
    pitch = min(chord[index] + 12 * octave, hands.part.range[1] + 5)
    return PlanNote(start, round(end - start, 6), pitch, velocity)


def _held(hands: Hands, start: float, end: float, velocity: int, how: str) -> list[PlanNote]:
    length = round(max(0.1, end - start - _RELEASE), 6)
    chord = hands.chord(start, end)
    # The inner voices step back so that the top line is heard.
    loud = [velocity - (0 if i == len(chord) - 1 else 6) for i in range(len(chord))]
    return [PlanNote(start, length, p, v, 0.0, how) for p, v in zip(chord, loud, strict=True)]


def pad_notes(song: Song, part: PartStyle) -> list[PlanNote]:
    """Return held chords, from one change or section to the next.

    One seed holds them, one strikes long ones again halfway, one lets the upper voices come later.
    """
    hands = Hands(song, part)
    notes: list[PlanNote] = []
    for section in song.sections:
        if section.level < part.level:
            continue
        start, end = section.start_quarter, section.end_quarter
        song.check()
        for a, b in _pieces(song, start, end):
            velocity = _PAD_VELOCITY + 4 * section.level
            if b - a < _LONG_CHORD or song.is_ending(song.bar_at(a)):
                notes += _held(hands, a, b, velocity, "")
            else:
                how = song.pick(3, part.name, "held", section.kind)
                notes += _swelling(hands, a, b, velocity, how)
    return notes


def _swelling(hands: Hands, start: float, end: float, velocity: int, how: int) -> list[PlanNote]:
    if how == 0:
        return _held(hands, start, end, velocity, "")
    later = start + (end - start) // 2 if how == 1 else start + 1
    first = _held(hands, start, later if how == 1 else end, velocity, "")
    second = _held(hands, later, end, velocity, "")
    if how == 1:
        return [*first, *second]
    low = len(first) - len(first) // 2
    return [*first[:low], *second[low:]]
