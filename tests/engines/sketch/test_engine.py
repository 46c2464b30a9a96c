"""The engine as the worker sees it: jobs cover their spans, repeat themselves, can be stopped."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_desk import (
    ENGINE,
    HANDLE,
    ODE,
    RATE,
    Desk,
    band,
    empty,
    mix_of,
    request_of,
    run,
    voice,
    whole,
)

from bridge.protocol.errors import PunchinError
from bridge.resources import folder
from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.base import Cancelled, Span
from daemon.engines.sketch import SketchEngine
from daemon.engines.sketch.jobs import JOBS
from daemon.engines.sketch.jobs.studio import open_studio
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.types import STEM_KINDS


def test_importing_the_engine_needs_no_heavy_package() -> None:
    code = (
        "import sys; from daemon.engines.sketch import SketchEngine; "
        "print(SketchEngine().capabilities().name, SketchEngine().rate_for(96000)); "
        "assert not {'scipy', 'soxr', 'mido'} & set(sys.modules), 'heavy import'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sketch", "48000"]


@pytest.mark.parametrize(
    ("source", "own"),
    [(8000, 32000), (16000, 32000), (22050, 22050), (44100, 44100), (48000, 48000),
     (88200, 44100), (96000, 48000), (176400, 44100), (192000, 48000)],
)  # fmt: skip
def test_the_rate_follows_the_source(source: int, own: int) -> None:
    assert ENGINE.rate_for(source) == own


def test_it_loads_on_the_cpu_again_and_again() -> None:
    engine = SketchEngine()
    assert [engine.load(None, Desk()) for _ in range(2)] == ["cpu", "cpu"]
    engine.unload()
    assert engine.load(None, Desk()) == "cpu"


def test_generate_makes_stems_a_plan_and_midi() -> None:
    frames = 16 * RATE
    options = {"prompt": "sad lo-fi", "lyrics": "[verse]\nla\n[chorus]\nla\n"}
    result, desk = run(request_of("generate", empty(), (Span(0, frames),), options=options))
    stems = [role.removeprefix("stem:").split("-")[0] for role in desk.sounds()]
    assert {"drums", "bass", "keyboard"} <= set(stems) <= set(STEM_KINDS)
    mix = mix_of(desk)
    assert integrated_lufs(mix, RATE) == pytest.approx(-16, abs=0.5)
    assert true_peak_db(mix, RATE) <= -1.0
    plan = plan_from_json(str(result.documents["plan"]))
    assert plan.style == "lofi"
    assert result.key is not None
    assert result.key.endswith("minor")
    assert bytes(result.documents["midi"])[:4] == b"MThd"  # type: ignore[arg-type]
    assert any("not sung" in note for note in result.notes)
    assert any("Lo-fi" in note for note in result.notes)
    assert {"arranging", "rendering", "mixing"} <= set(desk.stages)


def test_the_same_seed_gives_the_same_samples_and_another_does_not() -> None:
    request = request_of("generate", empty(), (Span(0, 6 * RATE),), key="E minor")
    first, again = run(request)[1].sounds(), run(request)[1].sounds()
    fresh = Desk()
    SketchEngine().run(request, fresh)
    assert all(np.array_equal(first[role], again[role]) for role in first)
    assert all(np.array_equal(first[role], fresh.sounds()[role]) for role in first)
    other = run(replace(request, seed=2))[1].sounds()
    assert any(not np.array_equal(first[role], other.get(role)) for role in first)


def test_a_backing_follows_the_voice_and_stays_below_it() -> None:
    clip = voice(ODE)
    result, desk = run(request_of("bgm", clip, whole(clip), options={"prompt": "pop"}))
    assert result.key == "C major"
    stems = {role.split(":")[1] for role in desk.sounds()}
    assert {"drums", "bass", "keyboard", "pad"} <= stems
    mix = mix_of(desk)
    level = integrated_lufs(clip, RATE)
    assert level is not None
    assert integrated_lufs(mix, RATE) == pytest.approx(level - 3, abs=1.0)
    assert true_peak_db(mix + clip, RATE) <= -0.9
    plan = plan_from_json(str(result.documents["plan"]))
    chords = {c.name for c in plan.chords}
    assert chords <= {"C", "F", "G", "G7", "Am", "Dm", "Em"}
    assert len(chords) >= 2


def test_a_told_key_wins() -> None:
    clip = voice(ODE)
    result, _ = run(request_of("bgm", clip, whole(clip), key="A minor"))
    assert result.key == "A minor"
    plan = plan_from_json(str(result.documents["plan"]))
    assert plan.chords[-1].name in ("Am", "E", "Em", "F", "Dm", "G", "C")
    assert plan.key == "A minor"


def test_without_a_melody_the_styles_loop_is_played_and_said() -> None:
    clip = np.zeros((8 * RATE, 2), np.float32)
    result, desk = run(request_of("bgm", clip, whole(clip), key="D major"))
    assert any("No melody" in note and "D major" in note for note in result.notes)
    assert integrated_lufs(mix_of(desk), RATE) is not None


@pytest.mark.parametrize("side", ["after", "before", "both"])
def test_extend_covers_its_spans_and_joins_on_the_clip(side: str) -> None:
    clip = band()
    new = 4 * RATE
    spans = {
        "after": (Span(len(clip), len(clip) + new),),
        "before": (Span(-new, 0),),
        "both": (Span(-new, 0), Span(len(clip), len(clip) + new)),
    }[side]
    _, desk = run(request_of("extend", clip, spans, key="C major"))
    sound = desk.sounds()["region"]
    assert len(sound) == sum(s.frames + 2 * HANDLE for s in spans)
    if side in ("after", "both"):
        start = 0 if side == "after" else new + 2 * HANDLE
        assert np.array_equal(sound[start : start + HANDLE], clip[-HANDLE:])
    if side in ("before", "both"):
        assert np.array_equal(sound[new + HANDLE : new + 2 * HANDLE], clip[:HANDLE])
    loud, new_loud = integrated_lufs(clip, RATE), integrated_lufs(sound, RATE)
    assert new_loud == pytest.approx(loud, abs=2.0)


def test_extend_writes_new_parts_where_a_voice_stands_alone() -> None:
    clip = voice(ODE)
    result, desk = run(request_of("extend", clip, (Span(len(clip), len(clip) + 2 * RATE),)))
    assert any("new parts" in note for note in result.notes)
    assert integrated_lufs(desk.sounds()["region"], RATE) is not None


def test_repaint_fits_the_clip() -> None:
    clip = band()
    span = Span(4 * RATE, 8 * RATE)
    _, desk = run(request_of("repaint", clip, (span,), key="C major"))
    region = desk.sounds()["region"][HANDLE:-HANDLE]
    assert integrated_lufs(region, RATE) == pytest.approx(integrated_lufs(clip, RATE), abs=1.5)


def test_repaint_by_prompt_takes_the_clips_level_and_leaves_out_drums_it_has_not() -> None:
    clip = band(drums=False)
    span = Span(4 * RATE, 8 * RATE)
    options = {"prompt": "rock", "strength": 1.0}
    result, desk = run(request_of("repaint", clip, (span,), key="C major", options=options))
    region = desk.sounds()["region"][HANDLE:-HANDLE]
    assert integrated_lufs(region, RATE) == pytest.approx(integrated_lufs(clip, RATE), abs=1.0)
    assert any("Rock" in note for note in result.notes)


def test_analyze_returns_the_protocols_fields() -> None:
    result, _ = run(request_of("analyze", band(), ()))
    assert result.analysis is not None
    text = json.dumps(result.analysis)
    assert {"bpm", "meter", "key", "chords", "notes", "loudness_lufs", "voiced"} <= json.loads(
        text
    ).keys()


def test_listen_finds_bars() -> None:
    heard = ENGINE.listen(band(), RATE, 120.0, (4, 4), {}, Desk())
    assert heard.grid.tempo_at(0) == 120
    assert 0 <= heard.confidence <= 1


def test_several_takes_of_a_clip_listen_once() -> None:
    clip = voice(ODE[3:13])
    fresh, warm = Desk(), Desk()
    for seed, desk in ((1, fresh), (2, warm)):
        ENGINE.run(request_of("analyze", clip, (), seed=seed), desk)
    assert warm.checks < fresh.checks


@pytest.mark.parametrize("op", ["generate", "bgm", "extend", "repaint"])
def test_a_cancelled_job_ends_at_the_next_check(op: str) -> None:
    clip = empty() if op == "generate" else band()
    span = {
        "generate": Span(0, 4 * RATE),
        "bgm": Span(0, len(clip)),
        "extend": Span(len(clip), len(clip) + RATE),
        "repaint": Span(RATE, 3 * RATE),
    }[op]
    desk = Desk(cancel_at=5)
    with pytest.raises(Cancelled):
        ENGINE.run(request_of(op, clip, (span,)), desk)
    assert desk.checks == 6


def test_a_users_own_style_is_played_and_a_broken_one_told(tmp_path: Path) -> None:
    built_in = (folder("presets") / "styles" / "pop.toml").read_text("utf-8")
    (tmp_path / "mine.toml").write_text(built_in.replace('"Pop"', '"My pop"'), "utf-8")
    (tmp_path / "bad.toml").write_text("title = ", "utf-8")
    studio = open_studio(tmp_path)
    request = request_of("generate", empty(), (Span(0, RATE),), options={"preset": "mine"})
    assert JOBS["generate"](studio, request, Desk()).notes[0].startswith("Style: My pop")
    with pytest.raises(PunchinError) as told:
        JOBS["generate"](studio, replace(request, options={"preset": "bad"}), Desk())
    assert told.value.code == 101
    assert "bad.toml" in told.value.message


def test_progress_never_goes_back_with_new_parts_on_both_sides() -> None:
    clip = voice(ODE[:4])
    run(request_of("extend", clip, (Span(-RATE, 0), Span(len(clip), len(clip) + RATE))))


def test_stems_sum_to_the_clip_and_can_be_chosen() -> None:
    clip = band(4)
    result, desk = run(request_of("stems", clip, whole(clip), key="C major"))
    assert np.abs(mix_of(desk) - clip).max() < 1e-4
    assert any("rough" in note for note in result.notes)
    options = {"stems": "drums,flute"}
    result, desk = run(request_of("stems", clip, whole(clip), key="C major", options=options))
    assert set(desk.sounds()) == {"stem:drums"}
    assert any("flute" in note for note in result.notes)
