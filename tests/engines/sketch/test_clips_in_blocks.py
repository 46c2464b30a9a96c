"""A clip that is read in blocks gives what the same clip in memory gives; nothing stale is told."""

import os
import threading

import numpy as np
import pytest
import soundfile
from engine_desk import ODE, RATE, band, request_of, run, voice

from bridge.protocol.errors import PunchinError
from daemon.audio.clips import HeldClip
from daemon.audio.probe import probe
from daemon.core.planner import plan
from daemon.engines.base import Cancelled, Span
from daemon.engines.sketch import SketchEngine
from daemon.engines.sketch.listen import gathering
from daemon.worker import clip as worker_clip
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

TOLD = {"bpm": 120.0, "downbeat": 0.0}
JOBS = {
    "analyze, told": ("analyze", TOLD),
    "analyze, untold": ("analyze", {}),
    "repaint, reused": ("repaint", {**TOLD, "start": 4.0, "end": 6.0, "context": 0.0}),
    "repaint, new": ("repaint", {**TOLD, "start": 4.0, "end": 6.0, "strength": 0.9}),
    "extend": ("extend", {**TOLD, "side": "both", "bars": 2}),
    "bgm": ("bgm", TOLD),
    "layer": ("layer", {**TOLD, "track": "keyboard"}),
    "cover": ("cover", TOLD),
    "retake": ("retake", TOLD),
    "stems": ("stems", TOLD),
}
EIGHT_BARS = ("analyze", "repaint", "extend")
ENGINES = SketchEngine(), SketchEngine()  # one each, as they remember what they have heard


class Inbox:
    """The control plane's end of the channel."""

    def __init__(self):
        self.frames = []

    def send(self, header, payload=b""):
        self.frames.append((dict(header), bytes(payload)))

    def take(self):
        return next(h for h, _ in self.frames if h["kind"] == "take")

    def sounds(self):
        found = {}
        for header, payload in self.frames:
            if header["kind"] == "audio":
                where = (header["role"], header.get("span", 0))
                found.setdefault(where, []).append(np.frombuffer(payload, "<f4"))
        return {where: np.concatenate(parts) for where, parts in found.items()}


def played(path, op, keys, engine=None, port=JobPort):
    inbox = Inbox()
    work = plan(op, {"seed": 1, **keys}, probe(str(path)), 44_100)
    perform(engine or ENGINES[0], work, 1, port(inbox, threading.Event()))
    return inbox


def written(path, x, rate=RATE, subtype="PCM_24"):
    soundfile.write(path, x, rate, subtype)
    return path


@pytest.fixture
def in_blocks(monkeypatch):
    """Every clip counts as a long one."""
    return lambda: monkeypatch.setattr(worker_clip, "HELD_S", 0.0)


@pytest.mark.parametrize("name", JOBS)
def test_in_blocks_and_in_memory_are_the_same(tmp_path, in_blocks, name):
    op, keys = JOBS[name]
    clip = voice(ODE) if op == "bgm" else band(8 if op in EIGHT_BARS else 4)
    path = written(tmp_path / "a.wav", clip)
    held = played(path, op, keys, ENGINES[0])
    in_blocks()
    read = played(path, op, keys, ENGINES[1])
    assert read.take() == held.take()
    assert read.sounds().keys() == held.sounds().keys()
    for where, sound in held.sounds().items():
        assert np.abs(read.sounds()[where] - sound).max() < 1e-5, where
    assert held.sounds() or op == "analyze"


@pytest.mark.parametrize(
    ("rate", "subtype", "gain"), [(44_100, "FLOAT", 5.0), (50_000, "PCM_16", 1)]
)
def test_loud_sources_and_other_rates_too(tmp_path, in_blocks, rate, subtype, gain):
    """50 kHz is heard at 48 kHz: nobody works at such a rate."""
    path = written(tmp_path / "a.wav", band(8) * gain, rate, subtype)
    keys = {"bpm": 120.0 * rate / RATE, "downbeat": 0.0}
    held = played(path, "analyze", keys, ENGINES[0]).take()
    in_blocks()
    read = played(path, "analyze", keys, ENGINES[1]).take()
    assert read["key"] == held["key"]
    for name, value in held["analysis"].items():
        if isinstance(value, float):
            assert read["analysis"][name] == pytest.approx(value, abs=2e-3), name
        else:
            assert str(read["analysis"][name]) == str(value), name


def test_an_array_and_a_reader_are_heard_alike():
    clip = band(8)
    spans = (Span(4 * RATE, 6 * RATE),)
    _, held = run(request_of("repaint", clip, spans))
    _, read = run(request_of("repaint", HeldClip(clip, RATE), spans))
    assert np.array_equal(held.sounds()["region"], read.sounds()["region"])


def test_a_changed_file_is_heard_anew(tmp_path, in_blocks):
    """Even with the path, the size and the times of the old one."""
    in_blocks()
    path = tmp_path / "a.wav"
    clip = band(8)
    written(path, clip)
    seen = os.stat(path)
    before = played(path, "analyze", TOLD).take()["analysis"]
    written(path, clip * np.float32(0.25))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert (os.stat(path).st_size, os.stat(path).st_mtime_ns) == (seen.st_size, seen.st_mtime_ns)
    after = played(path, "analyze", TOLD).take()["analysis"]
    assert after["peak_dbfs"] == pytest.approx(before["peak_dbfs"] - 12.04, abs=0.02)
    assert after["loudness_lufs"] == pytest.approx(before["loudness_lufs"] - 12.04, abs=0.02)


@pytest.mark.parametrize("keys", [TOLD, {}])
def test_a_clip_is_heard_once_for_its_bars_and_its_job_and_its_takes(
    tmp_path, in_blocks, monkeypatch, keys
):
    in_blocks()
    heard = []
    features = gathering._features
    monkeypatch.setattr(gathering, "_features", lambda *a: heard.append(1) or features(*a))
    engine = SketchEngine()
    path = written(tmp_path / "a.wav", band(8))
    played(path, "extend", {**keys, "bars": 1, "takes": 3, "context": 0.0}, engine)
    assert len(heard) == 1
    copied = written(tmp_path / "b.wav", band(8))
    played(copied, "extend", {**TOLD, "bars": 1, "context": 0.0}, engine)
    assert len(heard) == (1 if keys == TOLD else 2)


def test_a_file_that_changes_under_a_job_is_told(tmp_path, in_blocks):
    in_blocks()
    path = written(tmp_path / "a.wav", 0.5 * band(8))

    class Rewriting(JobPort):
        def progress(self, fraction, stage):
            if stage == "listening":
                os.utime(path, ns=(1, 1))
            super().progress(fraction, stage)

    with pytest.raises(PunchinError) as caught:
        played(path, "analyze", TOLD, port=Rewriting)
    assert caught.value.code == 202


def test_a_cancel_is_heard_while_a_long_clip_is_read(tmp_path, in_blocks):
    in_blocks()
    path = written(tmp_path / "a.wav", np.tile(band(4), (6, 1)))
    checks = []

    class Impatient(JobPort):
        def check(self):
            checks.append(1)
            if len(checks) > 5:
                raise Cancelled

    with pytest.raises(Cancelled):
        played(path, "analyze", TOLD, port=Impatient)
    assert len(checks) == 6
