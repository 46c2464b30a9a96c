"""A variation of a result changes what was new in it, and not one bit of what was kept."""

import numpy as np
import pytest
import soundfile


@pytest.fixture
def song(make_wav):
    return make_wav("song.wav", seconds=3.0)


def read(path):
    return soundfile.read(path, dtype="int32")[0]


def changed(a, b):
    """Return the first and the last frame that differ, and one more."""
    frames = np.flatnonzero(np.any(a != b, axis=1) if a.ndim > 1 else a != b)
    return int(frames[0]), int(frames[-1]) + 1


MADE = {
    "repaint": (("start", 1.0, "end", 2.0), (8000, 16000)),
    "extend": (("seconds", 1.0), (24000, 32000)),
}


@pytest.mark.parametrize("op", MADE)
def test_only_what_was_new_is_new_again(house, tcp, song, new_id, op):
    keys, (start, end) = MADE[op]
    first, second, third = new_id(), new_id(), new_id()
    tcp.done(op, first, song, *keys, "seed", 1)
    for job_id, of in ((second, first), (third, second)):
        result = tcp.done("retake", job_id, "of", of, "seed", 7)
        assert (result["region_start_frame"], result["region_end_frame"]) == (start, end)
        before, after = (read(house.path(i, "mix", 1)) for i in (first, job_id))
        assert before.shape == after.shape
        a, b = changed(before, after)
        assert start <= a
        assert b <= end
        assert b - a > 0.9 * (end - start)


def test_what_was_new_on_both_sides_is_new_again_and_nothing_between(house, tcp, song, new_id):
    first, second, third = new_id(), new_id(), new_id()
    tcp.done("extend", first, song, "seconds", 1.0, "side", "both", "takes", 2, "seed", 1)
    for job_id, of in ((second, f"{first}:2"), (third, second)):
        result = tcp.done("retake", job_id, "of", of, "seed", 7)
        assert (result["region_start_frame"], result["region_end_frame"]) == (0, 40000)
        assert result["source_frame"] == 0
        before, after = read(house.path(first, "mix", 2)), read(house.path(job_id, "mix", 1))
        assert before.shape == after.shape
        differs = np.any(before != after, axis=1) if before.ndim > 1 else before != after
        assert not differs[8000:32000].any()
        assert differs[:8000].mean() > 0.9
        assert differs[32000:].mean() > 0.9


def test_a_result_keeps_the_tempo_that_it_was_asked_for_with(house, tcp, song, new_id):
    first, second, third, told = new_id(), new_id(), new_id(), new_id()
    tcp.done("generate", first, "seconds", 3.0, "bpm", 97.0, "meter", "3/4", "key", "A minor")
    for job_id, of in ((second, first), (third, second)):
        result = tcp.done("retake", job_id, "of", of)
        assert (result["bpm"], result["meter"], result["downbeat"]) == (97.0, "3/4", 0.0)
        assert house.job(job_id)["request"]["key"] == "A minor"
        assert not any("guess" in note for note in result["notes"])
    other = tcp.done("retake", told, "of", first, "bpm", 101.0)
    assert (other["bpm"], other["meter"]) == (101.0, "4/4")
    assert house.job(told)["request"]["key"] == "A minor"


def test_bars_before_the_clip_move_with_it(house, tcp, song, new_id):
    first, second = new_id(), new_id()
    keys = ("side", "before", "seconds", 1.25, "bpm", 100.0, "downbeat", 0.5)
    assert tcp.done("extend", first, song, *keys)["downbeat"] == 1.75
    assert tcp.done("retake", second, "of", first)["downbeat"] == 1.75


def test_what_was_only_heard_is_listened_to_again(house, tcp, song, new_id):
    first, second = new_id(), new_id()
    tcp.done("repaint", first, song, "start", 1.0, "end", 2.0)
    tcp.done("retake", second, "of", first)
    assert {"bpm", "downbeat"} <= set(house.job(second)["_facts"]["heard"])


def test_an_id_in_other_letters_is_the_same_result(house, tcp, song, new_id):
    first, second = f"Mix.{new_id()}", new_id()
    tcp.done("repaint", first, song, "start", 1.0, "end", 2.0)
    tcp.done("retake", second, "of", f"{first.upper()}:1")
    assert house.job(second)["request"]["of"] == f"{first}:1"


def test_a_region_that_is_told_is_the_clip(house, tcp, song, new_id):
    first, second = new_id(), new_id()
    tcp.done("repaint", first, song, "start", 1.0, "end", 2.0)
    tcp.done("retake", second, "of", first, "start", 0.5, "end", 2.5)
    assert len(read(house.path(second, "mix", 1))) == 16000


def test_what_was_new_from_end_to_end_is_so_again(house, tcp, new_id):
    first, second = new_id(), new_id()
    tcp.done("generate", first, "seconds", 2.0, "seed", 1)
    result = tcp.done("retake", second, "of", first, "seed", 7)
    frames = soundfile.info(house.path(first, "mix", 1)).frames
    assert (result["region_start_frame"], result["region_end_frame"]) == (0, frames)
