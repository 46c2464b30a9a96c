"""From a brief to a plan: form, harmony, then every player."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.names import parse_key
from daemon.engines.sketch.plan.bars import Bar, bars_between
from daemon.engines.sketch.plan.bass import bass_notes
from daemon.engines.sketch.plan.caption import Caption
from daemon.engines.sketch.plan.comp import comp_notes, pad_notes
from daemon.engines.sketch.plan.drums import drum_notes
from daemon.engines.sketch.plan.form import plan_form
from daemon.engines.sketch.plan.harmonise import Sung
from daemon.engines.sketch.plan.harmony import Changes, progression, without_gaps
from daemon.engines.sketch.plan.humanise import humanised
from daemon.engines.sketch.plan.lead import lead_notes
from daemon.engines.sketch.plan.song import Song, Voice, picked
from daemon.engines.sketch.plan.styles import PartStyle, Style
from daemon.engines.sketch.plan.types import Mix, Part, Plan, PlanChord, PlanNote, Section

Check = Callable[[], None]

_PLAYERS = {"bass": bass_notes, "pad": pad_notes, "lead": lead_notes}


@dataclass(frozen=True)
class Brief:
    """What a piece shall be.

    - `[start_s, end_s)`: the stretch to fill, seconds of the clip on `grid`.
    - `chords`: what is known of the harmony, in order; None in `harmony` leaves it to the style.
    - `melody`, `energy_db`: the voice to accompany (level of each bar, None where it rests).
    - `sections`: the form, where it is known; empty leaves it to words, voice or length.
    - `tune`: a melody for the lead to play instead of a line of its own.
    - `ending`: close with a held bar. `drums`: whether there may be any. `lead`: whether a lead
      line may play.
    """

    grid: Grid
    start_s: float
    end_s: float
    key: str
    style: Style
    seed: int
    caption: Caption = field(default_factory=Caption)
    lyrics: str = ""
    chords: tuple[PlanChord | None, ...] = ()
    melody: tuple[Sung, ...] = ()
    energy_db: tuple[float | None, ...] | None = None
    level: int | None = None
    sections: tuple[Section, ...] = ()
    tune: tuple[Sung, ...] = ()
    ending: bool = False
    drums: bool = True
    lead: bool = False
    mix: Mix = field(default_factory=Mix)

    def bars(self) -> list[Bar]:
        """Return the bars that the piece touches."""
        return bars_between(self.grid, self.start_s, self.end_s)

    def start_quarter(self) -> float:
        """Return where the piece begins, in quarters from the downbeat."""
        return self.grid.quarter_at(self.start_s)


def arrange(brief: Brief, check: Check = lambda: None) -> Plan:
    """Return the whole plan of a piece; `check` is called often enough to be cancelled."""
    bars = brief.bars()
    sections = _sections(brief, bars)
    song = Song(
        style=brief.style,
        key=brief.key,
        seed=brief.seed,
        bars=tuple(bars),
        sections=sections,
        changes=Changes(_harmony(brief, bars, sections)),
        voice=Voice(brief.melody or brief.tune),
        tune=brief.tune,
        feel=brief.caption.feel * _own_feel(brief),
        ending=brief.ending and len(bars) > 1,
        check=check,
    )
    return Plan(
        style=brief.style.name,
        seed=brief.seed,
        key=brief.key,
        grid=brief.grid,
        start_s=brief.start_s,
        length_s=brief.end_s - brief.start_s,
        sections=sections,
        chords=song.changes.chords,
        parts=tuple(part for part in _parts(brief, song) if part.notes),
        mix=replace(brief.mix, room_s=brief.style.room_s, room_tone_hz=brief.style.room_tone_hz),
    )


def _sections(brief: Brief, bars: Sequence[Bar]) -> tuple[Section, ...]:
    if brief.sections:
        return brief.sections
    if brief.level is not None:
        level = min(3, max(0, brief.level + brief.caption.density))
        return (Section(bars[0].start, bars[-1].end, "verse", level),)
    return plan_form(bars, brief.lyrics, brief.energy_db, brief.caption.density)


def _own_feel(brief: Brief) -> float:
    """Return 0.5 or 2 where the tempo lies far outside what the style is played at."""
    low, high = brief.style.tempo_bpm
    bpm = brief.grid.tempo_at(brief.start_s)
    return 0.5 if bpm > high * 1.35 else 2.0 if bpm < low * 0.65 else 1.0


def _harmony(brief: Brief, bars: Sequence[Bar], sections: Sequence[Section]) -> list[PlanChord]:
    """Return what is known, the rest from the style: one progression for each kind of section."""
    mode = "minor" if parse_key(brief.key)[1] else "major"
    laid: list[PlanChord] = []
    for section in sections:
        inside = [b for b in bars if section.start_quarter <= b.start < section.end_quarter]
        rows = brief.style.progressions[mode]
        numerals = rows[picked(brief.seed, len(rows), "progression", section.kind)]
        last = brief.ending and section is sections[-1]
        laid += progression(numerals, brief.key, inside, final=last)
    if not brief.chords:
        return without_gaps(laid, brief.key)
    own = Changes(laid)
    known = [chord for chord in brief.chords if chord is not None]
    return without_gaps(_filled(known, own, bars[0].start, bars[-1].end), brief.key)


def _filled(known: Sequence[PlanChord], own: Changes, start: float, end: float) -> list[PlanChord]:
    """Lay `known` over `own` wherever it is silent, from `start` to `end`."""
    out: list[PlanChord] = []
    at = start
    for chord in [*known, PlanChord(end, end, "N")]:
        if chord.end_quarter <= at and chord.start_quarter < end:
            continue
        stop = min(chord.start_quarter, end)
        while at < stop - 1e-6:
            here = own.at(at)
            until = min(stop, max(here.end_quarter, at + 1e-3))
            until = stop if here is own.chords[-1] else until
            out.append(PlanChord(at, until, here.name))
            at = until
        if chord.start_quarter < end:
            out.append(PlanChord(at, min(end, chord.end_quarter), chord.name))
            at = out[-1].end_quarter
    return out


def _parts(brief: Brief, song: Song) -> list[Part]:
    caption, style = brief.caption, brief.style
    parts = []
    if style.drums is not None and brief.drums and _plays("drums", caption):
        drums = style.drums
        notes = drum_notes(song, drums)
        parts.append(
            Part("drums", "drums", drums.kit, drums.gain_db, 0.0, drums.send_db,
                 notes=_finished(song, "drums", notes))
        )  # fmt: skip
    for row in style.parts:
        with_lead = brief.lead or bool(brief.tune) or row.role != "lead"
        if _plays(row.stem.split("-")[0], caption) and with_lead:
            parts.append(_part(song, row))
    return parts


def _plays(stem: str, caption: Caption) -> bool:
    return stem not in caption.without and (not caption.only or stem in caption.only)


def _part(song: Song, row: PartStyle) -> Part:
    notes = _PLAYERS.get(row.role, comp_notes)(song, row)
    # A line that somebody played is human already.
    is_played = row.role == "lead" and any(n.velocity is not None for n in song.tune)
    return Part(
        name=row.name,
        stem=row.stem,
        instrument=row.instrument,
        gain_db=row.gain_db,
        pan=row.pan,
        send_db=row.send_db,
        duck_db=row.duck_db,
        notes=tuple(notes) if is_played else _finished(song, row.name, notes),
    )


def _finished(song: Song, name: str, notes: list[PlanNote]) -> tuple[PlanNote, ...]:
    song.check()
    return humanised(notes, song.style.humanise, song.rng(name, "hands"), song.check)
