"""What an engine is told of the window it hears: where it lies, what is cut off, what follows."""

import threading

import numpy as np
import pytest
import soundfile

from bridge.protocol.kinds import SEED_MAX
from daemon.audio.grid import Grid
from daemon.audio.probe import probe
from daemon.core.planner import plan
from daemon.engines.base import Capabilities, Chunk, Heard, Result
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

ENGINE_RATE = 48_000
STEP = 19_200  # 0.4 s at the engine's rate
CLIP_S, LONG_S = (3.0, 58.0), 60.0


class Windowed:
    """An engine with wishes for its windows, which keeps its requests."""

    def __init__(self, **wishes):
        self._wishes = wishes
        self.asked = []

    def capabilities(self):
        none = frozenset()
        return Capabilities("windowed", "1", "-", none, none, context_s=4.0, **self._wishes)

    def rate_for(self, source_rate):
        return ENGINE_RATE

    def listen(self, clip, rate, bpm, metre, options, port):
        return Heard(Grid.steady(120.0), 1.0)

    def run(self, request, port):
        self.asked.append(request)
        for span in request.spans:
            first, last = span.start - request.handle, span.end + request.handle
            port.emit(Chunk("region", first, np.zeros((last - first, 2), np.float32)))
        return Result()


class Deaf:
    def send(self, header, payload=b""):
        pass


WISHES = {
    "window_step_s": 0.4,
    "window_lengths_s": (8.0, 16.0, 24.0),
    "window_border_s": 0.4,
}


@pytest.fixture(params=[8_000, 22_050, 44_100, 48_000, 96_000])
def song(tmp_path, request):
    rng = np.random.Generator(np.random.PCG64(2))
    path = tmp_path / "song.wav"
    noise = rng.uniform(-0.5, 0.5, (round(LONG_S * request.param), 2))
    soundfile.write(path, noise, request.param, "PCM_16")
    return str(path)


def _asked(song, op, wishes=WISHES, **values):
    info = probe(song)
    told = {"seed": 7, "bpm": 120.0, "downbeat": 0.0, "meter": "4/4"}
    bounds = {"clip_start": CLIP_S[0], "clip_end": CLIP_S[1]}
    work = plan(op, {**told, **bounds, **values}, info, info.rate)
    engine = Windowed(**wishes)
    perform(engine, work, 1, JobPort(Deaf(), threading.Event()))
    return engine.asked


@pytest.mark.parametrize(
    ("start", "end", "length_s", "is_cut"),
    [
        (20.03, 24.01, 16.8, (True, True)),
        (4.0, 5.0, 8.4, (False, True)),
        (55.5, 57.9, 8.0, (True, False)),
        (10.0, 45.0, 43.8, (True, True)),
    ],
)
def test_a_window_lies_on_the_steps_of_its_clip(song, start, end, length_s, is_cut):
    (request,) = _asked(song, "repaint", start=start, end=end)
    from_clip = request.source_start - round(CLIP_S[0] * ENGINE_RATE)
    assert from_clip % STEP == 0
    assert request.cut[0] == from_clip
    assert tuple(map(bool, request.cut)) == is_cut
    whole = sum(request.cut) + len(request.clip)
    assert whole == pytest.approx((CLIP_S[1] - CLIP_S[0]) * ENGINE_RATE, abs=2)
    assert len(request.clip) / ENGINE_RATE == pytest.approx(length_s, abs=0.41)
    span = request.spans[0]
    assert span.start + request.source_start == pytest.approx(start * ENGINE_RATE, abs=6)
    assert 0 <= span.start < span.end <= len(request.clip)


def test_the_samples_are_those_of_that_place(song):
    (one,) = _asked(song, "repaint", start=20.0, end=24.0)
    (two,) = _asked(song, "repaint", start=22.0, end=26.0)
    apart = two.source_start - one.source_start
    assert apart % STEP == 0
    same = slice(2_400, len(one.clip) - apart - 2_400)  # away from where the filters begin
    assert np.allclose(two.clip[same], one.clip[apart:][same], atol=1e-5)


def test_without_wishes_it_is_the_region_and_its_context(song):
    (request,) = _asked(song, "repaint", {}, start=20.0, end=24.0)
    assert len(request.clip) == pytest.approx(12 * ENGINE_RATE, abs=2)
    assert request.source_start == pytest.approx(16 * ENGINE_RATE, abs=2)


@pytest.mark.parametrize(("side", "cut"), [("after", (1, 0)), ("before", (0, 1)), ("both", (0, 0))])
def test_beside_a_join(song, side, cut):
    values = {"start": CLIP_S[0], "end": CLIP_S[1], "side": side, "seconds": 2.0}
    (request,) = _asked(song, "extend", **values)
    assert tuple(map(bool, request.cut)) == tuple(map(bool, cut))
    ends = [(s.start, s.end) for s in request.spans]
    assert all(end == 0 or start == len(request.clip) for start, end in ends)


@pytest.mark.parametrize("song", [8_000], indirect=True)
def test_every_take_knows_those_that_follow(song):
    asked = _asked(song, "repaint", start=20.0, end=21.0, takes=3, seed=SEED_MAX)
    assert [(r.seed, r.later_seeds) for r in asked] == [
        (SEED_MAX, (0, 1)),
        (0, (1,)),
        (1, ()),
    ]
