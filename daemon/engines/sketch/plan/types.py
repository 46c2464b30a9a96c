"""A plan: every note of a piece, as plain frozen values; standard library only.

Musical positions are quarter notes from the downbeat of the plan's grid (they may be negative),
seconds count from the first sample of the clip, pitches are MIDI note numbers (60 = middle C) and
drums are General MIDI percussion keys. A plan is all that a render needs: same plan, same samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from daemon.audio.grid import Grid

STEM_KINDS = (
    "vocals", "backing_vocals", "drums", "percussion", "bass", "guitar", "keyboard", "pad",
    "synth", "strings", "brass", "woodwinds", "fx", "other",
)  # fmt: skip

CEILING_DBTP = -1.0


@dataclass(frozen=True)
class PlanNote:
    """One note.

    `velocity` is 1…127. `offset_s` is the player's deviation from the grid (negative: early).
    `articulation` is empty, or one of `ghost`, `roll` (spread upwards), `up` (strummed upwards).
    """

    start_quarter: float
    length_quarters: float
    midi: int
    velocity: int
    offset_s: float = 0.0
    articulation: str = ""


@dataclass(frozen=True)
class Part:
    """One player: its notes and how it sits in the mix.

    `stem` is the name under which it is handed over, one of `STEM_KINDS` with an optional `-2`.
    `gain_db` and `pan` (−1 left … 1 right) place it, `send_db` is its reverb, `duck_db` how far
    each kick drum pushes it down (0: not at all).
    """

    name: str
    stem: str
    instrument: str
    gain_db: float = 0.0
    pan: float = 0.0
    send_db: float = -18.0
    duck_db: float = 0.0
    notes: tuple[PlanNote, ...] = ()


@dataclass(frozen=True)
class PlanChord:
    """One chord, named as in the protocol (`F#m7`, `N` for none)."""

    start_quarter: float
    end_quarter: float
    name: str


@dataclass(frozen=True)
class Section:
    """A section of the form. `level` is how full it is: 0 bare, 1 light, 2 lifted, 3 full."""

    start_quarter: float
    end_quarter: float
    kind: str
    level: int


@dataclass(frozen=True)
class Mix:
    """How the parts are brought together.

    `loudness_lufs` is the integrated loudness of the sum (BS.1770), `ceiling_dbtp` its highest true
    peak. `room_s` is the reverb's RT60 and `room_tone_hz` where its high end dies away. `fade_in_s`
    and `fade_out_s` lie inside the ends of the piece.
    """

    loudness_lufs: float = -16.0
    ceiling_dbtp: float = CEILING_DBTP
    room_s: float = 1.2
    room_tone_hz: float = 5000.0
    fade_in_s: float = 0.0
    fade_out_s: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A whole piece: it covers `[start_s, start_s + length_s)` of the clip's time."""

    style: str
    seed: int
    key: str
    grid: Grid
    start_s: float
    length_s: float
    sections: tuple[Section, ...] = ()
    chords: tuple[PlanChord, ...] = ()
    parts: tuple[Part, ...] = ()
    mix: Mix = field(default_factory=Mix)

    @property
    def end_s(self) -> float:
        """Where the piece ends, in seconds of the clip."""
        return self.start_s + self.length_s

    def onset_s(self, note: PlanNote) -> float:
        """When `note` sounds, in seconds of the clip."""
        return self.grid.second_at(note.start_quarter) + note.offset_s

    def length_of(self, note: PlanNote) -> float:
        """How long `note` is held, in seconds."""
        start = self.grid.second_at(note.start_quarter)
        return self.grid.second_at(note.start_quarter + note.length_quarters) - start
