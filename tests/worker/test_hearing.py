"""How the worker hands a clip over: in blocks to engines that take them, as an array to others."""

import threading
import tracemalloc

import numpy as np
import pytest
import soundfile

from daemon.audio.clips import ClipReader, HeldClip
from daemon.audio.grid import Grid
from daemon.audio.probe import probe
from daemon.core.planner import plan
from daemon.engines.base import Capabilities, Chunk, Heard, Result
from daemon.worker.clip import HELD_S, hear
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

RATE = 8000
LONG_S, SHORT_S = HELD_S + 10, HELD_S - 10


class Copyist:
    """Plays what it hears, and remembers how it got it."""

    def __init__(self, in_blocks=frozenset(), rate=0):
        self._facts = {"in_blocks": frozenset(in_blocks)} if in_blocks else {}
        self._rate = rate
        self.got = []

    def capabilities(self):
        return Capabilities("copyist", "1", "-", frozenset(), frozenset(), **self._facts)

    def rate_for(self, source_rate):
        return self._rate or source_rate

    def listen(self, clip, rate, bpm, metre, options, port):
        self.got.append(clip)
        return Heard(Grid.steady(bpm or 120.0), 0.5)

    def run(self, request, port):
        self.got.append(request.clip)
        for span in request.spans:
            first, last = span.start - request.handle, span.end + request.handle
            sound = np.zeros((last - first, 2), np.float32)
            a, b = max(0, first), min(len(request.clip), last)
            if a < b:
                sound[a - first : b - first] = request.clip[a:b]
            port.emit(Chunk("region" if request.op == "repaint" else "stem:bass", first, sound))
        return Result(analysis={} if request.op == "analyze" else None)


class Silent:
    def __init__(self):
        self.audio = []

    def send(self, header, payload=b""):
        if header["kind"] == "audio":
            self.audio.append(np.frombuffer(payload, "<f4").reshape(-1, header["channels"]))


def port(channel=None):
    return JobPort(channel or Silent(), threading.Event())


def source(path, seconds, channels=2, rate=RATE):
    rng = np.random.Generator(np.random.PCG64(1))
    x = 0.1 * rng.standard_normal((round(seconds * rate), channels)).astype(np.float32)
    x[4:-4] = sum(w * x[i : len(x) - 8 + i] for i, w in enumerate(np.hanning(11)[1:-1] / 5))
    soundfile.write(path, x, rate, "FLOAT")
    return x, probe(str(path))


def work_for(op, info, **keys):
    return plan(op, {"seed": 1, **keys}, info, 44_100)


@pytest.mark.parametrize("op", ["analyze", "bgm"])
@pytest.mark.parametrize("seconds", [LONG_S, SHORT_S])
@pytest.mark.parametrize("rate", [0, 11_025])
def test_only_who_asks_for_blocks_gets_them(tmp_path, op, seconds, rate):
    x, info = source(tmp_path / "a.wav", seconds)
    plain, modern = Copyist(rate=rate), Copyist({op}, rate)
    for engine in (plain, modern):
        perform(engine, work_for(op, info), 1, port())
        assert len(engine.got) == 2  # to find the bars, and to play
    assert all(type(clip) is np.ndarray for clip in plain.got)
    assert all(isinstance(clip, ClipReader) for clip in modern.got)
    for held, read in zip(plain.got, modern.got, strict=True):
        assert (held.shape, held.dtype) == (read.shape, np.float32)
        assert np.abs(np.asarray(read) - held).max() < 2e-6
    if not rate:
        assert np.array_equal(plain.got[1], x)


def test_an_array_is_made_once_for_all_takes(tmp_path):
    _, info = source(tmp_path / "a.wav", LONG_S)
    engine = Copyist()
    perform(engine, work_for("bgm", info, takes=3), 1, port())
    assert len(engine.got) == 4
    assert all(np.shares_memory(clip, engine.got[0]) for clip in engine.got)


def test_a_long_window_is_not_held(tmp_path):
    x, info = source(tmp_path / "a.wav", 4 * LONG_S)
    work = work_for("analyze", info)
    tracemalloc.start()
    clip = hear(Copyist({"analyze"}), work, (0, info.frames), port().check)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not isinstance(clip.heard, HeldClip)
    assert peak < x.nbytes / 4
    assert np.array_equal(clip.heard[RATE : 2 * RATE], x[RATE : 2 * RATE])
    short = hear(Copyist({"analyze"}), work, (0, round(SHORT_S * RATE)), port().check)
    assert isinstance(short.heard, HeldClip)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [0, 11_025])
def test_a_repaint_that_plays_the_source_changes_nothing(tmp_path, channels, rate):
    """The way there and back through a long window, at any number of channels."""
    x, info = source(tmp_path / "a.wav", LONG_S, channels)
    if channels == 6:
        x[:] = x[:, :2] @ np.array([[1, 0, 0.4, 0, 0.5, 0], [0, 1, 0.4, 0, 0, 0.5]], np.float32)
        soundfile.write(info.path, x, RATE, "FLOAT")
        info = probe(info.path)
    channel = Silent()
    keys = {"start": 20.0, "end": 22.0, "context": 0.0, "bpm": 120.0, "downbeat": 0.0}
    perform(Copyist({"repaint"}, rate), work_for("repaint", info, **keys), 1, port(channel))
    new, old = np.concatenate(channel.audio), x[20 * RATE : 22 * RATE]
    assert new.shape == old.shape
    inner = slice(400, -400)
    assert np.abs(old).max() > 0.1
    assert np.abs(new[inner] - old[inner]).max() < 1e-3
