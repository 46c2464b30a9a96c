"""`layer`, `cover` and `retake`: one more player, another band, another take."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_desk import ENGINE, HANDLE, ODE, RATE, Desk, band, empty, request_of, run, voice, whole

from bridge.protocol.errors import PunchinError
from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.base import Request, Result, Span
from daemon.engines.sketch.jobs.layering import roomy
from daemon.engines.sketch.listen.names import chord_tones
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.harmony import Changes
from daemon.engines.sketch.plan.styles import PartStyle
from daemon.engines.sketch.plan.types import STEM_KINDS, Part, Plan

BAND = band()


def _plan(result: Result) -> Plan:
    return plan_from_json(str(result.documents["plan"]))


def _layer(track: str, clip: np.ndarray = BAND, **options: object) -> tuple[Result, Desk]:
    asked = {"track": track, **options}
    return run(request_of("layer", clip, whole(clip), key="C major", options=asked))


@pytest.mark.parametrize("track", STEM_KINDS)
def test_every_track_can_be_added_to_a_mix(track: str) -> None:
    result, desk = _layer(track, BAND[: 4 * RATE])
    assert desk.sounds().keys() == {f"stem:{track}"}
    sound = desk.sounds()[f"stem:{track}"]
    assert integrated_lufs(sound, RATE) is not None
    assert [p.stem for p in _plan(result).parts] == [track]
    assert any("Added" in note for note in result.notes)


@pytest.mark.parametrize("track", ["keyboard", "guitar", "strings"])
def test_a_layer_follows_the_clips_chords(track: str) -> None:
    changes = Changes(_plan(_layer("bass")[0]).chords)
    assert [c.name for c in changes.chords[:4]] == ["C", "G", "Am", "F"]
    plan = _plan(_layer(track)[0])
    inside = [
        note.midi % 12 in chord_tones(changes.at(note.start_quarter).name)
        for part in plan.parts
        for note in part.notes
    ]
    assert np.mean(inside) > 0.85


@pytest.mark.parametrize(("told", "below"), [({"balance": -6}, 6), ({}, 9)])
def test_a_layer_stays_at_its_balance_and_below_the_ceiling(told: dict, below: float) -> None:
    clip = 0.9 * BAND
    _, desk = _layer("pad", clip, **told)
    sound = desk.sounds()["stem:pad"][HANDLE:-HANDLE]
    level = integrated_lufs(clip, RATE)
    assert level is not None
    assert integrated_lufs(sound, RATE) == pytest.approx(level - below, abs=1.0)
    assert true_peak_db(sound + clip, RATE) <= -0.9


def test_a_voice_that_sings_throughout_still_gets_its_layer() -> None:
    clip = voice(ODE)
    for track in ("woodwinds", "synth"):
        result, desk = _layer(track, clip)
        assert integrated_lufs(desk.sounds()[f"stem:{track}"], RATE) is not None
        assert _plan(result).parts


def test_a_player_moves_to_where_the_clip_has_room() -> None:
    player = PartStyle("keys", "keyboard", "chords", "piano", ("x---",), (), (52, 76))
    rng = np.random.Generator(np.random.PCG64(2))
    noise = rng.standard_normal((RATE * 4, 2)).astype(np.float32) * 0.05
    t = np.arange(len(noise)) / RATE
    low = sum(np.sin(2 * np.pi * f * t + f) for f in np.arange(70, 680, 7.3))
    crowded = noise * 0.01 + np.asarray(low, np.float32)[:, None] * 0.02
    assert roomy(player, crowded, RATE).range == (64, 88)
    bass = replace(player, role="bass", range=(28, 52))
    assert roomy(bass, crowded, RATE) == bass


def test_a_plan_without_the_track_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan-1.json"
    path.write_text(str(_layer("bass")[0].documents["plan"]), "utf-8")
    with pytest.raises(PunchinError) as told:
        _layer("pad", plan=str(path))
    assert told.value.code == 101
    assert "bass" in told.value.message


def _cover(clip: np.ndarray, **options: object) -> tuple[Result, Desk]:
    return run(request_of("cover", clip, whole(clip), options=options))


def test_a_cover_keeps_melody_chords_and_loudness_in_another_style() -> None:
    clip = 0.5 * voice(ODE)
    result, desk = _cover(clip, prompt="reggae")
    plan = _plan(result)
    assert plan.style == "reggae"
    tune = next(p for p in plan.parts if p.name == "melody")
    heard = {round(n.start_quarter): n.midi % 12 for n in tune.notes}
    right = [heard.get(i) == ODE[i] % 12 for i in range(len(ODE)) if i == 0 or ODE[i] != ODE[i - 1]]
    assert np.mean(right) >= 0.8
    sound = desk.sounds()["region"][HANDLE:-HANDLE]
    assert integrated_lufs(sound, RATE) == pytest.approx(integrated_lufs(clip, RATE), abs=1.0)
    assert true_peak_db(sound, RATE) <= -0.9
    assert {c.name for c in plan.chords} <= {"C", "F", "G", "G7", "Am", "Dm", "Em"}


def test_a_cover_of_a_mix_keeps_its_chords() -> None:
    plan = _plan(_cover(BAND, preset="house")[0])
    assert [c.name for c in plan.chords[:4]] == ["C", "G", "Am", "F"]


def test_without_a_word_a_cover_takes_another_style_than_the_tempo_suggests() -> None:
    retaken = _plan(run(request_of("retake", BAND, whole(BAND)))[0]).style
    styles = {
        _plan(run(request_of("cover", BAND, whole(BAND), seed=seed))[0]).style for seed in (1, 2)
    }
    assert len(styles) == 2
    assert retaken not in styles


def test_a_strong_cover_colours_the_chords_and_a_weak_one_keeps_the_timing() -> None:
    clip = voice(ODE)
    weak, strong = (_plan(_cover(clip, preset="folk", strength=s)[0]) for s in (0.0, 1.0))

    def pitches(plan: Plan) -> set[int]:
        parts = [p for p in plan.parts if p.stem in ("guitar", "keyboard", "strings")]
        return {n.midi % 12 for p in parts for n in p.notes if 0 <= n.start_quarter < 4}

    assert pitches(strong) - pitches(weak)
    starts = [
        [n.start_quarter * 4 for p in plan.parts if p.name == "melody" for n in p.notes]
        for plan in (weak, strong)
    ]
    off = [max(abs(q - round(q)) for q in row) for row in starts]
    assert off[0] > 1e-3
    assert off[1] < 1e-3


SONG = request_of(
    "generate", empty(), (Span(0, 8 * RATE),), key="G major", options={"preset": "pop"}
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    """A home with one done job that made `SONG`."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "jobs" / "first"
    folder.mkdir(parents=True)
    result, _ = run(SONG)
    (folder / "plan-2.json").write_text(str(result.documents["plan"]), "utf-8")
    (folder / "job.json").write_text(json.dumps({"op": "generate", "chosen": 2}), "utf-8")
    return home, _plan(result)


def _retaken(made: tuple[Path, Plan], monkeypatch: pytest.MonkeyPatch, **options: object) -> Result:
    monkeypatch.setenv("PUNCHIN_HOME", str(made[0]))
    clip = np.zeros((8 * RATE, 2), np.float32)
    asked = {"of": "first", **options}
    return run(request_of("retake", clip, whole(clip), seed=5, options=asked))[0]


def _scores(plan: Plan) -> dict[str, list[tuple[float, float, int]]]:
    return {
        p.name: [(n.start_quarter, n.length_quarters, n.midi) for n in p.notes] for p in plan.parts
    }


def _kept(old: Plan, new: Plan) -> float:
    theirs, ours = _scores(new), _scores(old)
    return float(np.mean([note in theirs.get(name, ()) for name in ours for note in ours[name]]))


def _offsets(parts: tuple[Part, ...]) -> list[float]:
    return [n.offset_s for p in parts for n in p.notes]


def test_a_retake_of_strength_0_is_the_same_notes_by_other_hands(
    made: tuple[Path, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = _retaken(made, monkeypatch, strength=0.0)
    new = _plan(result)
    assert _scores(new) == _scores(made[1])
    assert _offsets(new.parts) != _offsets(made[1].parts)
    assert any("plan of first" in note for note in result.notes)


def test_a_stronger_retake_keeps_less_and_always_the_chords(
    made: tuple[Path, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = [_plan(_retaken(made, monkeypatch, strength=s)) for s in (0.0, 0.5, 1.0)]
    kept = [_kept(made[1], plan) for plan in plans]
    assert kept[0] > kept[1] > kept[2]
    assert kept[2] < 0.7
    assert all(plan.chords == made[1].chords for plan in plans)
    assert all(plan.sections == made[1].sections for plan in plans)


def test_a_retake_of_a_part_of_a_result_or_of_any_clip_is_made_from_what_is_heard(
    made: tuple[Path, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUNCHIN_HOME", str(made[0]))
    requests: list[Request] = [
        request_of("retake", BAND[: 5 * RATE], whole(BAND[: 5 * RATE]), options={"of": "first"}),
        request_of("retake", BAND, whole(BAND), options={"of": "unknown"}),
        request_of("retake", BAND, whole(BAND)),
    ]
    for request in requests:
        result, desk = run(request)
        assert any("no plan of this clip" in note for note in result.notes)
        sound = desk.sounds()["region"][HANDLE:-HANDLE]
        level = integrated_lufs(request.clip, RATE)
        assert integrated_lufs(sound, RATE) == pytest.approx(level, abs=1.0)


def test_a_retake_of_midi_finds_chords_for_its_new_parts(tmp_path: Path) -> None:
    result, _ = run(SONG)
    path = tmp_path / "midi-1.mid"
    path.write_bytes(result.documents["midi"])  # type: ignore[arg-type]
    clip = np.zeros((8 * RATE, 2), np.float32)
    options = {"plan": str(path), "strength": 1.0}
    retaken, _ = run(request_of("retake", clip, whole(clip), options=options))
    names = {p.name for p in _plan(retaken).parts}
    assert names == {p.name for p in _plan(result).parts}


def test_edit_is_for_another_engine() -> None:
    with pytest.raises(PunchinError) as told:
        ENGINE.run(request_of("edit", BAND, whole(BAND)), Desk())
    assert told.value.code == 301
    assert "acestep" in told.value.message
