"""Songs by chance: key, metre, chords, voicings, parts. Same seed, same song.

Positions are quarters from the first bar line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.sketch.corpus.patterns import BASS, COMPING, DRUMS

TONES = {
    "maj": (0, 4, 7), "min": (0, 3, 7), "7": (0, 4, 7, 10), "min7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11), "sus4": (0, 5, 7), "dim": (0, 3, 6),
}  # fmt: skip
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_LOOPS = {  # degrees (0 = tonic), one or two a bar
    False: ("0 4 5 3", "0 5 3 4", "0 3 4 4", "5 3 0 4", "0 2 3 4", "1 4 0 5", "0 3 0 4",
            "0 3 5 4", "3 4 2 5", "0 1 3 4", "0 4 5 2 3 0 3 4", "0 6 5 3"),
    True: ("0 5 2 6", "0 6 5 4", "0 3 6 2", "0 3 4 4", "0 5 3 4", "0 1 4 0", "0 2 6 3",
           "0 3 0 4", "0 6 5 6", "0 3 5 4 0 5 1 4"),
}  # fmt: skip
_TRIADS = {
    False: ("maj", "min", "min", "maj", "maj", "min", "dim"),
    True: ("min", "dim", "maj", "min", "maj", "maj", "maj"),  # V of minor is major
}
_SEVENTHS = {
    False: ("maj7", "min7", "min7", "maj7", "7", "min7", "dim"),
    True: ("min7", "dim", "maj7", "min7", "7", "maj7", "7"),
}
_KEYS_GM = (0, 1, 4, 5, 7, 11, 16, 19, 24, 25, 26, 27, 28, 48, 50, 52, 61, 88, 89, 90, 81)
_SOLO_GM = (0, 2, 4, 6, 24, 25, 26, 46)
_BASS_GM = (32, 33, 34, 35, 36, 38, 39)
_LEAD_GM = (40, 56, 60, 65, 66, 68, 71, 73, 75, 80, 22)


@dataclass(frozen=True)
class Part:
    """Notes `(at, length, midi, velocity)` of one General MIDI program; None for drums."""

    program: int | None
    notes: tuple[tuple[float, float, int, int], ...]


@dataclass(frozen=True)
class Song:
    """A song: chords `(start, end, root, quality)`, parts, and from where on it is heard."""

    name: str
    bpm: float
    beats: int
    unit: int
    tonic: int
    minor: bool
    quarters: float
    loop_quarters: float
    begin_quarter: float
    chords: tuple[tuple[float, float, int, str], ...]
    parts: tuple[Part, ...]
    melody: tuple[tuple[float, float, int], ...]
    tags: tuple[str, ...]


def compose(name: str, seed: int, index: int) -> Song:
    """Return song `index` of the family `seed`."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))
    metre = ("4/4", "4/4", "3/4", "4/4", "6/8", "4/4")[index % 6]
    beats, unit = (int(x) for x in metre.split("/"))
    bar = beats * 4 / unit
    solo = index % 7 == 3
    bpm = float(np.round(rng.uniform(60, 180) if metre != "6/8" else rng.uniform(70, 130), 1))
    tonic, minor = int(rng.integers(12)), bool(rng.random() < 0.42)
    bars = 8 if metre == "4/4" else 12
    colour = ("triads", "sevenths", "mixed", "triads")[int(rng.integers(4))]
    chords, loop = _chords(rng, tonic, minor, bar, bars, colour)
    swing = bool(metre == "4/4" and rng.random() < 0.25)
    drums = None if solo or rng.random() < 0.3 else _pick(rng, DRUMS[metre])
    comping = _pick(rng, COMPING[metre])
    parts = [_keys(rng, chords, metre, comping, bars, bar, solo, drums)]
    if not solo:
        parts.append(_bass(rng, chords, metre, bars, bar))
    melody = _melody(rng, chords, tonic, minor, bar * bars) if rng.random() < 0.55 else ()
    if melody:
        parts.append(Part(int(rng.choice(_LEAD_GM)), tuple((a, b, m, 92) for a, b, m in melody)))
    if drums:
        strokes = DRUMS[metre][drums]
        hits = [(b * bar + at, 0.1, k, v) for b in range(bars) for at, k, v in strokes]
        parts.append(Part(None, tuple(hits)))
    parts = [_played(rng, p, swing) for p in parts]
    begin = float(rng.uniform(0.05, 0.95) * bar) if rng.random() < 0.45 else 0.0
    tags = (metre, colour, comping, drums or "no drums", *(["solo"] if solo else []),
            *(["swing"] if swing else []), *(["off-bar"] if begin else []))  # fmt: skip
    return Song(name, bpm, beats, unit, tonic, minor, bar * bars, loop, begin, tuple(chords),
                tuple(parts), melody, tags)  # fmt: skip


def _pick(rng: np.random.Generator, table: dict[str, object]) -> str:
    names = sorted(table)
    return names[int(rng.integers(len(names)))]


def _chords(
    rng: np.random.Generator, tonic: int, minor: bool, bar: float, bars: int, colour: str
) -> tuple[list[tuple[float, float, int, str]], float]:
    """Return chords over all bars and the length of their loop."""
    rows = _LOOPS[minor]
    degrees = [int(d) for d in rows[int(rng.integers(len(rows)))].split()]
    halves = len(degrees) == 8 and bar == 4
    step = bar / 2 if halves else bar
    loop = [(d, _quality(rng, d, minor, colour)) for d in degrees]
    scale = MINOR if minor else MAJOR
    out, at, i = [], 0.0, 0
    while at < bar * bars - 1e-9:
        degree, quality = loop[i % len(loop)]
        out.append((at, at + step, (tonic + scale[degree]) % 12, quality))
        at, i = at + step, i + 1
    return out, step * len(loop)


def _quality(rng: np.random.Generator, degree: int, minor: bool, colour: str) -> str:
    triad, seventh = _TRIADS[minor][degree], _SEVENTHS[minor][degree]
    if colour == "triads":
        return triad
    if colour == "sevenths":
        return seventh
    pool = [triad, triad, seventh] + (["sus4"] if degree == 4 else [])
    return pool[int(rng.integers(len(pool)))]


def _voicing(rng: np.random.Generator, root: int, quality: str, around: float) -> list[int]:
    """Return a close or opened voicing in any inversion, its middle near `around`."""
    tones = sorted((root + t) % 12 for t in TONES[quality])
    turn = int(rng.integers(len(tones)))
    low = 12 * round((around - 6) / 12)
    notes = [low + t for t in tones[turn:]] + [low + 12 + t for t in tones[:turn]]
    while np.mean(notes) < around - 6:
        notes = [n + 12 for n in notes]
    while np.mean(notes) > around + 6:
        notes = [n - 12 for n in notes]
    if rng.random() < 0.3:
        notes[-2] -= 12
    return sorted(notes)


def _keys(rng, chords, metre, comping, bars, bar, solo, drums) -> Part:
    hits = COMPING[metre][comping]
    arpeggio = bool(rng.random() < 0.2) or (solo and rng.random() < 0.5)
    fixed = {(r, q): _voicing(rng, r, q, 60) for _, _, r, q in chords}
    notes: list[tuple[float, float, int, int]] = []
    if solo or (drums is None and "off" in comping):
        notes += [(a, b - a, 36 + r if r > 3 else 48 + r, 84) for a, b, r, _ in chords]
    for number in range(bars):
        for at, length in hits:
            here = number * bar + at
            chord = next(c for c in chords if c[0] <= here + 1e-9 < c[1])
            if not arpeggio:
                notes += [(here, length, m, 78) for m in fixed[chord[2], chord[3]]]
        if arpeggio:
            for k in range(round(bar / 0.5)):
                here = number * bar + k * 0.5
                chord = next(c for c in chords if c[0] <= here + 1e-9 < c[1])
                voices = fixed[chord[2], chord[3]]
                order = k % (2 * len(voices) - 2)
                voice = voices[order if order < len(voices) else 2 * len(voices) - 2 - order]
                notes.append((here, 1.0, voice, 80 if k % 2 == 0 else 70))
    return Part(int(rng.choice(_SOLO_GM if solo else _KEYS_GM)), tuple(notes))


def _bass(rng, chords, metre, bars, bar) -> Part:
    pattern = BASS[metre][_pick(rng, BASS[metre])]
    notes = []
    for number in range(bars):
        for at, length, step in pattern:
            here = number * bar + at
            _, end, root, quality = next(c for c in chords if c[0] <= here + 1e-9 < c[1])
            fifth = 6 if quality == "dim" else 7
            pitch = 28 + (root - 4) % 12 + (fifth if step == 7 else step)
            notes.append((here, min(length, end - here), pitch, 96))
    return Part(int(rng.choice(_BASS_GM)), tuple(notes))


def _melody(rng, chords, tonic, minor, end) -> tuple[tuple[float, float, int], ...]:
    scale = sorted((tonic + s) % 12 for s in (MINOR if minor else MAJOR))
    ladder = [m for m in range(62, 84) if m % 12 in scale]
    out, at, last = [], 0.0, int(rng.integers(3, len(ladder) - 3))
    while at < end - 1e-9:
        length = float(rng.choice([0.5, 0.5, 1.0, 1.0, 1.5, 2.0]))
        length = min(length, end - at)
        chord = next(c for c in chords if c[0] <= at + 1e-9 < c[1])
        tones = {(chord[2] + t) % 12 for t in TONES[chord[3]]}
        last = int(np.clip(last + rng.integers(-2, 3), 0, len(ladder) - 1))
        if at % 1 == 0:
            last = min(range(len(ladder)), key=lambda i: (ladder[i] % 12 not in tones,
                                                          abs(i - last)))  # fmt: skip
        if rng.random() > 0.15:
            out.append((at, length * 0.95, ladder[last]))
        at += length
    return tuple(out)


def _played(rng: np.random.Generator, part: Part, swing: bool) -> Part:
    """Return the part with swung eighths and small deviations in strength."""
    notes = []
    for at, length, midi, velocity in part.notes:
        late = 1 / 6 if swing and abs(at % 1 - 0.5) < 1e-6 else 0.0
        change = int(rng.integers(-7, 8))
        notes.append((at + late, length, midi, int(np.clip(velocity + change, 1, 127))))
    return Part(part.program, tuple(notes))
