"""A window that was heard is not read again, as long as it is the same window of the same file."""

import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from bridge.protocol.errors import PunchinError
from daemon.audio import reading
from daemon.audio.probe import probe
from daemon.core.planner import plan
from daemon.worker.clip import HELD_S, Ear

RATE = 8000
WINDOW = (RATE, 3 * RATE)


class Engine:
    def __init__(self, rate=RATE):
        self._rate = rate

    def rate_for(self, source_rate):
        return self._rate

    def capabilities(self):
        return self

    in_blocks = frozenset()


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    rng = np.random.Generator(np.random.PCG64(1))
    soundfile.write(path, rng.uniform(-0.3, 0.3, (4 * RATE, 2)), RATE, "PCM_16")
    return path


@pytest.fixture
def work(song):
    return plan("cover", {"seed": 1}, probe(str(song)), RATE)


@pytest.fixture
def reads(monkeypatch):
    seen, read = [], reading.window

    def watched(source, start, end):
        seen.append((start, end))
        return read(source, start, end)

    monkeypatch.setattr(reading, "window", watched)
    return seen


def _nothing():
    pass


def test_the_same_window_is_read_once(work, reads):
    ear, engine = Ear(), Engine()
    first = ear.hear(engine, work, WINDOW, _nothing)
    again = ear.hear(engine, replace(work, seed=2, op="repaint"), WINDOW, _nothing)
    assert again is first
    assert reads == [WINDOW]


@pytest.mark.parametrize("other", ["window", "engine", "file"])
def test_another_one_is_read(work, reads, tmp_path, other):
    ear, engine, window = Ear(), Engine(), WINDOW
    ear.hear(engine, work, window, _nothing)
    if other == "window":
        window = (RATE, 2 * RATE)
    elif other == "engine":
        engine = Engine(16_000)
    else:
        path = tmp_path / "other.wav"
        soundfile.write(path, np.zeros((4 * RATE, 2)), RATE, "PCM_16")
        work = replace(work, source=probe(str(path)))
    heard = ear.hear(engine, work, window, _nothing)
    assert len(reads) == 2
    assert heard.engine_rate == (16_000 if other == "engine" else RATE)
    assert np.any(heard.source[:]) == (other != "file")


def test_a_changed_file_is_told(work, reads, song):
    ear, engine = Ear(), Engine()
    ear.hear(engine, work, WINDOW, _nothing)
    soundfile.write(song, np.zeros((RATE, 2)), RATE, "PCM_16")
    with pytest.raises(PunchinError) as told:
        ear.hear(engine, work, WINDOW, _nothing)
    assert told.value.code in (201, 202)


def test_a_touched_file_is_read_again(work, reads, song):
    ear, engine = Ear(), Engine()
    ear.hear(engine, work, WINDOW, _nothing)
    os.utime(song, ns=(0, work.source.mtime_ns + 1))
    ear.hear(engine, work, WINDOW, _nothing)
    assert reads == [WINDOW, WINDOW]


def test_a_long_window_is_not_kept(tmp_path):
    path = tmp_path / "long.wav"
    seconds = round(HELD_S) + 2
    soundfile.write(path, np.zeros((seconds * RATE, 1)), RATE, "PCM_16")
    work = plan("cover", {"seed": 1}, probe(str(path)), RATE)
    ear, engine = Ear(), Engine()
    whole = (0, seconds * RATE)
    first = ear.hear(engine, work, whole, _nothing)
    assert ear.hear(engine, work, whole, _nothing) is not first
