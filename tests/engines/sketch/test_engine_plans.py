"""The key `plan`: a plan that comes back is rendered bit for bit, MIDI too is played."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_desk import ENGINE, ODE, RATE, Desk, empty, mix_of, request_of, run, voice, whole

from bridge.protocol.errors import PunchinError
from daemon.audio.loudness import integrated_lufs
from daemon.engines.base import Request, Result, Span
from daemon.engines.sketch.jobs.replaying import USED_BY

SONG = request_of("generate", empty(), (Span(0, 8 * RATE),), options={"preset": "funk"})


def _with_plan(request: Request, path: Path, **more: object) -> Request:
    return replace(request, seed=99, options={"plan": str(path), **more})


def _written(result: Result, folder: Path) -> Path:
    path = folder / "plan-1.json"
    path.write_text(str(result.documents["plan"]), "utf-8")
    return path


def test_a_plan_gives_the_same_samples_as_the_job_that_wrote_it(tmp_path: Path) -> None:
    result, first = run(SONG)
    again, second = run(_with_plan(SONG, _written(result, tmp_path)))
    assert first.sounds().keys() == second.sounds().keys()
    for role, sound in first.sounds().items():
        assert np.array_equal(sound, second.sounds()[role])
    one, two = (json.loads(str(r.documents["plan"])) for r in (result, again))
    assert one == two
    assert again.key == result.key
    assert any("plan-1.json" in note for note in again.notes)


def test_so_does_the_plan_of_a_backing(tmp_path: Path) -> None:
    clip = voice(ODE)
    request = request_of("bgm", clip, whole(clip), options={"preset": "pop"})
    result, first = run(request)
    _, second = run(_with_plan(request, _written(result, tmp_path)))
    assert np.array_equal(mix_of(first), mix_of(second))


def test_an_edited_chord_is_heard(tmp_path: Path) -> None:
    result, first = run(SONG)
    data = json.loads(str(result.documents["plan"]))
    row = data["chords"][-1]
    row["name"] = "Ebm" if row["name"] != "Ebm" else "A"
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data), "utf-8")
    _, second = run(_with_plan(SONG, path))
    assert first.sounds().keys() == second.sounds().keys()
    assert not np.array_equal(first.sounds()["stem:bass"], second.sounds()["stem:bass"])


def test_midi_is_played(tmp_path: Path) -> None:
    result, first = run(SONG)
    path = tmp_path / "midi-1.mid"
    path.write_bytes(result.documents["midi"])  # type: ignore[arg-type]
    _, second = run(_with_plan(SONG, path))
    assert first.sounds().keys() == second.sounds().keys()
    assert integrated_lufs(mix_of(second), RATE) == pytest.approx(-16, abs=0.5)


def test_humanize_bends_a_plan_that_is_given(tmp_path: Path) -> None:
    path = _written(run(SONG)[0], tmp_path)
    result, _ = run(_with_plan(SONG, path, humanize=0.0))
    data = json.loads(str(result.documents["plan"]))
    assert {note[4] for part in data["parts"] for note in part["notes"]} == {0.0}


def test_the_grid_is_the_plans_where_no_tempo_is_told(tmp_path: Path) -> None:
    slow = request_of("generate", empty(), (Span(0, 4 * RATE),))
    path = _written(run(slow)[0], tmp_path)
    heard = ENGINE.listen(empty(), RATE, None, None, {"plan": str(path)}, Desk())
    assert heard.grid == slow.grid
    told = ENGINE.listen(empty(), RATE, 93.0, (3, 4), {"plan": str(path)}, Desk())
    assert (told.grid, told.is_plan) == (slow.grid, True)


def test_the_keys_that_a_plan_settles_are_named_for_every_op_that_plays_one() -> None:
    settles = ENGINE.capabilities().plan_settles
    assert settles.keys() == USED_BY
    assert all({"bpm", "meter", "key"} <= keys for keys in settles.values())


def test_a_tempo_edited_down_says_where_the_plan_is_cut(tmp_path: Path) -> None:
    data = json.loads(str(run(SONG)[0].documents["plan"]))
    data["tempomap"][0][1] = 60
    path = tmp_path / "slow.json"
    path.write_text(json.dumps(data), "utf-8")
    assert any("cuts it at 8.0 s" in note for note in run(_with_plan(SONG, path))[0].notes)


def test_a_retake_leaves_out_whom_the_prompt_refuses(tmp_path: Path) -> None:
    path = _written(run(SONG)[0], tmp_path)
    clip = np.zeros((8 * RATE, 2), np.float32)
    request = request_of("retake", clip, whole(clip), options={"prompt": "no drums"})
    request = replace(request, options={**request.options, "plan": str(path)})
    result, _ = run(request)
    stems = {part["stem"] for part in json.loads(str(result.documents["plan"]))["parts"]}
    assert "bass" in stems
    assert "drums" not in stems
    assert "Left out: drums." in result.notes


def test_a_plan_that_is_too_short_is_told(tmp_path: Path) -> None:
    path = _written(run(SONG)[0], tmp_path)
    longer = replace(SONG, spans=(Span(0, 10 * RATE),))
    assert any("2.0 s before" in n for n in run(_with_plan(longer, path))[0].notes)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("song.txt", b"verse one", 101),
        ("song.wav", b"RIFF\x00\x00\xff\xfe", 101),
        ("empty.json", b"", 101),
        ("cut.mid", b"MThd\x00\x00", 101),
        ("half.json", b'{"format": "punchin-plan"}', 101),
        (".", None, 201),
    ],
)
def test_a_file_that_is_no_plan_is_an_error_that_says_what_to_do(
    name: str, data: bytes | None, code: int, tmp_path: Path
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(PunchinError) as told:
        ENGINE.run(_with_plan(SONG, path), Desk())
    assert told.value.code == code
    assert ":" in told.value.message or ";" in told.value.message


def test_only_the_stems_that_are_wanted_are_handed_over() -> None:
    every = run(SONG)[1].sounds()
    asked = replace(SONG, options={**SONG.options, "stems": "drums,bass"})
    some = run(asked)[1].sounds()
    assert some.keys() == {"stem:drums", "stem:bass"}
    assert np.array_equal(some["stem:drums"], every["stem:drums"])
    none = replace(SONG, options={**SONG.options, "stems": "vocals"})
    result, desk = run(none)
    assert desk.sounds().keys() == every.keys()
    assert any("None of the stems" in note for note in result.notes)
