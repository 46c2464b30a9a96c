"""`layer` and `stems`: single tracks by the model's tasks lego and extract, and stems by Demucs."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from ace_desk import RATE, Desk, asked, music

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep import AceStepEngine, solving
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.ops import passages
from daemon.engines.acestep.ops.passages import BEYOND, OVERLAP, Passage, passages_of
from daemon.engines.acestep.ops.playing import DRAWS
from daemon.engines.acestep.ops.tracks import asked_stems, track_of
from daemon.engines.acestep.parts import HOP
from daemon.engines.acestep.text.prompt import TRACKS
from daemon.engines.base import Cancelled

SECONDS = 12.0
FAST = {"steps": 2}


@pytest.fixture(scope="module")
def engine(tiny_models):
    made = AceStepEngine()
    made.load(str(tiny_models), Desk())
    return made


@pytest.fixture(scope="module")
def clip():
    return music(SECONDS)


def run(engine, request):
    desk = Desk()
    result = engine.run(request, desk)
    assert desk.told == sorted(desk.told, key=lambda row: row[0])
    return desk.sounds(), result, desk


def by_pipeline(pipe, clip, seed, draw, steps, **how):
    """What diffusers' own pipeline makes of the same noise, decoded but not normalised."""
    frames = len(clip) // HOP
    channels = pipe.transformer.config.audio_acoustic_hidden_dim
    latents = pipe(
        prompt="slow and warm",
        lyrics="[Instrumental]",
        vocal_language="unknown",
        audio_duration=None,
        src_audio=torch.from_numpy(clip.T.copy()),
        latents=window_noise(seed, frames, [(0, frames)], channels, draw)[None],
        num_inference_steps=steps,
        shift=1.0,
        guidance_scale=7.0,
        bpm=120,
        timesignature="4",
        output_type="latent",
        **how,
    ).audios
    with torch.no_grad():
        return pipe.vae.decode(latents.transpose(1, 2)).sample[0].T.numpy()


def close(found, wanted):
    assert found.shape == wanted.shape
    rms = np.sqrt(np.square(wanted).mean())
    assert np.abs(found - wanted).max() < 1e-4 * rms


def test_a_layer_is_what_the_stock_pipeline_makes_of_lego(engine, clip, pipeline, tiny_base):
    request = asked("layer", clip, (0, SECONDS), track="bass", prompt="slow and warm", **FAST)
    found, result, _ = run(engine, request)
    assert set(found) == {"stem:bass"}
    draw = DRAWS * TRACKS.index("bass")
    wanted = by_pipeline(pipeline(tiny_base), clip, 7, draw, 2, task_type="lego", track_name="bass")
    close(found["stem:bass"], wanted)
    assert result.key is None


def test_an_extract_is_what_the_stock_pipeline_makes(engine, clip, pipeline, tiny_base):
    request = asked("stems", clip, (0, SECONDS), stems="drums", prompt="slow and warm", **FAST)
    found, result, _ = run(engine, request)
    assert set(found) == {"stem:drums"}
    wanted = by_pipeline(
        pipeline(tiny_base), clip, 7, 0, 2, task_type="extract", track_name="drums"
    )
    close(found["stem:drums"], wanted)
    assert "do not sum" in result.notes[0]


def test_another_seed_or_track_is_another_layer(engine, clip):
    def layer(**keys):
        return run(engine, asked("layer", clip, (0, SECONDS), **FAST, **keys))[0].popitem()[1]

    first = layer(track="bass")
    assert np.array_equal(first, layer(track="bass"))
    for other in (layer(track="bass", seed=8), layer(track="drums"), layer(track="pad")):
        assert np.abs(first - other).max() > 1e-3


def test_later_takes_of_a_layer_are_one_batch_and_each_as_if_alone(engine, clip, monkeypatch):
    rows = []
    sample = solving.sample

    def counted(dit, problem, *rest):
        rows.append(len(problem.noise))
        return sample(dit, problem, *rest)

    monkeypatch.setattr(solving, "sample", counted)
    made = []
    for take in (1, 2, 3):
        later = tuple(range(7 + take, 10))
        plain = asked("layer", clip, (0, SECONDS), seed=6 + take, later=later, track="bass", **FAST)
        made.append(run(engine, replace(plain, take=take))[0]["stem:bass"])
    assert rows == [1, 2]
    engine._session.kept.clear()
    alone, _, _ = run(engine, asked("layer", clip, (0, SECONDS), seed=9, track="bass", **FAST))
    assert np.abs(alone["stem:bass"] - made[2]).max() < 1e-5
    assert np.abs(made[1] - made[2]).max() > 1e-3


def test_a_pad_is_what_the_model_calls_synth(engine, clip):
    pad, result, _ = run(engine, asked("layer", clip, (0, SECONDS), track="pad", **FAST))
    synth, _, _ = run(engine, asked("layer", clip, (0, SECONDS), track="synth", **FAST))
    assert np.array_equal(pad["stem:pad"], synth["stem:synth"])
    assert any("synth" in note for note in result.notes)


@pytest.mark.parametrize(
    ("op", "keys"), [("layer", {"track": "other"}), ("stems", {"stems": "other"})]
)
def test_what_is_no_track_is_301(engine, clip, op, keys):
    with pytest.raises(PunchinError) as caught:
        run(engine, asked(op, clip, (0, SECONDS), **keys))
    assert caught.value.code == 301


@pytest.mark.parametrize("balance", [-6.0, 3.0])
def test_a_balance_is_kept(engine, clip, balance):
    from daemon.audio.loudness import integrated_lufs

    request = asked("layer", clip, (0, SECONDS), track="bass", balance=balance, **FAST)
    found = run(engine, request)[0]["stem:bass"]
    difference = integrated_lufs(found, RATE) - integrated_lufs(clip, RATE)
    assert difference == pytest.approx(balance, abs=0.2)


def test_turbo_names_what_to_pull(tiny_turbo, tmp_path, clip):
    (tmp_path / "acestep-v15-turbo").symlink_to(tiny_turbo)
    engine = AceStepEngine()
    engine.load(str(tmp_path), Desk())
    for op, keys in (("layer", {"track": "bass"}), ("stems", {})):
        with pytest.raises(PunchinError, match="punchin models pull base") as caught:
            run(engine, asked(op, clip, (0, SECONDS), **keys))
        assert caught.value.code == 301


def test_stems_that_nobody_names_are_the_usual(engine, clip):
    found, _, desk = run(engine, asked("stems", clip, (0, SECONDS), **FAST))
    assert set(found) == {"stem:" + n for n in ("vocals", "drums", "bass", "guitar", "keyboard")}
    assert all(len(stem) == len(clip) for stem in found.values())
    stages = dict.fromkeys(stage for _, stage in desk.told)
    assert "extracting guitar" in stages


@pytest.mark.parametrize(
    ("op", "keys"), [("layer", {"track": "bass"}), ("stems", {"stems": "bass"})]
)
def test_a_cancel_ends_it_at_any_check(engine, clip, op, keys):
    request = asked(op, clip, (0, SECONDS), **keys, **FAST)
    run(engine, request)  # what is known from then on needs no checks
    whole = run(engine, request)[2].checks
    for at in (1, whole // 2, whole):
        desk = Desk(cancel_at=at)
        with pytest.raises(Cancelled):
            engine.run(request, desk)
        assert desk.checks == at


def test_short_clips_have_layers_too(engine):
    short = music(3.3)
    found, result, desk = run(engine, asked("layer", short, (0, 3.3), track="drums", **FAST))
    assert desk.start("stem:drums") == 0
    assert len(found["stem:drums"]) >= len(short)
    assert any("10 s" in note for note in result.notes)


# -- by Demucs -----------------------------------------------------------------------------------


@pytest.fixture
def with_demucs(engine, tmp_path, monkeypatch):
    pytest.importorskip("demucs", reason="demucs missing: pip install 'punchin[stems]'")
    from test_ace_demucs import write_model

    folder = tmp_path / "htdemucs"
    folder.mkdir()
    (folder / "htdemucs.yaml").write_text("models: [a]\n")
    write_model(folder / "a.safetensors", 5)
    beside = replace(engine._session.beside, separators=(folder,))
    monkeypatch.setattr(engine._session, "beside", beside)
    return engine


def test_with_demucs_the_stems_sum_to_the_clip(with_demucs, clip):
    short = clip[: 3 * RATE + 11]
    found, result, _ = run(with_demucs, asked("stems", short, (0, len(short) / RATE)))
    assert set(found) == {"stem:drums", "stem:bass", "stem:other", "stem:vocals"}
    assert np.abs(sum(found.values()) - short).max() < 1e-6
    assert "htdemucs" in result.notes[0]


def test_what_demucs_has_not_is_extracted(with_demucs, clip):
    request = asked("stems", clip, (0, SECONDS), stems="vocals,strings", **FAST)
    found, result, _ = run(with_demucs, request)
    assert set(found) == {"stem:vocals", "stem:strings"}
    assert any("htdemucs" in note for note in result.notes)
    assert any("strings" in note for note in result.notes)


# -- names and passages --------------------------------------------------------------------------


def test_names_are_taken_as_they_are_sent():
    assert asked_stems("drums, bass,drums,") == ("drums", "bass")
    assert asked_stems(("bass",)) == ("bass",)
    assert asked_stems("") == ()
    assert track_of("pad") == "synth"


def rests(seconds, at):
    """Noise with silent seconds `at`."""
    rng = np.random.default_rng(1)
    out = rng.normal(0, 0.1, (int(seconds * RATE), 2)).astype(np.float32)
    for second in at:
        out[int(second * RATE) : int((second + 2.4) * RATE)] = 0
    return out


def test_a_clip_that_is_not_long_is_one_passage():
    assert passages_of(rests(12, ()), 300) == (Passage(0, 300, 0, 300),)


@pytest.mark.parametrize("rest_s", [50.0, 61.2, 80.0])
def test_long_clips_are_cut_in_their_rests(rest_s):
    clip = rests(130, (rest_s,))
    frames = 130 * 25
    first, second = passages_of(clip, frames)
    assert (first.start, second.end) == (0, frames)
    assert first.end == second.start
    assert first.end % 10 == 0
    # What is held of the first passage lies in the rest.
    assert rest_s * 25 <= second.first + 10
    assert second.start <= (rest_s + 2.4) * 25 + 10
    assert second.held == OVERLAP
    assert first.last == first.end + BEYOND


@pytest.mark.parametrize("seconds", [91, 176, 185, 400, 600])
def test_passages_cover_the_clip_and_are_not_too_long(seconds):
    still = np.broadcast_to(np.zeros((1, 2), np.float32), (seconds * RATE, 2))
    found = passages_of(still, seconds * 25)
    assert [p.start for p in found[1:]] == [p.end for p in found[:-1]]
    assert (found[0].start, found[-1].end) == (0, seconds * 25)
    assert all(p.last - p.first <= 90 * 25 for p in found)
    assert all(p.end - p.start >= 250 for p in found)


def test_a_passage_goes_on_where_the_one_before_ended(engine, monkeypatch):
    """What is held is what was made; in sound the join is one piece."""
    monkeypatch.setattr(passages, "LONGEST", 200)
    monkeypatch.setattr(passages, "LEAST", 100)
    clip = music(17.2)
    problems = []
    solve = engine._session.solve

    def remembered(checkpoint, problem, share, takes=None):
        problems.append((problem, solve(checkpoint, problem, share)))
        return problems[-1][1]

    monkeypatch.setattr(engine._session, "solve", remembered)
    found, _, _ = run(engine, asked("layer", clip, (0, 17.2), track="bass", **FAST))
    assert len(problems) >= 2
    assert len(found["stem:bass"]) == len(clip)
    for (_, before), (problem, after) in itertools.pairwise(problems):
        assert int(problem.keep.sum()) == OVERLAP
        kept = before[0, -OVERLAP - BEYOND : -BEYOND]
        assert torch.allclose(problem.source[:OVERLAP], kept, atol=1e-6)
        assert torch.allclose(after[0, :OVERLAP], kept, atol=1e-6)
