"""The key `melody`: a played line keeps its notes, timing and strength, and the band follows it."""

import io
from pathlib import Path

import mido
import numpy as np
import pytest
from engine_desk import ENGINE, ODE, RATE, Desk, band, empty, request_of, run, voice, whole

from bridge.midi.played import midi_file
from bridge.protocol.errors import PunchinError
from daemon.engines.base import Request, Result, Span
from daemon.engines.sketch.jobs.melody import told_line
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.types import Plan

# Four bars at 120: (start, end, key, strength); a little off the grid, the last bar is silent.
LINE = [
    (i + 0.07 * (i % 3), i + 0.8, 12 + ODE[i], 40 + 5 * i) for i in range(12)
]  # fmt: skip


@pytest.fixture
def line(tmp_path: Path) -> Path:
    path = tmp_path / "line.mid"
    path.write_bytes(midi_file(LINE, 120.0, 4, 4, 16.0))
    return path


def _plan(result: Result) -> Plan:
    return plan_from_json(str(result.documents["plan"]))


def _lead(result: Result) -> list[tuple[float, float, int, int]]:
    part = next(p for p in _plan(result).parts if p.name == "melody")
    return [(n.start_quarter, n.length_quarters, n.midi, n.velocity) for n in part.notes]


def _expected(shift: int = 0, start: float = 0.0) -> list[tuple[float, float, int, int]]:
    return [(a + start, b - a, key + shift, velocity) for a, b, key, velocity in LINE]


def _same(found: list, start: float = 0.0) -> None:
    shift = found[0][2] - LINE[0][2]
    assert shift % 12 == 0
    assert np.allclose(found, _expected(shift, start), atol=2e-3)


def test_a_line_says_how_long_the_piece_is_and_how_fast(line: Path) -> None:
    heard = ENGINE.listen(empty(), RATE, None, None, {"melody": str(line)}, Desk())
    assert heard.length_s == pytest.approx(8.0)
    assert heard.grid.tempo_at(0.0) == pytest.approx(120)
    told = ENGINE.listen(empty(), RATE, 60.0, None, {"melody": str(line)}, Desk())
    assert told.length_s == pytest.approx(16.0)


def test_the_lead_plays_the_line_as_it_was_played(line: Path) -> None:
    options = {"melody": str(line), "preset": "pop"}
    request = request_of("generate", empty(), (Span(0, 8 * RATE),), options=options)
    result, desk = run(request)
    _same(_lead(result))
    assert result.key == "C major"
    chords = {c.name for c in _plan(result).chords}
    assert chords <= {"C", "G", "F", "Am", "Dm", "Em", "G7", "C7", "Cmaj7", "Fmaj7"}
    assert "stem:drums" in desk.sounds()
    assert any("line.mid" in note for note in result.notes)


def test_other_notes_give_other_chords(tmp_path: Path) -> None:
    found = []
    for step in (0, 4):
        path = tmp_path / f"{step}.mid"
        notes = [(a, b, key + step, v) for a, b, key, v in LINE]
        path.write_bytes(midi_file(notes, 120.0, 4, 4, 16.0))
        options = {"melody": str(path), "preset": "pop"}
        result, _ = run(request_of("generate", empty(), (Span(0, 8 * RATE),), options=options))
        found.append([c.name for c in _plan(result).chords])
    assert found[0] != found[1]


def test_told_chords_win(line: Path) -> None:
    options = {"melody": str(line), "preset": "pop", "chords": "Am | F"}
    result, _ = run(request_of("generate", empty(), (Span(0, 8 * RATE),), options=options))
    assert {c.name for c in _plan(result).chords} == {"Am", "F"}
    _same(_lead(result))


@pytest.mark.parametrize("prompt", ["only drums and bass", "pop without synth"])
def test_a_prompt_does_not_silence_the_line(line: Path, prompt: str) -> None:
    options = {"melody": str(line), "prompt": prompt}
    result, _ = run(request_of("generate", empty(), (Span(0, 8 * RATE),), options=options))
    _same(_lead(result))


def test_a_backing_for_a_region_begins_the_line_where_the_region_begins(line: Path) -> None:
    clip = voice([60, 62, 64, 65] * 4)
    span = (Span(RATE, 7 * RATE),)  # from the second beat of its first bar on
    options = {"melody": str(line), "preset": "pop"}
    result, desk = run(request_of("bgm", clip, span, options=options))
    kept = [row for row in _expected(_lead(result)[0][2] - LINE[0][2], 2.0) if row[0] < 14]
    assert np.allclose(_lead(result), kept, atol=2e-3)
    assert {"stem:drums", "stem:bass"} <= desk.sounds().keys()


def test_a_layer_plays_it_and_nothing_else(line: Path) -> None:
    clip = band(4)
    request = request_of(
        "layer", clip, whole(clip), options={"melody": str(line), "track": "strings"}
    )
    result, desk = run(request)
    assert desk.sounds().keys() == {"stem:strings"}
    _same(_lead(result))


def test_drums_play_no_line(line: Path) -> None:
    clip = band(4)
    options = {"melody": str(line), "track": "drums"}
    result, _ = run(request_of("layer", clip, whole(clip), options=options))
    assert not any("line.mid" in note for note in result.notes)


def _two_hands(folder: Path) -> Path:
    """A keyboard player's file: chords below, a line above with legato, drums beside."""
    score = mido.MidiFile(type=1, ticks_per_beat=480)
    for name, channel, rows in (
        ("Piano", 0, [(0, 4, 48), (0, 4, 55), (0, 4, 64), (1, 2.05, 72), (2, 3, 71), (3, 4, 74)]),
        ("Drums", 9, [(beat, beat + 0.5, 90) for beat in range(4)]),
    ):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        events = sorted(
            [(round(a * 480), "note_on", k) for a, _, k in rows]
            + [(round(b * 480), "note_off", k) for _, b, k in rows]
        )
        tick = 0
        for at, kind, key in events:
            track.append(mido.Message(kind, note=key, channel=channel, time=at - tick))
            tick = at
        score.tracks.append(track)
    out = io.BytesIO()
    score.save(file=out)
    path = folder / "hands.mid"
    path.write_bytes(out.getvalue())
    return path


def test_the_line_of_chords_is_their_top(tmp_path: Path) -> None:
    found = told_line({"melody": str(_two_hands(tmp_path))}, {})
    assert found is not None
    assert [(n.midi, n.start, n.end) for n in found.notes] == [
        (64, 0.0, 1.0), (72, 1.0, 2.0), (71, 2.0, 3.0), (74, 3.0, 4.0),
    ]  # fmt: skip
    assert found.quarters == 4.0


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", 101), (b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0", 101), (b"RIFF", 101)],
)
def test_what_holds_no_line_is_told(tmp_path: Path, data: bytes, code: int) -> None:
    path = tmp_path / "x.mid"
    path.write_bytes(data)
    request = Request(
        **{**vars(request_of("generate", empty(), (Span(0, RATE),))), "options": {"melody": path}}
    )
    with pytest.raises(PunchinError) as caught:
        ENGINE.run(request, Desk())
    assert caught.value.code == code


def test_a_plan_s_own_lead_is_a_line_too(tmp_path: Path, line: Path) -> None:
    options = {"melody": str(line), "preset": "pop"}
    first, _ = run(request_of("generate", empty(), (Span(0, 8 * RATE),), options=options))
    path = tmp_path / "plan.json"
    path.write_text(str(first.documents["plan"]), "utf-8")
    options = {"melody": str(path), "preset": "rock"}
    second, _ = run(request_of("generate", empty(), (Span(0, 8 * RATE),), options=options))
    _same(_lead(second))
