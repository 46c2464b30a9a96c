"""Whole plans: in key, in range, humanised, different by seed, kept by JSON and MIDI."""

import io
from dataclasses import replace
from itertools import pairwise

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.errors import PunchinError
from bridge.resources import folder
from daemon.audio.grid import Grid, TempoPoint
from daemon.engines.sketch.listen.names import scale_of
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.caption import Caption
from daemon.engines.sketch.plan.codec import plan_from_json, plan_json
from daemon.engines.sketch.plan.harmonise import Sung
from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.midi import plan_midi
from daemon.engines.sketch.plan.song import picked
from daemon.engines.sketch.plan.styles import load_styles
from daemon.engines.sketch.plan.types import Plan, PlanChord

STYLES = load_styles(folder("presets") / "styles")
GRIDS = {
    "4/4": Grid.steady(100, downbeat=0.3),
    "3/4": Grid.steady(100, 3, 4),
    "6/8": Grid.steady(80, 6, 8),
    "7/8": Grid.steady(120, 7, 8),
    "change": Grid((TempoPoint(0, 90), TempoPoint(8, 120, 3, 4, True), TempoPoint(14, 70, 6, 8))),
}


def _plan(style: str = "pop", seed: int = 1, grid: str = "4/4", **more: object) -> Plan:
    brief = Brief(GRIDS[grid], 0.0, 20.0, "D major", STYLES[style], seed, lead=True)
    return arrange(replace(brief, **more))


def _alone(mine: Plan, other: Plan) -> float:
    """Share of notes of `mine` without a partner of same part and pitch within 1/32 in `other`."""
    total = lonely = 0
    theirs = {p.name: p.notes for p in other.parts}
    for part in mine.parts:
        for note in part.notes:
            total += 1
            near = (
                n.midi == note.midi and abs(n.start_quarter - note.start_quarter) <= 0.125
                for n in theirs.get(part.name, ())
            )
            lonely += not any(near)
    return lonely / total


@pytest.mark.parametrize("style", sorted(STYLES))
@pytest.mark.parametrize("grid", sorted(GRIDS))
def test_every_style_plays_in_every_metre(style: str, grid: str) -> None:
    plan = _plan(style, 3, grid, ending=True)
    assert {part.stem.split("-")[0] for part in plan.parts} >= {"bass"}
    assert len(plan.parts) >= 3
    low, high = plan.sections[0].start_quarter, plan.sections[-1].end_quarter
    ranges = {part.name: part.range for part in STYLES[style].parts}
    for part in plan.parts:
        for note in part.notes:
            assert low - 1e-6 <= note.start_quarter < high
            assert note.length_quarters > 0
            assert 1 <= note.velocity <= 127
            if part.name in ranges:
                assert ranges[part.name][0] - 12 <= note.midi <= ranges[part.name][1] + 12


def test_pitches_belong_to_the_key() -> None:
    scale = scale_of("D major")
    notes = [n for p in _plan().parts if not is_drums(p.instrument) for n in p.notes]
    outside = [n for n in notes if n.midi % 12 not in scale]
    assert len(outside) <= 0.03 * len(notes)


def test_the_bass_states_every_new_chord() -> None:
    chords = (PlanChord(-4, 6, "D"), PlanChord(6, 8, "A"), PlanChord(8, 60, "G"))
    plan = _plan(chords=chords, level=2)
    bass = next(p for p in plan.parts if p.stem == "bass")
    at = {round(n.start_quarter, 3): n.midi % 12 for n in bass.notes}
    assert (at[0.0], at[6.0], at[8.0]) == (2, 9, 7)
    assert [c.name for c in plan.chords] == ["D", "A", "G"]


def test_humanising_stays_within_the_styles_range() -> None:
    for name in ("pop", "lofi"):
        rule = STYLES[name].humanise
        offsets = [n.offset_s for p in _plan(name).parts for n in p.notes if not n.articulation]
        assert min(offsets) >= -rule.early_ms / 1000
        assert max(offsets) <= rule.late_ms / 1000
        assert len(set(offsets)) > 20


@pytest.mark.parametrize("style", sorted(STYLES))
def test_seeds_differ_and_the_same_seed_does_not(style: str) -> None:
    first, again, other = (_plan(style, seed, level=2) for seed in (5, 5, 6))
    assert first == again
    assert _alone(first, other) >= 0.3


@pytest.mark.parametrize("level", [0, 1, 3])
@pytest.mark.parametrize("style", sorted(STYLES))
def test_neighbouring_seeds_differ_in_light_and_in_full_sections(style: str, level: int) -> None:
    chords = tuple(PlanChord(4.0 * i, 4.0 * i + 4, "DGAD"[i % 4]) for i in range(-1, 12))
    plans = [_plan(style, seed, level=level, chords=chords) for seed in (11, 12, 13)]
    assert min(_alone(a, b) for a, b in pairwise(plans)) >= 0.3


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31 - 2), st.integers(2, 6))
def test_neighbouring_seeds_always_choose_differently(seed: int, count: int) -> None:
    mine, other = (picked(s, count, "drums", "verse") for s in (seed, seed + 1))
    assert mine != other
    block = range(seed // count * count, seed // count * count + count)
    assert {picked(s, count, "bass") for s in block} == set(range(count))


def test_choruses_are_fuller_than_verses() -> None:
    plan = _plan(lyrics="[verse]\na\nb\n[chorus]\nc\nd\n")
    verse, chorus = plan.sections
    counts = [
        sum(s.start_quarter <= n.start_quarter < s.end_quarter for p in plan.parts for n in p.notes)
        / (s.end_quarter - s.start_quarter)
        for s in (verse, chorus)
    ]
    assert counts[1] > 1.2 * counts[0]


def test_a_fill_leads_into_the_chorus() -> None:
    plan = _plan(lyrics="[verse]\na\nb\n[chorus]\nc\nd\n")
    change = plan.sections[1].start_quarter
    drums = next(p for p in plan.parts if p.stem == "drums")
    crashes = [n.start_quarter for n in drums.notes if n.midi == 49]
    assert any(abs(at - change) < 0.1 for at in crashes)
    before, fill = (
        [(round(n.start_quarter + back - change, 3), n.midi) for n in drums.notes
         if -1 <= n.start_quarter + back - change < 0]
        for back in (8, 0)
    )  # fmt: skip
    assert sorted(fill) != sorted(before)


def test_an_ending_is_one_held_stroke() -> None:
    plan = _plan(ending=True)
    last = plan.sections[-1].end_quarter - 4
    for part in plan.parts:
        late = [n.start_quarter for n in part.notes if n.start_quarter > last + 0.1]
        assert late == []


def test_the_band_can_do_without_drums_or_play_alone() -> None:
    assert "drums" not in {
        p.stem for p in _plan(caption=Caption(without=frozenset({"drums"}))).parts
    }
    assert {p.stem for p in _plan(caption=Caption(only=frozenset({"keyboard"}))).parts} == {
        "keyboard"
    }


def test_comping_leaves_room_for_long_sung_notes() -> None:
    melody = tuple(Sung(4.0 * i, 4.0 * i + 3.8, 66) for i in range(8))
    plan = _plan(melody=melody, energy_db=(-20.0,) * 9)
    chordal = [p for p in plan.parts if p.stem in ("keyboard", "pad", "guitar")]
    rubbing = [
        n for p in chordal for n in p.notes
        if abs(n.midi - 66) == 1 and any(m.start <= n.start_quarter < m.end for m in melody)
    ]  # fmt: skip
    assert rubbing == []


def test_half_time_has_fewer_onsets_than_double_time() -> None:
    def onsets(caption: Caption) -> int:
        drums = next(p for p in _plan("rock", caption=caption, level=2).parts if p.stem == "drums")
        return len({n.start_quarter for n in drums.notes})

    assert onsets(Caption(feel=2.0, density=1)) >= 1.5 * onsets(Caption(feel=0.5, density=-1))


@pytest.mark.parametrize("grid", sorted(GRIDS))
def test_json_keeps_everything(grid: str) -> None:
    plan = _plan(grid=grid)
    assert plan_from_json(plan_json(plan)) == plan


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "punchin-plan"}', "null"])
def test_text_that_is_no_plan_is_an_error(text: str) -> None:
    with pytest.raises(PunchinError) as told:
        plan_from_json(text)
    assert told.value.code == 101


def test_midi_begins_at_the_clips_first_sample() -> None:
    plan = _plan()
    score = mido.MidiFile(file=io.BytesIO(plan_midi(plan)))
    assert score.ticks_per_beat == 480
    assert [t.name for t in score.tracks[1:]] == [p.name for p in plan.parts]
    first = score.tracks[0]
    assert any(m.type == "key_signature" and m.key == "D" for m in first)
    assert any(m.type == "set_tempo" and m.tempo == 600000 for m in first)
    bass = next(i for i, p in enumerate(plan.parts) if p.stem == "bass")
    at, onsets = 0.0, []
    for message in mido.merge_tracks([first, score.tracks[bass + 1]]):
        at += mido.tick2second(message.time, 480, 600000)
        if message.type == "note_on" and message.velocity:
            onsets.append(at)
    wanted = sorted(max(0.0, plan.onset_s(n)) for n in plan.parts[bass].notes)
    assert onsets == pytest.approx(wanted, abs=0.002)


def test_midi_follows_a_tempo_map_and_keeps_drums_on_channel_ten() -> None:
    plan = _plan(grid="change")
    score = mido.MidiFile(file=io.BytesIO(plan_midi(plan)))
    metres = [(m.numerator, m.denominator) for m in score.tracks[0] if m.type == "time_signature"]
    assert metres == [(4, 4), (3, 4), (6, 8)]
    assert score.length == pytest.approx(plan.end_s, abs=4.0)
    channels = {m.channel for m in score.tracks[1] if m.type == "note_on"}
    assert channels == {9}
    programs = {m.program for t in score.tracks for m in t if m.type == "program_change"}
    assert 33 in programs


def test_notes_of_a_part_are_in_order() -> None:
    for part in _plan("folk").parts:
        assert all(a.start_quarter <= b.start_quarter for a, b in pairwise(part.notes))


@pytest.mark.parametrize(
    ("key", "written"),
    [("F# minor", "F#m"), ("Bb major", "Bb"), ("G# minor", "G#m"), ("F major", "F")],
)
def test_midi_tells_the_key(key: str, written: str) -> None:
    score = mido.MidiFile(file=io.BytesIO(plan_midi(_plan(key=key))))
    assert [m.key for m in score.tracks[0] if m.type == "key_signature"] == [written]


def test_long_pieces_can_be_cancelled_while_they_are_written() -> None:
    checks = 0

    def count() -> None:
        nonlocal checks
        checks += 1

    brief = Brief(GRIDS["4/4"], 0.0, 600.0, "D major", STYLES["house"], 1, lead=True)
    plan = arrange(brief, count)
    notes = sum(len(part.notes) for part in plan.parts)
    assert checks > notes / 256
    for write in (plan_json, plan_midi):
        checks = 0
        write(plan, count)
        assert checks > notes / 1024
