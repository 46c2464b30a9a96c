"""The engine through OSC and the worker: what a DAW gets."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import music  # noqa: E402
from wire_house import native, wait_for  # noqa: E402

LONG_S = 240.0  # for the first job, which waits for the model, on a machine that does other things
_count = itertools.count()


@pytest.fixture
def client(acestep_house):
    with acestep_house.tcp() as made:
        yield made


@pytest.fixture
def run(acestep_house, client):
    """Run a job to its end; returns its record on disk."""

    def ask(op, *args):
        job_id = f"w{next(_count)}"
        client.send(f"/punchin/{op}", job_id, *args)
        client.until("done", "failed", "error", id=job_id, timeout=LONG_S)
        return acestep_house.job(job_id)

    return ask


@pytest.fixture
def write(tmp_path):
    """Write music to a file; returns the path."""

    def make(seconds=11.0, rate=48_000, channels=2, subtype="PCM_24", seed=3):
        whole = music(seconds, seed)
        frames = round(seconds * rate)
        at = np.linspace(0, len(whole) - 1, frames).astype(int)
        gains = np.linspace(1.0, 0.5, channels)
        samples = whole[at, :1] * gains
        path = tmp_path / f"song-{rate}-{channels}.wav"
        soundfile.write(path, samples, rate, subtype)
        return str(path)

    return make


GRID = ("bpm", 120.0, "downbeat", 0.0)


def _paths(job, role):
    return [f["path"] for f in job["files"] if f["role"] == role]


@pytest.mark.parametrize(
    ("rate", "channels", "subtype", "start", "end"),
    [
        (48_000, 2, "PCM_24", 191_999, 288_001),
        (44_100, 1, "PCM_16", 44_100, 44_100 + 4_410),
        (44_100, 2, "FLOAT", 123_457, 300_001),
        (96_000, 6, "PCM_24", 500_000, 700_001),
        (8_000, 2, "PCM_16", 0, 20_000),
        (22_050, 2, "PCM_24", 200_000, 242_550),
        (48_000, 2, "PCM_16", 0, 528_000),
    ],
)
def test_a_repaint_changes_the_region_and_not_one_bit_beside_it(
    run, write, rate, channels, subtype, start, end
):
    source = write(11.0, rate, channels, subtype)
    keys = ("start_frame", start, "end_frame", end, "prompt", "warm", "steps", 2, *GRID)
    keys += ("allow_degrade", 1, "hold", 0.9, "context", 8.0, "grid", "measure")
    job = run("repaint", source, *keys)
    assert job["state"] == "done", job["error"]
    assert job["result"]["ignored"] == []
    mix, region, kept = (native(p) for p in (*_paths(job, "mix"), *_paths(job, "region"), source))
    assert mix.shape == kept.shape
    assert (mix[:start] == kept[:start]).all()
    assert (mix[end:] == kept[end:]).all()
    assert (mix[start:end] == region).all()
    changed = (mix[start:end] != kept[start:end]).mean(axis=0)
    assert (changed > 0.9).sum() >= channels - (channels == 6)  # the LFE is nobody's to make
    assert soundfile.info(_paths(job, "mix")[0]).subtype == subtype


@pytest.mark.parametrize(
    ("side", "before", "after"), [("after", 0, 1), ("before", 1, 0), ("both", 1, 1)]
)
def test_extend_keeps_the_clip_and_adds_what_was_asked_for(run, write, side, before, after):
    source = write(11.0, 44_100)
    job = run("extend", source, "side", side, "bars", 1.0, "steps", 2, *GRID)
    assert job["state"] == "done", job["error"]
    mix, kept = native(_paths(job, "mix")[0]), native(source)
    bar = 2 * 44_100
    assert len(mix) == len(kept) + (before + after) * bar
    assert (mix[before * bar :][: len(kept)] == kept).all()
    assert job["result"]["source_frame"] == before * bar
    assert len(_paths(job, "region")) == before + after
    assert all(native(p).any() for p in _paths(job, "region"))


@pytest.mark.parametrize(
    ("op", "keys", "roles"),
    [
        ("cover", ("prompt", "folk", "strength", 0.3), {"mix", "recipe"}),
        ("retake", ("strength", 0.3), {"mix"}),
    ],
)
def test_a_whole_clip_keeps_its_length_rate_and_channels(run, write, op, keys, roles):
    source = write(10.0, 44_100, 1)
    job = run(op, source, *keys, "steps", 2, *GRID)
    assert job["state"] == "done", job["error"]
    assert {f["role"] for f in job["files"]} == roles
    mix, kept = native(_paths(job, "mix")[0]), native(source)
    assert mix.shape == kept.shape
    assert (mix != kept).mean() > 0.9


def test_a_cover_follows_a_reference(run, write, tmp_path):
    other = tmp_path / "other.wav"
    soundfile.write(other, music(4.0, seed=9), 48_000)
    source, keys = write(10.0), ("prompt", "folk", "steps", 2, "seed", 5, *GRID)
    plain = run("cover", source, *keys)
    told = run("cover", source, *keys, "reference", str(other))
    again = run("cover", source, *keys, "reference", str(other))
    one, two, three = (native(_paths(job, "mix")[0]) for job in (plain, told, again))
    assert (one != two).any()
    assert (two == three).all()
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros((48_000, 2)), 48_000)
    assert run("cover", source, *keys, "reference", str(silent))["error"]["code"] == 101


def test_generate_makes_what_was_asked_for(run):
    job = run("generate", "seconds", 10.0, "prompt", "calm piano", "steps", 2, "bpm", 90.0)
    assert job["state"] == "done", job["error"]
    (mix,) = _paths(job, "mix")
    facts = soundfile.info(mix)
    assert facts.channels == 2
    assert facts.frames == 10 * facts.samplerate
    assert native(mix).any()


UNUSED = [
    ("generate", ("seconds", 1.0, "stems", "drums"), ["stems"]),
    ("extend", ("seconds", 1.0, "strength", 0.5), ["strength"]),
    ("layer", ("track", "bass", "steps", 2, "strength", 0.5), ["strength"]),
    ("bgm", ("ways", "layer", "stems", "bass", "steps", 2, "strength", 0.5), ["strength"]),
    ("edit", ("lyrics", "la", "steps", 2, "hold", 0.5, "grid", "off"), ["grid", "hold"]),
    ("retake", ("steps", 2, "hold", 0.5), []),
]


@pytest.mark.parametrize(("op", "keys", "ignored"), UNUSED, ids=[row[0] for row in UNUSED])
def test_what_a_take_has_no_use_for_is_listed(run, write, op, keys, ignored):
    source = () if op == "generate" else (write(),)
    job = run(op, *source, *keys, *GRID, "seed", 5)
    assert job["state"] == "done", job["error"]
    assert job["result"]["ignored"] == ignored


def test_a_recipe_has_its_own_way_of_solving(run, write):
    made = run("repaint", write(), "start", 4.0, "end", 7.0, *GRID, "seed", 5)
    again = run("retake", "of", made["id"], "steps", 2, "hold", 0.5, "guidance", 3.0, "seed", 6)
    assert again["result"]["ignored"] == ["guidance", "hold", "steps"]


def test_a_take_can_be_made_alone(run, write):
    source = write(11.0)
    keys = ("start", 4.0, "end", 6.0, "steps", 2, *GRID)
    three = run("repaint", source, *keys, "takes", 3, "seed", 40)
    alone = run("repaint", source, *keys, "seed", 42)
    assert [f["seed"] for f in three["files"] if f["role"] == "mix"] == [40, 41, 42]
    one, two = native(_paths(three, "region")[2]), native(_paths(alone, "region")[0])
    assert np.abs(one.astype(float) - two).max() / 2**31 < 1e-5


def test_retake_varies_what_was_made_and_keeps_what_was_kept(run, write):
    source = write(11.0)
    made = run("repaint", source, "start", 4.0, "end", 7.0, "seed", 3, "steps", 4, *GRID)
    near = run("retake", "of", made["id"], "strength", 0.05, "seed", 4, *GRID)
    far = run("retake", "of", made["id"], "strength", 1.0, "seed", 4, *GRID)
    assert near["state"] == far["state"] == "done", (near["error"], far["error"])
    first, one, two = (native(_paths(job, "mix")[0]) / 2**31 for job in (made, near, far))
    assert first.shape == one.shape == two.shape
    beside = np.r_[0 : 4 * 48_000, 7 * 48_000 : len(first)]
    assert np.abs(one - first)[beside].max() < 1e-6
    inside = slice(4 * 48_000 + 4_800, 7 * 48_000 - 4_800)
    changed = [float(np.std(x[inside] - first[inside])) for x in (one, two)]
    assert 0 < changed[0] < 0.5 * changed[1]
    assert not any("no recipe" in note for note in near["result"]["notes"])


@pytest.mark.parametrize("op", ["generate", "cover", "extend"])
def test_every_kind_of_result_can_be_varied(run, write, op):
    keys = {
        "generate": ("seconds", 10.0),
        "cover": (write(10.0),),
        "extend": (write(10.0), "seconds", 2.0, "side", "both"),
    }[op]
    made = run(op, *keys, "prompt", "calm", "seed", 3, "steps", 2, *GRID)
    near = run("retake", "of", made["id"], "strength", 0.02, "seed", 4, *GRID)
    assert near["state"] == "done", near["error"]
    assert not any("no recipe" in note for note in near["result"]["notes"])
    first, one = (native(_paths(job, "mix")[0]) / 2**31 for job in (made, near))
    assert first.shape == one.shape
    assert 0 < np.std(one - first) < 0.3 * np.std(first)
    twice = run("retake", "of", near["id"], "strength", 0.02, "seed", 5, *GRID)
    recipe = json.loads(Path(_paths(twice, "recipe")[0]).read_text())["parts"][0]
    assert [seed for seed, _ in recipe["seeds"]][-2:] == [4, 5]


def test_a_cancelled_job_leaves_the_model_loaded(acestep_house, client, run, write):
    source, before = write(11.0), len(acestep_house.log())
    client.send("/punchin/cover", "long", source, "steps", 900, *GRID)
    client.until("progress", id="long", timeout=LONG_S)
    client.send("/punchin/cancel", "long")
    assert client.until("cancelled", "done", id="long", timeout=LONG_S).name == "cancelled"
    job = run("repaint", source, "start", 4.0, "end", 6.0, "steps", 2, *GRID)
    assert job["state"] == "done"
    assert "died" not in acestep_house.log()[before:]


def test_a_forgotten_job_leaves_no_latents(acestep_house, client, run, write):
    done = run("repaint", write(11.0), "start", 4.0, "end", 6.0, "steps", 2, *GRID)
    kept = acestep_house.home / "cache" / "acestep" / done["id"]
    wait_for(lambda: list(kept.glob("*.safetensors")) or None, "nothing was kept")
    client.send("/punchin/forget", done["id"])
    client.until("forgotten")
    wait_for(lambda: None if kept.exists() else True, "its latents were not removed")


def test_what_it_can_do_is_told(client):
    engines = {row["name"]: row for row in client.ask("status")["engines"]}
    assert {"repaint", "extend", "cover", "generate", "retake"} <= set(engines["acestep"]["ops"])
    assert engines["acestep"]["needs_model"]


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1)])
def test_a_retake_of_strength_0_is_the_take(run, write, rate, channels):
    source = write(11.0, rate, channels)
    made = run("repaint", source, "start", 4.0, "end", 7.0, "seed", 3, "steps", 2, *GRID)
    same = run("retake", "of", made["id"], "strength", 0.0, "seed", 4, *GRID)
    first, one = (native(_paths(job, "mix")[0]) / 2**31 for job in (made, same))
    assert np.abs(first - native(source) / 2**31).max() > 0.01
    apart = np.std(one - first) / np.std(first)
    assert apart < (1e-6 if rate == 48_000 else 1e-2), apart
    told = run("retake", "of", made["id"], "strength", 0.0, "prompt", "loud drums", *GRID)
    assert np.abs(native(_paths(told, "mix")[0]) / 2**31 - first).max() > 1e-4
