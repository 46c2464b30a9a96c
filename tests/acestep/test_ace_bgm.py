"""`bgm`: candidates in three ways, without the vocal, judged, the best first."""

import itertools
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from ace_desk import RATE, Desk, asked
from vocal_material import band, voice

from bridge.protocol.errors import PunchinError
from daemon.audio.grid import Grid
from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep.grid.correct import beat_of, measured
from daemon.engines.acestep.ops import passages, ways
from daemon.engines.acestep.ops.backing import Backing, on_time, without_vocal
from daemon.engines.base import Cancelled, Span

SECONDS = 10.0
FAST = {"steps": 1, "prompt": "a quiet trio", "stems": "drums,bass"}
CPU = torch.device("cpu")
OP = "daemon.engines.acestep.ops.bgm"  # by that name the package gives the function


@pytest.fixture(scope="module")
def clip():
    return voice(SECONDS)


@pytest.fixture(scope="module")
def loaded(tiny_models):
    made = AceStepEngine()
    made.load(str(tiny_models), Desk())
    return made


@pytest.fixture
def engine(loaded):
    loaded._session.kept.clear()
    return loaded


def request_for(clip, take=1, takes=1, seed=7, **keys):
    later = tuple(range(seed + take, seed + takes))
    options = {**FAST, **keys}
    plain = asked("bgm", clip, (0, SECONDS), seed=seed + take - 1, later=later, **options)
    return replace(plain, take=take)


def run(engine, request):
    desk = Desk()
    result = engine.run(request, desk)
    fractions = [fraction for fraction, _ in desk.told]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1
    return desk.sounds(), result, desk


def mix(sounds):
    return sum(sounds.values())


def marks(result):
    (row,) = [note for note in result.notes if note.startswith("candidates")]
    return [float(mark) for mark in re.findall(r": (\d\.\d\d)", row)]


@pytest.fixture(scope="module")
def takes(loaded, clip):
    """A job of three takes."""
    loaded._session.kept.clear()
    return [run(loaded, request_for(clip, take, 3)) for take in (1, 2, 3)]


def test_each_way_makes_a_take_and_the_best_comes_first(takes):
    made_by = [re.match(r"made by (\w+) from seed (\d+)", r.notes[0]).groups() for _, r, _ in takes]
    assert {way for way, _ in made_by} == {"complete", "layer", "cover"}
    assert sorted(r.seed for _, r, _ in takes) == [7, 8, 9]
    assert [int(seed) for _, seed in made_by] == [r.seed for _, r, _ in takes]
    listed = marks(takes[0][1])
    assert listed == sorted(listed, reverse=True)
    assert len(listed) == 3
    own = [float(re.search(r"mark (\d\.\d\d)", r.notes[0])[1]) for _, r, _ in takes]
    assert own == listed


def test_takes_are_whole_and_differ(takes, clip):
    for sounds, _, _ in takes:
        assert all(stem.shape == clip.shape for stem in sounds.values())
        assert np.isfinite(mix(sounds)).all()
    for (one, _, _), (two, _, _) in itertools.combinations(takes, 2):
        assert np.abs(mix(one) - mix(two)).max() > 1e-3


def test_layers_are_stems_and_need_no_separation(takes):
    for sounds, result, _ in takes:
        layered = result.notes[0].startswith("made by layer")
        assert (set(sounds) == {"stem:drums", "stem:bass"}) == layered
        assert any("separation: reference-mask" in note for note in result.notes) != layered


def test_a_take_can_be_made_alone(engine, takes, clip):
    """With its way and its seed, and without the takes before it."""
    for sounds, result, _ in takes:
        way = re.match(r"made by (\w+)", result.notes[0])[1]
        if way == "layer":
            continue
        alone, _, _ = run(engine, request_for(clip, seed=result.seed, ways=way))
        assert np.abs(mix(alone) - mix(sounds)).max() < 1e-5 * np.abs(mix(sounds)).max()


def test_a_worker_that_starts_anew_goes_on_with_the_same_takes(engine, takes, clip):
    again, result, _ = run(engine, request_for(clip, 2, 3))
    assert result.notes == takes[1][1].notes
    assert np.abs(mix(again) - mix(takes[1][0])).max() < 1e-5
    # A single take is the best of the same three.
    one, result, _ = run(engine, request_for(clip))
    assert result.seed == takes[0][1].seed
    assert np.abs(mix(one) - mix(takes[0][0])).max() < 1e-5


@pytest.mark.parametrize("way", ["complete", "layer"])
def test_candidates_of_one_way_are_one_batch_and_each_as_if_alone(engine, clip, monkeypatch, way):
    rows = []
    solve = engine._session.solve

    def counted(checkpoint, problem, *rest):
        rows.append(len(problem.noise))
        return solve(checkpoint, problem, *rest)

    monkeypatch.setattr(engine._session, "solve", counted)
    two = [run(engine, request_for(clip, take, 2, ways=way)) for take in (1, 2)]
    assert rows == [2] * (2 if way == "layer" else 1)
    for sounds, result, _ in two:
        engine._session.kept.clear()
        alone, _, _ = run(engine, request_for(clip, seed=result.seed, ways=way))
        assert np.abs(mix(alone) - mix(sounds)).max() < 1e-5 * np.abs(mix(sounds)).max()


def test_long_vocals_are_made_in_passages_that_hold_what_was_made_before(engine, monkeypatch):
    monkeypatch.setattr(passages, "LONGEST", 200)
    monkeypatch.setattr(passages, "LEAST", 100)
    held = []
    solve = engine._session.solve

    def noted(checkpoint, problem, *rest):
        held.append(0 if problem.keep is None else int(problem.keep.sum()))
        return solve(checkpoint, problem, *rest)

    monkeypatch.setattr(engine._session, "solve", noted)
    long = voice(16.0)
    asked_for = replace(request_for(long, 1, 2, ways="complete"), spans=(Span(0, len(long)),))
    found, _, _ = run(engine, asked_for)
    assert len(mix(found)) == len(long)
    assert held == [0, passages.OVERLAP] * 2


def test_later_takes_cost_no_new_candidates(takes):
    assert takes[1][2].checks < takes[0][2].checks / 5


def test_without_base_it_is_a_cover_and_says_so(tiny_turbo, tmp_path, clip):
    (tmp_path / "acestep-v15-turbo").symlink_to(tiny_turbo)
    engine = AceStepEngine()
    engine.load(str(tmp_path), Desk())
    _, result, _ = run(engine, request_for(clip))
    assert "punchin models pull base" in result.notes[0]
    assert any(note.startswith("made by cover") for note in result.notes)
    _, asked_for_two, _ = run(engine, request_for(clip, ways="complete,cover"))
    assert any("the way complete: punchin models pull base" in n for n in asked_for_two.notes)
    with pytest.raises(PunchinError, match="punchin models pull base") as caught:
        run(engine, request_for(clip, ways="layer"))
    assert caught.value.code == 301


def test_the_band_is_the_one_asked_for(engine, clip):
    found, _, _ = run(engine, request_for(clip, ways="layer", stems="strings,vocals"))
    assert set(found) == {"stem:strings"}
    tracks = sys.modules[OP]._tracks
    assert tracks(request_for(clip, stems="")) == ("drums", "bass", "guitar", "keyboard")
    assert tracks(request_for(clip, stems="vocals,pad")) == ("synth",)


@pytest.mark.parametrize("frames", [600, 24_001])
def test_next_to_nothing_is_accompanied_too(engine, frames):
    still = np.zeros((frames, 2), np.float32)
    plain = request_for(still, ways="complete", balance=-3.0)
    found, result, _ = run(engine, replace(plain, spans=(Span(0, frames),)))
    assert mix(found).shape == (frames, 2)
    assert np.isfinite(mix(found)).all()
    assert any("too little to hear" in note for note in result.notes)


def test_each_layer_hears_those_before_it(engine, clip, monkeypatch):
    heard = []
    played = ways.played

    def noted(session, request, checkpoint, view, source, *rest):
        heard.append(source.clone())
        return played(session, request, checkpoint, view, source, *rest)

    monkeypatch.setattr(ways, "played", noted)
    run(engine, request_for(clip, ways="layer", stems="drums,bass,guitar"))
    assert len(heard) == 3
    assert all((a - b).abs().max() > 0.1 for a, b in itertools.pairwise(heard))


def test_a_balance_is_kept(engine, clip):
    from daemon.audio.loudness import integrated_lufs

    found, _, _ = run(engine, request_for(clip, ways="cover", balance=-4.0))
    difference = integrated_lufs(mix(found), RATE) - integrated_lufs(clip, RATE)
    assert difference == pytest.approx(-4, abs=0.3)


@pytest.mark.parametrize("ways", ["complete", "layer"])
def test_a_cancel_ends_it_at_any_check(engine, clip, ways):
    run(engine, request_for(clip, ways=ways))  # what is known from then on needs no checks
    engine._session.kept.clear()
    whole = run(engine, request_for(clip, ways=ways))[2].checks
    for at in (whole // 2, whole - 1):
        engine._session.kept.clear()
        desk = Desk(cancel_at=at)
        with pytest.raises(Cancelled):
            engine.run(request_for(clip, ways=ways), desk)
        assert desk.checks == at


# -- taking the vocal out ------------------------------------------------------------------------


def unchecked():
    return None


def test_the_mask_takes_out_the_vocal_that_is_sung_anew():
    known, anew, music = voice(12), voice(12, again=1), band(12)
    found = without_vocal(music + anew, known, None, CPU, unchecked)
    assert found.separation == "reference-mask"
    assert found.removed > 0.3
    error = np.square(found.stems["other"] - music).sum() / np.square(music).sum()
    assert 10 * np.log10(error) < -11


def test_with_demucs_the_vocals_stem_is_left_out(tmp_path):
    pytest.importorskip("demucs", reason="demucs missing: pip install 'punchin[stems]'")
    from test_ace_demucs import write_model

    from daemon.engines.acestep.separate import demucs

    (tmp_path / "htdemucs.yaml").write_text("models: [a]\n")
    write_model(tmp_path / "a.safetensors", 5)
    separator = demucs.load(tmp_path, CPU)
    song = band(3)
    told = []
    found = without_vocal(song, voice(3), separator, CPU, unchecked, told.append)
    assert told[-1] == 1
    assert len(told) > 2
    assert set(found.stems) == {"drums", "bass", "other"}
    blocks = list(demucs.split(separator, song, RATE, unchecked, lambda share: None))
    vocals = np.concatenate([block["vocals"] for block in blocks])
    assert np.abs(found.mix() + vocals - song).max() < 1e-6
    assert found.separation == "htdemucs"
    assert 0 < found.removed < 1


def beats(seconds, late_s=0.0):
    """Clicks on every beat at 120 bpm."""
    rng = np.random.default_rng(5)
    out = np.zeros((round(seconds * RATE), 2), np.float32)
    stroke = rng.normal(0, 0.3, 2400) * np.exp(-np.arange(2400) / 300)
    for at in np.arange(0.25 + late_s, seconds - 0.2, 0.5):
        first = round(at * RATE)
        out[first : first + 2400] += stroke[:, None].astype(np.float32)
    return out


@pytest.mark.parametrize("correct", [True, False])
def test_all_stems_are_brought_to_the_vocals_beat_together(correct):
    late = 0.08
    beat = beat_of(beats(12), [(0, 12 * RATE)], Grid.steady(120.0), True)
    parts = {"drums": beats(12, late), "bass": 0.5 * beats(12, late)}
    found = on_time(Backing(parts, 0.0, None), beat, correct)
    assert found.notes
    moved = measured(found.mix(), 0, beat)
    assert abs(moved.late_s - (0.0 if correct else late)) < 0.01
    ratio = np.abs(found.stems["bass"]).sum() / np.abs(found.stems["drums"]).sum()
    assert ratio == pytest.approx(0.5, abs=0.01)
    assert found.mix().shape == (12 * RATE, 2)


def test_what_is_on_the_beat_stays(clip):
    beat = beat_of(beats(12), [(0, 12 * RATE)], Grid.steady(120.0), True)
    held = Backing({"drums": beats(12)}, 0.0, None)
    assert on_time(held, beat, True).stems is held.stems


def test_the_judge_decides(engine, clip, monkeypatch):
    """With one candidate silent, another one in tune, the order is theirs."""
    sound = {
        "complete": np.zeros_like(clip),
        "layer": band(SECONDS, steps=1),
        "cover": band(SECONDS),
    }
    order = iter(("complete", "layer", "cover"))
    monkeypatch.setattr(
        sys.modules[OP],
        "backing_of",
        lambda *rest: Backing({"other": sound[next(order)]}, 0.0, None),
    )
    _, result, _ = run(engine, request_for(clip))
    assert result.notes[0].startswith("made by cover")
    assert marks(result)[-1] == 0
