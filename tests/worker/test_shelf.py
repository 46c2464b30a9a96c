"""Windows that the worker has read are read once, as long as their file is the same."""

import os
import shutil

import numpy as np
import pytest
import soundfile

from daemon.audio.probe import probe
from daemon.core.planner import plan
from daemon.engines.base import Capabilities
from daemon.worker import clip as clip_module
from daemon.worker.clip import HELD_S, KEPT, Shelf

RATE = 8000
LONG_S = HELD_S + 5
AN_HOUR_NS = 3600 * 10**9


class Ear:
    def __init__(self, rate=RATE, in_blocks=()):
        self._rate, self._in_blocks = rate, frozenset(in_blocks)

    def capabilities(self):
        return Capabilities("ear", "1", "-", frozenset(), frozenset(), in_blocks=self._in_blocks)

    def rate_for(self, source_rate):
        return self._rate


def settled(path, age_ns=AN_HOUR_NS):
    """Have a file look as if it was written some time ago."""
    at = path.stat().st_mtime_ns - age_ns
    os.utime(path, ns=(at, at))
    return path


def written(path, seconds=4.0, level=0.1, subtype="FLOAT"):
    rng = np.random.Generator(np.random.PCG64(1))
    samples = level * rng.standard_normal((round(seconds * RATE), 2)).clip(-3, 3)
    soundfile.write(path, samples.astype(np.float32), RATE, subtype)
    return path


def work_for(path, op="bgm"):
    return plan(op, {"seed": 1, "bpm": 120.0}, probe(str(path)), 44_100)


def heard(shelf, work, window=(0, 2 * RATE), engine=None):
    return shelf.hear(engine or Ear(), work, window, lambda: None)


@pytest.fixture
def song(tmp_path):
    return settled(written(tmp_path / "a.wav"))


def test_a_window_is_read_once(song):
    shelf = Shelf()
    first = heard(shelf, work_for(song))
    assert heard(shelf, work_for(song)) is first
    assert np.array_equal(first.source[:], soundfile.read(song, 2 * RATE, dtype="float32")[0])


def test_another_window_rate_or_manner_is_another(song):
    shelf, work = Shelf(), work_for(song)
    clips = [
        heard(shelf, work),
        heard(shelf, work, (RATE, 3 * RATE)),
        heard(shelf, work, engine=Ear(11_025)),
        heard(shelf, work, engine=Ear(in_blocks=["bgm"])),
    ]
    assert len({id(clip) for clip in clips}) == 4
    assert [clip.start for clip in clips] == [0, RATE, 0, 0]
    assert [clip.engine_rate for clip in clips] == [RATE, RATE, 11_025, RATE]


@pytest.mark.parametrize("way", ["in place", "in its place"])
def test_a_file_with_the_times_and_size_of_the_old_one_is_read_anew(song, tmp_path, way):
    shelf, before = Shelf(), song.stat()
    old = heard(shelf, work_for(song))
    written(song if way == "in place" else tmp_path / "b.wav", level=0.05)
    if way == "in its place":
        shutil.move(tmp_path / "b.wav", song)
    os.utime(song, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (song.stat().st_size, song.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    new = heard(shelf, work_for(song))
    assert np.abs(new.source[:]).max() < 0.6 * np.abs(old.source[:]).max()


def test_a_file_that_was_just_written_is_not_kept(tmp_path):
    path, shelf = written(tmp_path / "a.wav"), Shelf()
    settled(path, age_ns=-AN_HOUR_NS)
    work = work_for(path)
    assert heard(shelf, work) is not heard(shelf, work)


def test_one_that_changes_while_it_is_read_is_not_kept(song, monkeypatch):
    shelf, work, read = Shelf(), work_for(song), clip_module.hear

    def changing(*args):
        clip = read(*args)
        settled(song)
        return clip

    monkeypatch.setattr(clip_module, "hear", changing)
    stale = heard(shelf, work)
    monkeypatch.setattr(clip_module, "hear", read)
    assert heard(shelf, work_for(song)) is not stale


def test_few_are_kept_and_the_last_ones(song):
    shelf, work = Shelf(), work_for(song)
    clips = [heard(shelf, work, (at, at + RATE)) for at in range(KEPT + 1)]
    assert heard(shelf, work, (1, 1 + RATE)) is clips[1]
    assert heard(shelf, work, (0, RATE)) is not clips[0]
    assert heard(shelf, work, (1, 1 + RATE)) is clips[1]
    assert heard(shelf, work, (2, 2 + RATE)) is not clips[2]


def test_their_samples_take_no_more_than_told(song):
    work, one = work_for(song), 2 * 2 * 4 * RATE  # source and stereo, float32
    shelf = Shelf(most_bytes=2 * one)
    clips = [heard(shelf, work, (at, at + RATE)) for at in range(3)]
    assert clips[0].held_bytes == one
    assert heard(shelf, work, (2, 2 + RATE)) is clips[2]
    assert heard(shelf, work, (0, RATE)) is not clips[0]
    small = Shelf(most_bytes=one - 1)
    assert heard(small, work) is not heard(small, work)


@pytest.mark.parametrize(("name", "subtype", "kept"), [("a.wav", "FLOAT", True),
                                                       ("a.ogg", "VORBIS", False)])  # fmt: skip
def test_a_long_one_is_kept_where_it_holds_nothing(tmp_path, name, subtype, kept):
    path = settled(written(tmp_path / name, LONG_S, 0.1, subtype))
    shelf, engine, work = Shelf(), Ear(in_blocks=["bgm"]), work_for(path)
    window = (0, round(LONG_S * RATE))
    first = heard(shelf, work, window, engine)
    assert (heard(shelf, work, window, engine) is first) is kept
    assert first.held_bytes == 0
