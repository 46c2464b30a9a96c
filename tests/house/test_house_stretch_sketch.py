"""Stretching with the engine `sketch` and its own ear: what is struck lands on the told grid."""

import json

import numpy as np
import pytest
import soundfile

RATE = 22050
OWN_BPM, BARS = 100.0, 5
LATE_S = 0.35  # of the first bar, after the beginning of the file


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A drum beat over held chords, in 4/4 at 100 bpm."""
    beat_s = 60 / OWN_BPM
    out = np.zeros(round((LATE_S + BARS * 4 * beat_s) * RATE))
    rng = np.random.Generator(np.random.PCG64(4))
    t = np.arange(round(0.25 * RATE)) / RATE
    kick = np.sin(2 * np.pi * 60 * t + 4 * np.exp(-40 * t)) * np.exp(-14 * t)
    snare = rng.standard_normal(len(t)) * np.exp(-25 * t) * 0.5
    hat = np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-90 * t) * 0.2
    for half in range(BARS * 8):
        _add(out, hat, half / 2 * beat_s)
    for beat in range(BARS * 4):
        _add(out, snare if beat % 2 else kick, beat * beat_s)
    bar = np.arange(round(4 * beat_s * RATE)) / RATE
    for i in range(BARS):
        for midi in ((48, 60, 64, 67), (45, 57, 60, 64), (41, 57, 60, 65), (43, 59, 62, 67))[i % 4]:
            hz = 440 * 2 ** ((midi - 69) / 12)
            tone = sum(np.sin(2 * np.pi * k * hz * bar) / k**2 for k in range(1, 5))
            _add(
                out,
                0.1 * tone * np.clip((bar[-1] - bar) / 0.05, 0, 1) * np.exp(-bar),
                i * 4 * beat_s,
            )
    path = tmp_path_factory.mktemp("clip") / "beat.wav"
    soundfile.write(path, 0.5 * np.stack([out, 0.9 * out], axis=1), RATE, "PCM_16")
    return str(path)


def _add(out, sound, at_s):
    first = round((LATE_S + at_s) * RATE)
    out[first : first + len(sound)] += sound[: len(out) - first]


def _late_ms(path, bpm, first_s):
    """By how much each kick and snare lies behind its beat, from the rise of the envelope."""
    x = np.abs(soundfile.read(path)[0][:, 0])
    late = []
    for beat in range(1, BARS * 4 - 1):
        place = round((first_s + beat * 60 / bpm) * RATE)
        near = np.maximum.accumulate(x[place - RATE // 40 : place + RATE // 40])
        before = x[place - RATE // 20 : place - RATE // 40].max()
        rise = np.argmax(near > before + 0.25 * (near[-1] - before))
        late.append((rise - RATE // 40) / RATE * 1000)
    return np.array(late)


def test_a_beat_is_brought_to_another_tempo_and_every_op_follows(make_house, clip):
    with make_house(engine="sketch").tcp() as client:
        made = {}
        for op, bpm, keys in (
            ("stems", 112.0, ()),
            ("bgm", 88.0, ("prompt", "pop")),
        ):
            events = client.job(op, op, clip, "bpm", bpm, "stretch", 1, "seed", 2, *keys)
            assert events[-1].name == "done", events[-1]
            files = {m.args[1]: m.args[3] for m in events if m.name == "file"}
            made[op] = json.loads(events[-1].args[1]), files
        refusal = client.job("extend", "extend", clip, "bpm", 112.0, "stretch", 1, "bars", 2)[-1]
        assert (refusal.name, refusal.args[1]) == ("failed", 103)
    own_late = _late_ms(clip, OWN_BPM, LATE_S)
    for op, (result, files) in made.items():
        ratio = result["stretched"]["ratio"]
        assert ratio == pytest.approx(OWN_BPM / result["bpm"], rel=5e-4)
        info = soundfile.info(files["stretched"])
        assert info.frames == round(soundfile.info(clip).frames * ratio)
        assert {
            soundfile.info(p).frames for r, p in files.items() if r not in ("midi", "plan")
        } == {info.frames}
        late = _late_ms(files["stretched"], result["bpm"], LATE_S * ratio) - own_late
        assert np.abs(np.median(late)) < 2, op
        assert np.percentile(np.abs(late), 90) < 5, op
        beats = (result["downbeat"] - LATE_S * ratio) / (60 / result["bpm"])
        assert abs(beats - round(beats)) < 0.05
    assert made["bgm"][0]["key"] == "C major"
