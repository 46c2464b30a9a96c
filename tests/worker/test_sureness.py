"""Low confidence is said, not hidden: what a job tells of the bars that it found."""

import threading

import numpy as np
import pytest
import soundfile

from bridge.resources import folder
from daemon.audio.grid import Grid
from daemon.audio.probe import probe
from daemon.core.planner import plan
from daemon.engines.base import Capabilities, Chunk, Heard, Result
from daemon.engines.sketch import SketchEngine
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

RATE = 22_050
ENGINE = SketchEngine()
TEMPO, BARS, KEY = "The tempo is a guess", "Where the bars begin is a guess", "key"


class Kept:
    def __init__(self):
        self.take = {}

    def send(self, header, payload=b""):
        if header["kind"] == "take":
            self.take = header


def noise(seconds=8):
    rng = np.random.Generator(np.random.PCG64(2))
    return 0.1 * rng.standard_normal((seconds * RATE, 2))


def silence(seconds=8):
    return np.zeros((seconds * RATE, 2))


def drone(seconds=8):
    t = np.arange(seconds * RATE)[:, None] / RATE
    return np.repeat(sum(0.1 / k * np.sin(2 * np.pi * 110 * k * t) for k in range(1, 8)), 2, 1)


def band():
    return soundfile.read(folder("presets") / "clips" / "band.flac", always_2d=True)[0]


def done(path, op, samples, engine=ENGINE, rate=RATE, **keys):
    soundfile.write(path / "a.wav", samples.astype(np.float32), rate, "FLOAT")
    work = plan(op, {"seed": 1, **keys}, probe(str(path / "a.wav")), 44_100)
    kept = Kept()
    perform(engine, work, 1, JobPort(kept, threading.Event()))
    return kept.take


@pytest.mark.parametrize("sound", [noise, silence, drone])
def test_an_analysis_of_no_music_says_that_all_is_a_guess(tmp_path, sound):
    take = done(tmp_path, "analyze", sound())
    heard, notes = take["analysis"], " ".join(take["notes"])
    assert heard["tempo_confidence"] < 0.4
    assert heard["downbeat_confidence"] < 0.3
    assert heard["key_confidence"] < 0.5
    assert all(word in notes for word in (TEMPO, BARS, KEY))


@pytest.mark.parametrize("sound", [noise, silence, drone])
def test_a_told_tempo_is_certain_and_the_bar_line_still_a_guess(tmp_path, sound):
    take = done(tmp_path, "analyze", sound(), bpm=110.0)
    assert take["analysis"]["tempo_confidence"] == 1.0
    assert take["analysis"]["downbeat_confidence"] < 0.5
    notes = " ".join(take["notes"])
    assert TEMPO not in notes
    assert BARS in notes


def test_what_is_told_is_certain(tmp_path):
    take = done(tmp_path, "analyze", noise(), bpm=110.0, downbeat=0.0, key="D minor")
    assert take["analysis"]["tempo_confidence"] == 1.0
    assert take["analysis"]["downbeat_confidence"] == 1.0
    assert take["notes"] == []


def test_a_told_downbeat_does_not_make_the_tempo_certain(tmp_path):
    take = done(tmp_path, "analyze", noise(), downbeat=0.5)
    assert take["analysis"]["tempo_confidence"] < 0.4
    assert take["analysis"]["downbeat_confidence"] == 1.0


def test_a_clear_beat_is_no_guess_and_its_confidence_is_what_was_heard(tmp_path):
    take = done(tmp_path, "analyze", band(), rate=44_100)
    assert take["analysis"]["bpm"] == pytest.approx(110, rel=0.01)
    assert take["analysis"]["tempo_confidence"] > 0.5
    assert take["analysis"]["downbeat_confidence"] > 0.5
    assert not [n for n in take["notes"] if TEMPO in n or BARS in n]


@pytest.mark.parametrize(("told", "said"), [({}, True), ({"downbeat": 0.0}, False)])
def test_an_accompaniment_to_a_guessed_bar_line_says_so(tmp_path, told, said):
    take = done(tmp_path, "bgm", noise(4), bpm=120.0, **told)
    assert any(BARS in note for note in take["notes"]) is said


class Plain:
    """An engine that knows one confidence, or both, and remembers the request."""

    def __init__(self, **apart):
        self._apart = apart
        self.request = None

    def capabilities(self):
        return Capabilities("plain", "1", "-", frozenset(), frozenset())

    def rate_for(self, source_rate):
        return source_rate

    def listen(self, clip, rate, bpm, metre, options, port):
        return Heard(Grid.steady(bpm or 120.0), 0.3, **self._apart)

    def run(self, request, port):
        self.request = request
        for span in request.spans:
            nothing = np.zeros((span.frames + 2 * request.handle, 2), np.float32)
            port.emit(Chunk("stem:bass", span.start - request.handle, nothing))
        return Result(analysis={})


@pytest.mark.parametrize(
    ("apart", "sure"),
    [({}, (0.3, 0.3)), ({"tempo_confidence": 0.9, "downbeat_confidence": 0.4}, (0.9, 0.4))],
)
def test_the_request_says_how_sure_the_engine_was(tmp_path, apart, sure):
    engine = Plain(**apart)
    done(tmp_path, "analyze", noise(2), engine)
    asked = engine.request
    assert (asked.tempo_confidence, asked.downbeat_confidence) == sure
    assert not asked.grid_told
    done(tmp_path, "analyze", noise(2), engine, bpm=99.0)
    assert (engine.request.tempo_confidence, engine.request.downbeat_confidence) == (1.0, sure[1])


def test_a_stretched_clip_is_as_sure_as_its_own_bars_were(tmp_path):
    engine = Plain()
    take = done(tmp_path, "bgm", noise(4), engine, bpm=110.0, stretch=1)
    assert engine.request.grid_told
    assert engine.request.tempo_confidence == 0.3
    assert any(TEMPO in note for note in take["notes"])
