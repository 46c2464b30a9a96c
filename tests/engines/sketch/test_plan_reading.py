"""Plans that come back: edited chords are voiced again, MIDI of any maker becomes parts."""

import contextlib
import io
import json
from dataclasses import replace

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.errors import PunchinError
from bridge.resources import folder
from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.names import chord_tones, scale_of
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.codec import plan_from_json, plan_json
from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.midi import plan_midi
from daemon.engines.sketch.plan.midi_reading import plan_from_midi
from daemon.engines.sketch.plan.styles import load_styles
from daemon.engines.sketch.plan.types import Plan, PlanChord

STYLES = load_styles(folder("presets") / "styles")


def _plan(style: str = "pop", seed: int = 3) -> Plan:
    chords = tuple(
        PlanChord(4.0 * i, 4.0 * i + 4, name) for i, name in enumerate(["C", "G", "Am", "F"])
    )
    brief = Brief(Grid.steady(120), 0.0, 8.0, "C major", STYLES[style], seed, chords=chords)
    return arrange(brief)


def _edited(plan: Plan, **names: str) -> Plan:
    data = json.loads(plan_json(plan))
    for row in data["chords"]:
        row["name"] = names.get(row["name"], row["name"])
    return plan_from_json(json.dumps(data))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_an_edited_chord_moves_every_part_over_it_and_nothing_else(style: str) -> None:
    plan = _plan(style)
    new = _edited(plan, G="Bb")
    assert [c.name for c in new.chords] == ["C", "Bb", "Am", "F"]
    tones, scale = chord_tones("Bb"), scale_of("C major")
    outside = [0]
    for old_part, part in zip(plan.parts, new.parts, strict=True):
        if is_drums(part.instrument):
            assert part == old_part
            continue
        here = [n for n in part.notes if 4 <= n.start_quarter < 8 - 1e-6]
        was = [n for n in old_part.notes if 4 <= n.start_quarter < 8 - 1e-6]
        assert {n.start_quarter for n in here} == {n.start_quarter for n in was}
        assert [n for n in part.notes if n not in here] == [
            n for n in old_part.notes if n not in was
        ]
        assert all(n.midi % 12 in tones or n.midi % 12 in scale for n in here)
        assert all(n.midi % 12 != 11 for n in here)  # it rubs against the new root
        outside += [n.midi % 12 not in tones for n in here]
    assert np.mean(outside) < 0.15


def test_an_edited_chord_keeps_the_bass_on_its_root() -> None:
    plan = _plan("rock")
    new = _edited(plan, G="Em", F="Dm")
    bass = next(p for p in new.parts if p.stem == "bass")
    first = {4.0: 4, 12.0: 2}
    assert {n.start_quarter: n.midi % 12 for n in bass.notes if n.start_quarter in first} == first


def test_a_chord_put_into_another_cuts_held_notes() -> None:
    plan = _plan("ballad")
    data = json.loads(plan_json(plan))
    row = data["chords"][0]
    middle = {"start_quarter": 2.0, "end_quarter": 4.0, "name": "Am"}
    data["chords"][:1] = [{**row, "end_quarter": 2.0}, middle]
    new = plan_from_json(json.dumps(data))
    notes = [n for p in new.parts if not is_drums(p.instrument) for n in p.notes]
    assert not any(
        n.start_quarter < 1.9 and n.start_quarter + n.length_quarters > 2.1 for n in notes
    )
    held = {n.midi % 12 for n in notes if n.start_quarter == 2.0}
    assert held
    assert 7 not in held


def test_the_same_chord_by_another_name_changes_nothing() -> None:
    plan = replace(_plan(), chords=tuple(replace(c, name="Bb") for c in _plan().chords))
    assert _edited(plan, Bb="A#").parts == plan.parts


def test_chords_without_what_they_were_written_on_are_left_alone() -> None:
    plan = _plan()
    data = json.loads(plan_json(plan))
    for row in data["chords"]:
        del row["written_on"]
        row["name"] = "Eb"
    assert plan_from_json(json.dumps(data)).parts == plan.parts


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("key",), "H"),
        (("length_s",), -1),
        (("start_s",), 1e12),
        (("chords", 0, "name"), "Cfoo"),
        (("chords", 0, "end_quarter"), -9),
        (("parts", 1, "stem"), "kazoo"),
        (("parts", 1, "instrument"), "kazoo"),
        (("parts", 1, "pan"), 7),
        (("parts", 1, "notes", 0, 2), 300),
        (("parts", 1, "notes", 0, 1), 0),
        (("parts", 0, "notes", 0, 2), 90),
        (("parts", 1, "notes", 0, 5), "slap"),
        (("parts", 1, "notes"), 5),
        (("mix", "room_s"), 1e9),
        (("tempomap",), []),
        (("mix",), {"loud": 1}),
        (("parts",), []),
    ],
)
def test_values_that_cannot_be_played_are_errors(path: tuple, value: object) -> None:
    data = json.loads(plan_json(_plan()))
    here = data
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    with pytest.raises(PunchinError) as told:
        plan_from_json(json.dumps(data))
    assert told.value.code == 101


def test_our_own_midi_comes_back_as_the_same_piece() -> None:
    plan = _plan("funk")
    back = plan_from_midi(plan_midi(plan), STYLES)
    assert back.style == "funk"
    assert back.key == plan.key
    assert back.grid.tempo_at(0) == pytest.approx(120, abs=0.01)
    assert [(p.name, p.stem, p.instrument, p.gain_db) for p in back.parts] == [
        (p.name, p.stem, p.instrument, p.gain_db) for p in plan.parts
    ]
    for part, own in zip(back.parts, plan.parts, strict=True):
        theirs = sorted((back.onset_s(n), n.midi, n.velocity) for n in part.notes)
        ours = sorted((max(0.0, plan.onset_s(n)), n.midi, n.velocity) for n in own.notes)
        assert sorted(m for _, m, _ in theirs) == sorted(m for _, m, _ in ours)
        assert np.allclose([t for t, _, _ in theirs], [t for t, _, _ in ours], atol=0.002)


def test_a_plan_without_parts_says_what_to_do() -> None:
    data = {**json.loads(plan_json(_plan())), "parts": []}
    with pytest.raises(PunchinError) as told:
        plan_from_json(json.dumps(data))
    assert "no parts, put one back" in told.value.message


def _foreign() -> bytes:
    score = mido.MidiFile(type=1, ticks_per_beat=96)
    head = mido.MidiTrack()
    head += [
        mido.MetaMessage("set_tempo", tempo=500000),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
        mido.MetaMessage("key_signature", key="Ebm"),
        mido.MetaMessage("set_tempo", tempo=1000000, time=288),
    ]
    score.tracks.append(head)
    rows = [
        ("Slap Bass", 0, 36, 40),
        ("Grand", 1, 0, 60),
        ("Violins", 2, None, 72),
        ("", 9, None, 36),
    ]
    for name, channel, program, key in rows:
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=name))
        if program is not None:
            track.append(mido.Message("program_change", channel=channel, program=program))
        track += [
            mido.Message("control_change", channel=channel, control=64, value=127 * (channel == 1)),
            mido.Message("note_on", channel=channel, note=key, velocity=90, time=288),
            mido.Message("note_off", channel=channel, note=key, time=48),
            mido.Message("control_change", channel=channel, control=64, value=0, time=48),
        ]
        score.tracks.append(track)
    out = io.BytesIO()
    score.save(file=out)
    return out.getvalue()


def test_a_foreign_file_is_read_by_program_name_and_channel() -> None:
    plan = plan_from_midi(_foreign(), STYLES)
    assert [(p.stem, p.instrument) for p in plan.parts] == [
        ("bass", "bass-finger"), ("keyboard", "piano"), ("strings", "strings"),
        ("drums", "drums-acoustic"),
    ]  # fmt: skip
    assert plan.key == "Eb minor"
    assert plan.grid.metre_at(0) == (3, 4)
    assert plan.grid.tempo_at(2) == pytest.approx(60)
    assert [plan.onset_s(p.notes[0]) for p in plan.parts] == [1.5] * 4
    lengths = {p.stem: p.notes[0].length_quarters for p in plan.parts}
    assert lengths["bass"] == pytest.approx(0.5)
    assert lengths["keyboard"] == pytest.approx(1.0)  # the pedal holds it


def _score(*tracks: list[mido.Message]) -> bytes:
    score = mido.MidiFile(type=1, ticks_per_beat=96)
    score.tracks += [mido.MidiTrack(track) for track in tracks]
    out = io.BytesIO()
    score.save(file=out)
    return out.getvalue()


def _tune(*keys: int) -> list[mido.Message]:
    rows = [("note_on", key, 0) for key in keys]
    both = [(row, ("note_off", row[1], 96)) for row in rows]
    return [mido.Message(n, note=k, velocity=80, time=t) for pair in both for n, k, t in pair]


def test_a_program_of_another_track_and_the_key_of_the_notes_count() -> None:
    head = [mido.Message("program_change", channel=0, program=32)]
    plan = plan_from_midi(_score(head, _tune(62, 64, 66, 67, 69, 71, 73, 74, 69, 66, 62)), STYLES)
    assert plan.parts[0].stem == "bass"
    assert plan.key == "D major"


@pytest.mark.parametrize("bpm", [110, 97.5, 133.337])
def test_a_tempo_written_as_midi_comes_back_as_it_was(bpm: float) -> None:
    tempo = [mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm)), *_tune(60)]
    assert plan_from_midi(_score(tempo), STYLES).grid.tempo_at(0) == bpm


def test_midi_that_cannot_be_read_says_why() -> None:
    whole = _foreign()
    smpte = whole[:12] + bytes((0xE7, 40)) + whole[14:]
    for data, why in ((whole[:-20], "too early"), (smpte, "SMPTE")):
        with pytest.raises(PunchinError, match=why):
            plan_from_midi(data, STYLES)


@pytest.mark.parametrize(("last", "whole"), [(3.9, 4), (4.0, 4), (4.1, 4), (4.2, 8), (0.05, 4)])
def test_a_score_ends_on_a_bar_line(last: float, whole: int) -> None:
    score = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack(
        [
            mido.Message("note_on", note=60, velocity=80, time=0),
            mido.Message("note_off", note=60, time=round(480 * last)),
        ]
    )
    score.tracks.append(track)
    out = io.BytesIO()
    score.save(file=out)
    assert plan_from_midi(out.getvalue(), STYLES).length_s == pytest.approx(whole * 0.5)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_damaged_midi_is_an_error_or_a_plan(tail: bytes, cut: int, value: int) -> None:
    whole = bytearray(_foreign())
    whole[cut % len(whole)] = value
    for data in (b"MThd" + tail, bytes(whole), bytes(whole[:cut])):
        with contextlib.suppress(PunchinError):
            plan = plan_from_midi(data, STYLES)
            assert plan_from_json(plan_json(plan)).parts == plan.parts


@pytest.mark.parametrize(
    ("last_tick", "tempo", "unit"),
    [(1 << 27, 500_000, 4), (1 << 24, 1, 4), (1 << 22, 5_000, 128)],
    ids=["hours long", "a tempo out of the world", "tiny bars"],
)
def test_a_score_without_end_is_refused_at_once(last_tick: int, tempo: int, unit: int) -> None:
    score = mido.MidiFile(ticks_per_beat=24)
    track = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=tempo),
            mido.MetaMessage("set_tempo", tempo=tempo + 7, time=100),
            mido.MetaMessage("time_signature", numerator=1, denominator=unit),
            mido.Message("note_on", note=60, velocity=80, time=last_tick),
            mido.Message("note_off", note=60, time=24),
        ]
    )
    score.tracks.append(track)
    out = io.BytesIO()
    score.save(file=out)
    with pytest.raises(PunchinError) as caught:
        plan_from_midi(out.getvalue(), STYLES)
    assert caught.value.code == 101
