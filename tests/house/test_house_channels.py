"""How many channels results have: mono, stereo and surround sources through whole daemons."""

import itertools

import numpy as np
import pytest
import soundfile
from wire_house import House, native

SECONDS, RATE = 1.5, 22_050
COUNTS = (1, 2, 3, 6)
OWN, STRETCH = ("bpm", 120.0), ("bpm", 110.0, "stretch", 1)
AT = [*((n, OWN) for n in COUNTS), (1, STRETCH), (6, STRETCH)]

_count = itertools.count()


@pytest.fixture(scope="module", params=["fake", "sketch"])
def wire(request, tmp_path_factory):
    house = House(tmp_path_factory.mktemp(request.param), engine=request.param)
    with house.tcp() as client:
        yield client
    house.stop()


def _source(folder, channels, subtype="PCM_16", rate=RATE):
    """Clicks at 120 bpm over tones and noise, other ones in each channel."""
    rng = np.random.Generator(np.random.PCG64(channels))
    t = np.arange(round(SECONDS * rate))[:, None] / rate
    sound = 0.1 * np.sin(2 * np.pi * 110 * (1 + np.arange(channels)) * t)
    sound += 0.05 * rng.standard_normal(sound.shape)
    sound += 0.2 * np.exp(-40 * (t * 2 % 1)) * rng.standard_normal(t.shape)
    path = folder / f"source-{channels}.wav"
    container = "WAVEX" if channels > 2 else "WAV"
    soundfile.write(path, np.clip(sound, -0.9, 0.9), rate, subtype, format=container)
    return str(path)


def _files(wire, op, path, *keys):
    job_id = f"{op}-{next(_count)}"
    events = wire.job(op, job_id, path, "seed", 3, *keys)
    assert events[-1].name == "done", events[-1]
    files = {m.args[1]: m.args[3] for m in events if m.name == "file"}
    told = {f["role"]: f["channels"] for f in wire.ask("job", job_id)["files"]}
    audio = {role: p for role, p in files.items() if role not in ("midi", "plan")}
    for role, file in audio.items():
        assert soundfile.info(file).channels == told[role], role
    return audio


def _channels(files):
    return {role: soundfile.info(path).channels for role, path in files.items()}


def _stems(files):
    return [native(path) for role, path in files.items() if role.startswith("stem:")]


@pytest.mark.parametrize("channels", COUNTS)
def test_stems_have_the_channels_of_their_clip(wire, tmp_path, channels):
    files = _files(wire, "stems", _source(tmp_path, channels), "bpm", 120.0, "stems", "drums,bass")
    assert _channels(files) == {"stem:drums": channels, "stem:bass": channels}


@pytest.mark.parametrize(("channels", "keys"), AT)
def test_a_bgm_is_stereo_and_the_exact_sum_of_its_stems(wire, tmp_path, channels, keys):
    files = _files(wire, "bgm", _source(tmp_path, channels), *keys)
    counts = _channels(files)
    assert counts.pop("stretched", channels) == channels
    assert set(counts.values()) == {2}
    assert np.array_equal(native(files["mix"]), sum(_stems(files)))


@pytest.mark.parametrize(("channels", "keys"), AT)
def test_the_mix_of_a_layer_is_its_clip_and_its_stem(wire, tmp_path, channels, keys):
    path = _source(tmp_path, channels)
    files = _files(wire, "layer", path, "track", "bass", *keys)
    counts = _channels(files)
    assert counts.pop("stretched", channels) == channels
    assert set(counts.values()) == {max(2, channels)}
    under = native(files.get("stretched", path))
    (stem,) = _stems(files)
    assert np.array_equal(native(files["mix"]), under + stem)
    assert np.abs(stem).max() > 100 << 16


@pytest.mark.parametrize("channels", COUNTS)
@pytest.mark.parametrize("tempo", [OWN, STRETCH])
def test_all_stems_of_a_split_sum_to_the_clip(wire, tmp_path, channels, tempo):
    path = _source(tmp_path, channels, "FLOAT")
    # The fake engine hands back what it heard: all but what the way through stereo loses.
    copied = wire.ask("status")["engine"] == "fake"
    files = _files(
        wire, "stems", path, *tempo, *(("stems", "other", "prompt", "copy") if copied else ())
    )
    assert set(_channels(files).values()) == {channels}
    assert ("stretched" in files) == (tempo == STRETCH)
    clip = native(files.get("stretched", path))
    assert np.abs(sum(_stems(files)) - clip).max() < 2e-6
