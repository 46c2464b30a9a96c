"""Samples by frame: files, growing jobs, time lines, other rates, the loader."""

import threading
import time
import weakref

import numpy as np
import pytest
import soundfile
from deck_material import Held, noise, play
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S

from bridge.protocol.errors import PunchinError
from daemon.player.converted import Converted
from daemon.player.deck import Deck
from daemon.player.loader import Loader
from daemon.player.samples import BLOCK, FileSamples, LiveSamples, Segment, Timeline
from daemon.player.shelf import Shelf
from daemon.player.stack import Stack

RATE = 48_000


def load_all(samples, near=0):
    while samples.load(near):
        pass


@pytest.fixture
def song(tmp_path):
    data = noise(3 * BLOCK + 777)
    path = tmp_path / "song.wav"
    soundfile.write(path, data, RATE, "FLOAT")
    return str(path), data


def test_a_file_is_loaded_from_where_it_is_wanted(song):
    path, data = song
    samples = FileSamples(path)
    assert samples.ready(0, 10) == 0
    samples.load(2 * BLOCK + 5)
    assert samples.ready(2 * BLOCK + 5, 4 * BLOCK) == BLOCK - 5
    assert samples.ready(0, 10) == 0
    assert not samples.read(0, 100).any()
    load_all(samples)
    assert np.array_equal(samples.read(0, len(data)), data)
    assert samples.ready(-50, len(data) + 50) == len(data) + 100
    assert np.array_equal(samples.read(-3, 2), np.vstack([np.zeros((3, 2)), data[:2]]))
    assert not samples.read(len(data), len(data) + 9).any()


def test_a_compressed_file_is_decoded_in_order_and_exact(tmp_path):
    path = tmp_path / "song.flac"
    soundfile.write(path, noise(2 * BLOCK + 99), RATE, "PCM_16")
    samples = FileSamples(str(path))
    load_all(samples, near=BLOCK)
    assert np.array_equal(samples.read(0, samples.frames), soundfile.read(path, dtype="float32")[0])


@pytest.mark.parametrize(("name", "code"), [("gone.wav", 200), ("text.wav", 201)])
def test_what_is_no_audio_is_told(tmp_path, name, code):
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(PunchinError) as caught:
        FileSamples(str(tmp_path / name))
    assert caught.value.code == code


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(-50, 990), st.integers(1, 300)), max_size=12))
def test_what_a_job_has_made_is_there_whatever_the_order(pieces):
    data, samples = noise(1000), LiveSamples(1000, 2)
    there = np.zeros(1000, bool)
    for start, length in pieces:
        first, last = max(0, start), min(1000, start + length)
        chunk = np.zeros((length, 2), np.float32)
        if first < last:
            chunk[first - start : last - start] = data[first:last]
        samples.write(start, chunk)
        there[first : max(first, last)] = True
    for at in range(0, 1000, 97):
        gap = np.flatnonzero(~there[at:])
        known = int(gap[0]) if len(gap) else 1000 - at
        assert samples.ready(at, 1000) == known
        assert np.array_equal(samples.read(at, at + known), data[at : at + known])
    assert samples.made == there.sum()


def test_a_better_chunk_is_not_heard_before_it_is_settled():
    samples, rough, fine = LiveSamples(1000, 2), noise(1000, seed=1), noise(1000, seed=2)
    samples.write(0, rough[:600])
    samples.write(0, fine[:300])
    samples.write(600, rough[600:])
    assert np.array_equal(samples.read(0, 1000), rough)
    samples.settle()
    assert np.array_equal(samples.read(0, 1000), np.vstack([fine[:300], rough[300:]]))


def test_a_time_line_joins_kept_audio_and_new_material():
    source, new = noise(1000, seed=1), LiveSamples(200, 2)
    line = Timeline(
        [[
            Segment(0, 400, Held(source)),
            Segment(400, 600, new),
            Segment(600, 1000, Held(source), 600),
        ]],
        1000,
    )  # fmt: skip
    assert line.ready(300, 900) == 100
    made = noise(200, seed=2)
    new.write(0, made)
    assert line.ready(300, 900) == 600
    whole = np.vstack([source[:400], made, source[600:]])
    assert np.array_equal(line.read(0, 1000), whole)
    assert np.array_equal(line.read(350, 650), whole[350:650])


def test_layers_are_added_and_mono_is_heard_on_both_sides():
    a, b = noise(500, 1, seed=1), noise(500, 2, seed=2)
    line = Timeline([[Segment(0, 500, Held(a))], [Segment(100, 500, Held(b))]], 500)
    wanted = np.repeat(a, 2, axis=1)
    wanted[100:] += b[:400]
    assert np.array_equal(line.read(0, 500), wanted)


@pytest.mark.parametrize("rate_in", [44_100, 96_000, 8000])
def test_another_rate_is_converted_block_by_block_without_a_seam(rate_in):
    t = np.arange(4 * rate_in) / rate_in
    tone = (0.5 * np.sin(2 * np.pi * 440 * t))[:, None].repeat(2, 1).astype(np.float32)
    line = Timeline([[Segment(0, len(tone), Held(tone))]], len(tone))
    samples = Converted(line, rate_in, RATE)
    assert samples.frames == 4 * RATE
    load_all(samples, near=BLOCK)
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)
    found = samples.read(0, samples.frames)[:, 0]
    inside = slice(RATE // 10, -RATE // 10)
    assert np.abs(found[inside] - wanted[inside]).max() < 1e-4


def test_what_is_still_to_come_is_converted_when_it_comes():
    new = LiveSamples(44_100, 1)
    samples = Converted(Timeline([[Segment(0, 44_100, new)]], 44_100), 44_100, RATE)
    assert not samples.load(0)
    new.write(0, noise(44_100, 1))
    load_all(samples)
    assert samples.ready(0, RATE) == RATE


def test_stems_wait_for_each_other_but_not_for_one_that_is_far_behind():
    now = [0.0]
    stack = Stack(RATE * 4, RATE, lambda: now[0])
    drums, bass = (LiveSamples(RATE * 4, 2) for _ in range(2))
    stack.add(drums)
    drums.write(0, noise(1000))
    assert stack.ready(0, 500) == 0
    stack.add(bass)
    bass.write(0, noise(800))
    assert stack.ready(0, 2000) == 0
    drums.write(1000, noise(1000))
    assert stack.ready(0, 2000) == 800
    drums.write(2000, noise(RATE * 3))
    assert stack.ready(RATE * 2, RATE * 2 + 500) == 500
    late = Stack(RATE, RATE, lambda: now[0])
    late.add(vocals := LiveSamples(RATE, 2))
    vocals.write(0, noise(1000))
    assert late.ready(0, 100) == 0
    now[0] = 0.1
    assert late.ready(0, 100) == 100


def until(holds):
    pause, end_s = threading.Event(), time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end_s, "did not happen in time"
        pause.wait(0.01)


# -- the shelf and the loader ----------------------------------------------------------------------


def told(path, frames, rate=RATE, **more):
    segment = {"start": 0, "end": frames, "file": path}
    return {"id": "a", "take": 1, "role": "mix", "rate": rate, "frames": frames, "start": 0,
            "loop": [0, frames], "origin_s": 0.0, "pairs": {"mix": [[segment]]}} | more  # fmt: skip


def test_a_told_programme_plays_the_file(song):
    path, data = song
    program = Shelf().program(told(path, len(data), start=100), RATE)
    for load in program.load:
        while load(0.0):
            pass
    deck = Deck(RATE, 2)
    deck.play(program)
    heard = play(deck, 20_000)
    fade = round(0.008 * RATE)
    assert np.array_equal(heard[fade:], data[100 : 100 + 20_000 - fade])


def test_a_file_that_has_become_shorter_is_told(song):
    path, data = song
    soundfile.write(path, data[:500], RATE, "FLOAT")
    with pytest.raises(PunchinError, match="shorter") as problem:
        Shelf().program(told(path, len(data)), RATE)
    assert problem.value.code == 202


def test_a_file_that_has_changed_is_read_again(song):
    path, data = song
    shelf = Shelf()
    first = shelf.file(path)
    assert shelf.file(path) is first
    soundfile.write(path, data[:500], RATE, "FLOAT")
    assert shelf.file(path).frames == 500


def test_files_that_were_heard_long_ago_are_forgotten_and_what_plays_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr("daemon.player.shelf._MOST_KEPT", 2 * 1000 * 2 * 4)
    paths = [str(tmp_path / f"{n}.wav") for n in range(4)]
    for path in paths:
        soundfile.write(path, noise(1000), RATE, "FLOAT")
    shelf = Shelf()
    plays, old = shelf.file(paths[0]), weakref.ref(shelf.file(paths[1]))
    later = [weakref.ref(shelf.file(path)) for path in paths[2:]]
    assert old() is None
    assert all(file() for file in later)
    assert shelf.file(paths[0]) is plays


def test_the_loader_lets_go_of_what_it_has_loaded(song):
    path, data = song
    shelf, loader = Shelf(), Loader(lambda _problem: None)
    try:
        program = shelf.program(told(path, len(data)), RATE)
        loader.want(program, 0)
        until(lambda: not loader._wanted)
        assert program.ready(0, len(data), ("mix",)) == len(data)
    finally:
        loader.close()


def test_the_loader_brings_all_and_tells_trouble(song, tmp_path):
    path, data = song
    heard, done = [], threading.Event()
    loader = Loader(lambda problem: (heard.append(problem), done.set()))
    program = Shelf().program(told(path, len(data), rate=44_100), RATE)
    other = tmp_path / "other.wav"
    soundfile.write(other, np.full((1000, 2), np.nan), RATE, "FLOAT")
    broken = Shelf().program(told(str(other), 1000), RATE)
    try:
        loader.want(program, 0)
        loader.want(broken, 0)
        assert done.wait(PATIENCE_S)
        assert heard[0].code == 201
        until(lambda: program.ready(0, program.frames, ("mix",)) == program.frames)
    finally:
        loader.close()
