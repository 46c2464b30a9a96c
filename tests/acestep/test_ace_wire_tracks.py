"""Accompaniment, layers, stems, edits and analysis through OSC and the worker."""

import itertools

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import music  # noqa: E402
from vocal_material import voice  # noqa: E402
from wire_house import native  # noqa: E402

LONG_S = 240.0
GRID = ("bpm", 120.0, "downbeat", 0.0)
FAST = ("steps", 2, *GRID)
SECONDS = 10.0
_count = itertools.count()


@pytest.fixture
def run(acestep_house):
    """Run a job to its end; returns its record on disk, and what the sender heard of it."""
    with acestep_house.tcp() as client:

        def ask(op, *args):
            job_id = f"t{next(_count)}"
            client.send(f"/punchin/{op}", job_id, *args)
            client.until("done", "failed", "error", id=job_id, timeout=LONG_S)
            return acestep_house.job(job_id)

        yield ask


@pytest.fixture
def vocal(tmp_path):
    path = tmp_path / "vocal.wav"
    soundfile.write(path, voice(SECONDS), 48_000, "PCM_24")
    return str(path)


@pytest.fixture
def song(tmp_path):
    def make(rate=48_000, channels=2, seconds=SECONDS):
        frames = round(seconds * rate)
        at = np.linspace(0, 48_000 * seconds - 1, frames).astype(int)
        samples = music(seconds)[at, :1] * np.linspace(1.0, 0.5, channels)
        path = tmp_path / f"song-{rate}-{channels}.wav"
        soundfile.write(path, samples, rate, "PCM_24")
        return str(path)

    return make


def files(job, role="", take=1):
    found = [f for f in job["files"] if f["take"] == take and f["role"].startswith(role)]
    return {f["role"]: native(f["path"]) for f in found if f["path"].endswith(".wav")}


def test_bgm_gives_the_best_first_and_the_others_as_takes(run, vocal):
    job = run("bgm", vocal, "takes", 3, "seed", 20, "stems", "drums,bass", "steps", 1, *GRID)
    assert job["state"] == "done", job["error"]
    seeds = [next(f["seed"] for f in job["files"] if f["take"] == k) for k in (1, 2, 3)]
    assert sorted(seeds) == [20, 21, 22]
    ways = [note.split()[2] for note in job["result"]["notes"] if note.startswith("made by")]
    assert len(ways) == 3 or set(ways) <= {"complete", "layer", "cover"}
    for take in (1, 2, 3):
        mix, stems = files(job, "mix", take)["mix"], files(job, "stem:", take)
        assert len(mix) == round(SECONDS * 48_000)
        assert mix.shape[1] == 2
        assert (sum(stem.astype(np.int64) for stem in stems.values()) == mix).all()
    assert any("separation: reference-mask" in note for note in job["result"]["notes"])


def test_bgm_of_a_mono_clip_at_another_rate_is_stereo(run, song):
    job = run("bgm", song(44_100, 1), "ways", "cover", *FAST)
    assert job["state"] == "done", job["error"]
    mix = files(job, "mix")["mix"]
    assert mix.shape == (round(SECONDS * 44_100), 2)
    assert mix.any()


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1)])
def test_a_layer_comes_as_a_stem_and_in_a_mix(run, song, rate, channels):
    source = song(rate, channels)
    job = run("layer", source, "track", "strings", *FAST)
    assert job["state"] == "done", job["error"]
    found = files(job)
    assert set(found) == {"mix", "stem:strings"}
    assert len(found["mix"]) == len(native(source))
    assert found["stem:strings"].any()


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1)])
def test_a_layer_is_played_again_over_the_very_clip(run, song, rate, channels):
    """Of a part of a file; what sounds under the stem is the clip, bit for bit."""
    source = song(rate, channels)
    keys = ("start", 1.0, "end", 9.5, "track", "strings")
    made = run("layer", source, *keys, *FAST)
    near = run("retake", "of", made["id"], "strength", 0.1, "seed", 5, *FAST)
    again = run("retake", "of", near["id"], "strength", 0.1, "seed", 6, *FAST)
    kept = native(source)[rate : round(9.5 * rate)].astype(np.int64)
    stems = []
    for job in (made, near, again):
        assert job["state"] == "done", job["error"]
        assert not any("how it sounds" in note for note in job["result"]["notes"])
        found = files(job)
        assert set(found) == {"mix", "stem:strings"}
        under = found["mix"].astype(np.int64) - found["stem:strings"]
        assert (under == (kept if channels == 2 else kept.reshape(-1, 1))).all()
        stems.append(found["stem:strings"].astype(float))
    first, one, two = stems
    assert 0 < np.std(one - first) < 0.5 * np.std(first)
    assert 0 < np.std(two - one) < 0.5 * np.std(first)


def test_a_layer_whose_clip_has_changed_is_varied_from_how_it_sounds(run, song):
    source = song()
    made = run("layer", source, "track", "strings", *FAST)
    soundfile.write(source, music(SECONDS, seed=9), 48_000, "PCM_24")
    job = run("retake", "of", made["id"], "strength", 0.3, *FAST)
    assert job["state"] == "done", job["error"]
    assert set(files(job)) == {"mix"}
    assert any("gone or has changed" in note for note in job["result"]["notes"])


def test_an_accompaniment_is_played_again_to_the_vocal(run, vocal):
    made = run("bgm", vocal, "stems", "drums", "steps", 1, "ways", "layer", *GRID)
    job = run("retake", "of", made["id"], "strength", 0.1, *GRID)
    assert job["state"] == "done", job["error"]
    first, near = files(made), files(job)
    assert set(near) == set(first) == {"mix", "stem:drums"}
    assert 0 < np.std(near["mix"] / 2**31 - first["mix"] / 2**31) < np.std(first["mix"] / 2**31)


def test_an_edit_made_again_leaves_the_rest_of_the_clip_as_it_is(run, song):
    source = song(44_100)
    keys = ("start", 3.0, "end", 6.0, "prompt", "loud metal", "steps", 3)
    made = run("edit", source, *keys, *GRID)
    job = run("retake", "of", made["id"], "strength", 0.3, *GRID)
    assert job["state"] == "done", job["error"]
    mix, kept = files(job, "mix")["mix"], native(source)
    a, b = 3 * 44_100, 6 * 44_100
    assert (mix[:a] == kept[:a]).all()
    assert (mix[b:] == kept[b:]).all()
    assert (mix[a:b] != files(made, "mix")["mix"][a:b]).mean() > 0.9
    assert not any("how it sounds" in note for note in job["result"]["notes"])


def test_stems_have_no_mix_to_vary_and_the_answer_says_what_to_do(run, song):
    made = run("stems", song(), "stems", "drums", *GRID)
    path = next(f["path"] for f in made["files"])
    job = run("retake", path, "strength", 0.3, "steps", 2, *GRID)
    assert job["state"] == "done", job["error"]
    assert any("no recipe" in note for note in job["result"]["notes"])


def test_stems_come_one_by_one(run, song):
    source = song()
    job = run("stems", source, "stems", "drums,bass", *FAST[2:])
    assert job["state"] == "done", job["error"]
    found = files(job)
    assert set(found) == {"stem:drums", "stem:bass"}
    assert all(stem.shape == native(source).shape for stem in found.values())
    assert any("do not sum" in note for note in job["result"]["notes"])


def test_what_the_model_does_not_know_is_told_at_the_door(acestep_house, song):
    with acestep_house.tcp() as client:
        assert client.refused("layer", "kazoo", song(), "track", "other", *FAST) == 301
        assert not acestep_house.folder("kazoo").exists()


@pytest.mark.parametrize("keys", [("lyrics", "[verse]\nother words"), ("prompt", "loud metal")])
def test_an_edit_changes_the_region_and_nothing_else(run, song, keys):
    source = song(44_100)
    job = run("edit", source, "start", 3.0, "end", 6.0, *keys, "steps", 3, *GRID)
    assert job["state"] == "done", job["error"]
    mix, kept = files(job, "mix")["mix"], native(source)
    a, b = 3 * 44_100, 6 * 44_100
    assert mix.shape == kept.shape
    assert (mix[:a] == kept[:a]).all()
    assert (mix[b:] == kept[b:]).all()
    assert (mix[a:b] != kept[a:b]).mean() > 0.9


def test_an_own_result_is_edited_from_its_own_words(run, song):
    made = run("repaint", song(), "start", 3.0, "end", 6.0, "prompt", "a choir", *FAST)
    path = next(f["path"] for f in made["files"] if f["role"] == "mix")
    keys = ("of", made["id"], "start", 3.0, "end", 6.0, "prompt", "loud metal")
    job = run("edit", path, *keys, "steps", 3, *GRID)
    assert job["state"] == "done", job["error"]
    assert not any("language model heard" in note for note in job["result"]["notes"])


def test_an_analysis_has_the_ears_figures_and_the_models_words(run, song):
    job = run("analyze", song(44_100), *GRID)
    assert job["state"] == "done", job["error"]
    found = job["result"]
    assert found["bpm"] == 120
    assert found["downbeats"][0] == pytest.approx(0, abs=0.01)
    assert {"chords", "key", "loudness_lufs", "caption", "lyrics", "language", "model"} <= set(
        found
    )


def test_generate_says_what_was_planned(run):
    job = run("generate", "seconds", 10.0, "prompt", "calm piano", "steps", 2, "seed", 5)
    assert job["state"] == "done", job["error"]
    assert any(note.startswith("planned by acestep-5Hz-lm") for note in job["result"]["notes"])
    assert 30 <= job["result"]["bpm"] <= 300
    assert job["result"]["key"]
