"""Section 5 of the wire contract: repaint, extend and backing to the sample."""

import json

import numpy as np
import pytest
import soundfile
from wire_house import native

# -- repaint ---------------------------------------------------------------------------------------

SOURCES = [
    *[("WAV", s) for s in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
    *[("AIFF", s) for s in ("PCM_16", "PCM_24", "PCM_32", "FLOAT")],
    *[("FLAC", s) for s in ("PCM_16", "PCM_24")],
    *[("RF64", "PCM_24"), ("WAVEX", "PCM_16")],
]


@pytest.mark.parametrize(("container", "subtype"), SOURCES)
@pytest.mark.parametrize(("channels", "rate"), [(1, 44_100), (2, 8000)])
def test_outside_the_region_every_sample_equals_the_source(
    house, tcp, tmp_path, new_id, container, subtype, channels, rate
):
    path = tmp_path / "source.audio"
    rng = np.random.Generator(np.random.PCG64(3))
    samples = rng.uniform(-1.2 if "O" in subtype else -0.99, 0.99, (rate // 2, channels))
    soundfile.write(path, samples, rate, subtype, format=container)
    before, job_id = native(path), new_id()
    start, end = rate // 8, rate // 4
    result = tcp.done("repaint", job_id, str(path), "start_frame", start, "end_frame", end)
    mix = native(house.path(job_id))
    assert mix.shape == before.shape
    assert np.array_equal(mix[:start], before[:start])
    assert np.array_equal(mix[end:], before[end:])
    assert not np.array_equal(mix[start:end], before[start:end])
    assert np.array_equal(native(house.path(job_id, "region")), mix[start:end])
    assert (result["region_start_frame"], result["region_end_frame"]) == (start, end)
    assert result["source_frame"] == 0


@pytest.mark.parametrize("channels", [3, 6, 8])
def test_many_channels_stay_and_are_kept(house, tcp, make_wav, new_id, channels):
    path, job_id = make_wav(seconds=0.5, channels=channels, subtype="PCM_24"), new_id()
    tcp.done("repaint", job_id, path, "start_frame", 1000, "end_frame", 2000)
    mix, before = native(house.path(job_id)), native(path)
    assert mix.shape == before.shape
    assert np.array_equal(
        np.delete(mix, range(1000, 2000), 0), np.delete(before, range(1000, 2000), 0)
    )


def test_a_repaint_up_to_the_files_ends(house, tcp, song, new_id):
    for start, end in ((0, 4000), (12_000, 16_000), (0, 16_000)):
        job_id = new_id()
        tcp.done("repaint", job_id, song, "start_frame", start, "end_frame", end)
        mix, before = native(house.path(job_id)), native(song)
        keep = np.r_[0:start, end:16_000]
        assert np.array_equal(mix[keep], before[keep])


def test_same_request_and_seed_give_the_same_samples(house, tcp, song, new_id):
    one, other = new_id(), new_id()
    for job_id in (one, other):
        tcp.done("repaint", job_id, song, "start", 0.5, "end", 1.0, "seed", 77)
    assert np.array_equal(native(house.path(one)), native(house.path(other)))


# -- extend ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "bpm", "meter", "bars"),
    [
        (8000, 120.0, "4/4", 1),
        (11_025, 97.3, "3/4", 2),
        (22_050, 133.33, "7/8", 1.5),
        (44_100, 399.0, "5/16", 3),
        (48_000, 61.7, "1/2", 1),
        (8000, 20.5, "2/4", 0.25),
    ],
)
def test_extend_by_bars_is_the_formula_to_the_sample(
    house, tcp, make_wav, new_id, rate, bpm, meter, bars
):
    path, job_id = make_wav(seconds=0.5, rate=rate), new_id()
    beats, unit = map(int, meter.split("/"))
    wanted = round(bars * beats * 4 / unit * 60 / bpm * rate)
    result = tcp.done("extend", job_id, path, "bars", bars, "bpm", bpm, "meter", meter)
    mix, before = native(house.path(job_id)), native(path)
    assert len(mix) == len(before) + wanted
    assert np.array_equal(mix[: len(before)], before)
    assert len(native(house.path(job_id, "region"))) == wanted
    frames = [result[k] for k in ("source_frame", "region_start_frame", "region_end_frame")]
    assert frames == [0, len(before), len(mix)]


@pytest.mark.parametrize("side", ["after", "before", "both"])
def test_extend_on_each_side(house, tcp, song, new_id, side):
    job_id = new_id()
    result = tcp.done("extend", job_id, song, "seconds", 0.30001, "side", side, "bpm", 100)
    made = round(0.30001 * 8000)
    lead, tail = (made if side != "after" else 0), (made if side != "before" else 0)
    mix, before = native(house.path(job_id)), native(song)
    assert len(mix) == lead + 16_000 + tail
    assert np.array_equal(mix[lead : lead + 16_000], before)
    assert result["source_frame"] == lead
    first = 0 if lead else 16_000
    assert result["region_start_frame"] == first
    assert result["region_end_frame"] == (len(mix) if tail else lead)
    regions = [f for f in house.job(job_id)["files"] if f["role"] == "region"]
    assert [native(f["path"]).shape[0] for f in regions] == [made] * len(regions)
    assert len(regions) == (2 if side == "both" else 1)


def test_extend_of_a_region_keeps_that_part_alone(house, tcp, song, new_id):
    job_id = new_id()
    keys = ("start_frame", 2000, "end_frame", 9000, "seconds", 0.25, "side", "both")
    result = tcp.done("extend", job_id, song, *keys)
    mix, before = native(house.path(job_id)), native(song)
    assert len(mix) == 2000 + 7000 + 2000
    assert np.array_equal(mix[2000:9000], before[2000:9000])
    assert result["source_frame"] == 2000


MAP = [[0.0, 120.0, 4, 4], [2.5, 90.0, 3, 4, 1], [4.5, 150.0, 3, 4]]


def quarters(second):
    """Quarter notes from 0 to a second, integrated numerically over MAP."""
    t = np.linspace(0, second, 400_001)
    bpm = np.where(t < 2.5, 120.0, np.where(t < 4.5, 90 + (t - 2.5) / 2 * 60, 150.0))
    return float(np.trapezoid(bpm / 60, t))


@pytest.mark.parametrize(("end", "bars"), [(1.0, 1), (2.0, 2), (2.0, 4), (2.0, 1.5)])
def test_extend_integrates_the_tempo_map_from_the_join(house, tcp, song, new_id, end, bars):
    job_id = new_id()
    keys = ("start", 0.0, "end", end, "tempomap", json.dumps(MAP), "downbeat", 0.0)
    tcp.done("extend", job_id, song, *keys, "bars", bars)
    made = len(native(house.path(job_id, "region"))) / 8000
    here, left = end, bars
    while left > 0:  # a bar has the metre that holds where it begins
        step = min(1.0, left)
        wanted = quarters(here) + step * (4 if here < 2.5 - 1e-9 else 3)
        low, high = here, here + 10.0
        while high - low > 1e-7:
            middle = (low + high) / 2
            low, high = (middle, high) if quarters(middle) < wanted else (low, middle)
        here, left = (low + high) / 2, left - step
    assert made == pytest.approx(here - end, abs=2 / 8000)


# -- bgm, generate, layer --------------------------------------------------------------------------


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("prompt", ["soft", "loud"])
def test_a_backing_is_the_exact_sum_of_its_stems(
    house, tcp, make_wav, new_id, subtype, channels, prompt
):
    path, job_id = make_wav(seconds=0.5, channels=channels, subtype=subtype), new_id()
    tcp.done("bgm", job_id, path, "prompt", prompt, "stems", "drums,bass,keyboard")
    stems = [
        native(house.path(job_id, f"stem:{n}")).astype(
            np.float64 if subtype == "FLOAT" else np.int64
        )
        for n in ("drums", "bass", "keyboard")
    ]
    mix = native(house.path(job_id))
    assert mix.shape == (4000, 2)
    if subtype == "FLOAT":
        assert np.array_equal(mix, sum(stems).astype(np.float32).astype(np.float64))
    else:
        assert np.array_equal(mix, sum(stems))
        assert np.abs(sum(stems)).max() < 2**31
        assert np.count_nonzero(np.abs(mix.astype(np.int64)) >= 2**31 - 2**16) <= 1


def test_a_layer_adds_its_stem_to_the_clip(house, tcp, song, new_id):
    job_id = new_id()
    tcp.done("layer", job_id, song, "track", "bass")
    stem = native(house.path(job_id, "stem:bass")).astype(np.int64)
    assert np.array_equal(native(house.path(job_id)), native(song).astype(np.int64) + stem)


# -- metadata and analysis -------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["repaint", "extend", "bgm", "generate", "cover", "stems"])
def test_every_wav_carries_the_request(house, tcp, song, new_id, op):
    job_id = new_id()
    keys = {"repaint": ("start", 0.5, "end", 1.0), "extend": ("seconds", 0.2)}.get(op, ())
    source = () if op == "generate" else (song,)
    keys += ("seconds", 0.2) if op == "generate" else ()
    tcp.done(op, job_id, *source, *keys, "prompt", "warm, Grüße", "seed", 12, "takes", 2)
    for file in house.job(job_id)["files"]:
        if file["path"].endswith(".wav"):
            with soundfile.SoundFile(file["path"]) as sound:
                told = json.loads(sound.comment)
            assert (told["engine"], told["prompt"]) == ("fake", "warm, Grüße")
            assert told["seed"] == file["seed"] == 12 + file["take"] - 1


def test_analyze_tells_the_contracts_facts(house, tcp, tmp_path, new_id):
    rate = 22_050
    t = np.arange(8 * rate) / rate
    tone = 0.3 * np.sin(2 * np.pi * 220 * t) * (t % 0.5 < 0.4)
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone, rate)
    result = tcp.done("analyze", job_id := new_id(), str(path), "engine", "sketch")
    facts = "bpm meter key key_confidence downbeats chords notes loudness_lufs peak_dbfs voiced"
    assert set(facts.split()) <= result.keys()
    assert result["peak_dbfs"] == pytest.approx(20 * np.log10(0.3), abs=0.2)
    assert 0 <= result["voiced"] <= 1
    assert 0 <= result["key_confidence"] <= 1
    assert result["key"].split()[1] in ("major", "minor")
    assert result["notes"]
    assert all(n.keys() >= {"start", "end", "midi"} for n in result["notes"])
    assert np.median([n["midi"] for n in result["notes"]]) == pytest.approx(57, abs=0.3)
    assert all(c.keys() == {"start", "end", "name"} for c in result["chords"])
    assert all(isinstance(s, float) for s in result["downbeats"])
    assert house.job(job_id)["files"] == []
