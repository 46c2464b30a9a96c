"""Clips that nobody planned for: the shortest, silent ones, odd rates; as the worker asks."""

import threading

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import music  # noqa: E402

from daemon.audio.probe import probe  # noqa: E402
from daemon.core.planner import plan  # noqa: E402
from daemon.worker.perform import perform  # noqa: E402
from daemon.worker.port import JobPort  # noqa: E402


class Sent:
    """The control plane's end: what was sent, by role."""

    def __init__(self):
        self.audio, self.takes = {}, []

    def send(self, header, payload=b""):
        if header["kind"] == "take":
            self.takes.append(header)
        if header["kind"] == "audio":
            role = f"{header['role']} {header.get('span', 0)}"
            piece = np.frombuffer(payload, "<f4").reshape(-1, header["channels"])
            self.audio.setdefault(role, {})[header["start"]] = piece

    def sounds(self):
        return {r: np.concatenate([p[s] for s in sorted(p)]) for r, p in self.audio.items()}


@pytest.fixture
def performed(engine, tmp_path):
    def get(op, samples, rate, **values):
        told = {"seed": 7, "bpm": 120.0, "downbeat": 0.0, "meter": "4/4", "steps": 1}
        info = None
        if samples is not None:
            path = tmp_path / "clip.wav"
            soundfile.write(path, samples, rate, "PCM_24")
            info = probe(str(path))
        sent = Sent()
        perform(
            engine, plan(op, {**told, **values}, info, rate), 1, JobPort(sent, threading.Event())
        )
        return sent

    return get


def _clip(seconds, rate, channels=2):
    samples = music(max(seconds, 0.1))[:: max(1, round(48_000 / rate))]
    frames = max(2, round(seconds * rate))
    return np.resize(samples[:, :1], (frames, channels))


@pytest.mark.parametrize(
    ("rate", "seconds"), [(8_000, 0.02), (11_025, 0.3), (44_100, 1.7), (192_000, 0.02)]
)
def test_the_shortest_clips_are_repainted_and_extended(performed, rate, seconds):
    clip = _clip(seconds, rate, 1)
    region = {
        "start_frame": len(clip) // 4,
        "end_frame": len(clip) // 4 + max(len(clip) // 2, rate // 90),
    }
    sound = performed("repaint", clip, rate, **region).sounds()["region 0"]
    assert sound.shape == (region["end_frame"] - region["start_frame"], 1)
    assert np.isfinite(sound).all()
    sounds = performed("extend", clip, rate, side="both", seconds=1.0).sounds()
    assert [s.shape for s in sounds.values()] == [(rate, 1)] * 2


@pytest.mark.parametrize("op", ["repaint", "extend", "cover", "retake"])
def test_silence(performed, op):
    keys = {"repaint": {"start": 2.0, "end": 5.0}, "extend": {"seconds": 2.0}}.get(op, {})
    (sound,) = performed(op, np.zeros((7 * 48_000, 2)), 48_000, **keys).sounds().values()
    assert np.isfinite(sound).all()
    assert sound.any()


def test_full_scale_and_beyond(performed):
    loud = np.sign(music(11.0))
    sound = performed("repaint", loud, 48_000, start=4.0, end=6.0).sounds()["region 0"]
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() < 2


@pytest.mark.parametrize(
    ("op", "keys"), [("cover", {}), ("layer", {"track": "bass"}), ("stems", {"stems": ("drums",)})]
)
def test_a_short_part_is_made_with_what_lies_around_it(performed, op, keys):
    """The notes of one that is padded instead say so."""
    song = _clip(14.0, 44_100)
    there = performed(op, song, 44_100, start=5.0, end=7.0, **keys)
    alone = performed(op, song[220_500:308_700], 44_100, **keys)
    (one,), (two,) = there.sounds().values(), alone.sounds().values()
    assert one.shape == two.shape == (88_200, 2)
    assert (np.abs(one) > 1e-6).mean() > 0.9
    assert not np.allclose(one, two, atol=1e-3)
    padded = [any("made for 10 s" in n for n in sent.takes[0]["notes"]) for sent in (there, alone)]
    assert padded == [False, True]


@pytest.mark.parametrize("context", [0.0, 0.1, 100.0])
def test_any_context(performed, context):
    clip = music(18.0)
    sent = performed("repaint", clip, 48_000, start=8.0, end=10.0, context=context)
    assert sent.sounds()["region 0"].shape == (96_000, 2)


@pytest.mark.parametrize("region", [(0.0, 11.0), (0.0, 1.0), (10.99, 11.0)])
def test_any_region(performed, region):
    start, end = region
    sent = performed("repaint", music(11.0), 48_000, start=start, end=end)
    assert len(sent.sounds()["region 0"]) == round((end - start) * 48_000)


@pytest.mark.parametrize("seconds", [0.05, 9.9, 16.0])
def test_any_length_of_a_new_piece(performed, seconds):
    sent = performed("generate", None, 44_100, seconds=seconds)
    assert sent.sounds()["stem:other 0"].shape == (round(seconds * 44_100), 2)


def test_a_region_that_is_too_short_is_said_to_be(performed):
    (take,) = performed("repaint", music(12.0), 48_000, start=4.0, end=4.5).takes
    assert any("outside 3-90 s" in note for note in take["notes"])
    (take,) = performed("repaint", music(4.0), 48_000, start=0.0, end=3.5).takes
    assert any("10 s" in note for note in take["notes"])
