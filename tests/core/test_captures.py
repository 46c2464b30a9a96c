"""Who asked for a recording hears how it ended, however soon that is."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from bridge.protocol.errors import error
from daemon.audio.types import OutputFormat
from daemon.audio.writer import Writer
from daemon.core.capture import Captures, Microphone
from daemon.core.context import Context

FAILED = {"kind": "capture_failed", "code": 401, "message": "can't write: check the folder"}


class Player:
    """Answers a recording with `first`, what happens before its answer is here."""

    running = True

    def __init__(self):
        self.heard = self.died = lambda _told: None
        self.first = lambda _path: None

    async def ask(self, fields):
        self.first(fields["path"])
        return {}


class Studio:
    """A desk that does one by one what it is asked, and the recordings."""

    def __init__(self, folder):
        self.player, self.problems = Player(), []
        self.heard, self.waiting = [], []
        bus = SimpleNamespace(subscribers=dict)
        mic = Microphone("jack:system:*", "", 1.0, folder)
        self.captures = Captures(self, Context(), bus, mic, SimpleNamespace(state=None))

    async def ready(self):
        pass

    def later(self, work, refuse):
        self.waiting.append((work, refuse))
        if len(self.waiting) > 1:
            return

        async def run(work, refuse):
            try:
                await work()
            except Exception as problem:
                refuse(problem)

        while self.waiting:
            asyncio.run(run(*self.waiting[0]))
            self.waiting.pop(0)

    def record(self):
        listener = SimpleNamespace(key="one", send=lambda *told: self.heard.append(told))
        self.captures.command({"on": 1}, listener, self.problems.append)


@pytest.fixture
def studio(tmp_path):
    return Studio(tmp_path)


def test_a_recording_that_fails_before_its_begin_is_answered_is_told(studio):
    studio.player.first = lambda path: studio.player.heard({**FAILED, "path": path})
    studio.record()
    assert [(p.code, p.message) for p in studio.problems] == [(401, FAILED["message"])]


def test_a_player_that_dies_before_it_answers_is_told_once(studio):
    def die(_path):
        studio.player.died("exit code -9")
        raise error(402, "the player has died")

    studio.player.first = die
    studio.record()
    assert [p.code for p in studio.problems] == [402]
    assert "record again" in studio.problems[0].message


def test_a_second_recording_that_is_refused_takes_the_first_ones_news_from_nobody(studio):
    paths = []
    studio.player.first = paths.append
    studio.record()

    def busy(path):
        raise error(101, "a recording is under way: end it with /punchin/capture 0 first")

    studio.player.first = busy
    studio.record()
    studio.player.heard({"kind": "capture_cancelled", "path": paths[0]})
    assert [p.message.split(":")[0] for p in studio.problems] == [
        "a recording is under way",
        "the recording ended before it began",
    ]


def test_a_player_that_dies_leaves_no_half_a_recording(studio, tmp_path):
    paths = []
    studio.player.first = paths.append
    studio.record()
    part = tmp_path / f".{Path(paths[0]).name}.part"
    part.write_bytes(b"half")
    studio.player.died("exit code -9")
    assert [problem.code for problem in studio.problems] == [402]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("finished", [False, True])
def test_what_a_player_that_dies_has_recorded_is_kept(studio, tmp_path, finished):
    begun = {"kind": "capture_begun", "rate": 8000, "channels": 1, "start_frame": 300}
    samples = np.linspace(-1, 1, 2000, dtype=np.float32)

    def record(path):
        studio.player.heard({**begun, "path": path})
        writer = Writer(path, OutputFormat("WAV", "FLOAT", 8000, 1))
        writer.write(samples[:, None])
        if finished:  # and nobody was told; else nobody ever closes it
            writer.commit()
        studio.player.died("exit code -9")

    studio.player.first = record
    studio.record()
    ((address, path, seconds, text),) = studio.heard
    told = json.loads(text)
    assert (address, seconds) == ("/punchin/captured", 0.25)
    assert (told["frames"], told["start_frame"], told["cut"]["code"]) == (2000, 300, 402)
    assert np.array_equal(soundfile.read(path, dtype="float32")[0], samples)
    assert [p.name for p in tmp_path.iterdir()] == [Path(path).name]
    assert [(p.code, "is kept" in p.message) for p in studio.problems] == [(402, True)]
