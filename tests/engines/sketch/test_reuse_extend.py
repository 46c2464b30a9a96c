from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listen_material import RATE, names_by_bar, song

from daemon.audio.grid import Grid, TempoPoint
from daemon.engines.sketch.listen import chords, find_grid, listen
from daemon.engines.sketch.reuse import continue_from as continuation_of


def continue_from(*args):
    made = continuation_of(*args)
    return None if made is None else made.samples


BAR = 2 * RATE  # frames of a bar at 120


@cache
def clip_and_heard(off_s=0.0, bars=8):
    clip = song(bars=bars, off_s=off_s)
    return clip, listen(clip, RATE, Grid.steady(120.0, downbeat=-off_s), downbeat_told=True)


def test_the_loop_goes_on_where_the_clip_ends():
    clip, heard = clip_and_heard()
    new = continue_from(clip, RATE, heard, 6 * BAR, 0, True, 1)
    whole = np.concatenate([clip, new])
    found = chords(whole, RATE, Grid.steady(120.0), key="C major")
    names = [
        next(c.name for c in found if c.start_s <= t < c.end_s) for t in np.arange(14) * 2 + 1.0
    ]
    assert names[8:] == ["C", "G", "Am", "F", "C", "G"]


def test_the_loop_goes_on_from_the_middle_of_it():
    clip, heard = clip_and_heard()
    part = clip[: 6 * BAR]
    new = continue_from(
        part, RATE, listen(part, RATE, heard.grid, downbeat_told=True), 4 * BAR, 0, True, 1
    )
    found = chords(np.concatenate([part, new]), RATE, heard.grid, key="C major")
    names = [
        next(c.name for c in found if c.start_s <= t < c.end_s) for t in np.arange(10) * 2 + 1.0
    ]
    assert names[6:] == ["Am", "F", "C", "G"]


@pytest.mark.parametrize(("bars", "following"), [(5, "G"), (4, "C"), (7, "F")])
def test_a_loop_that_has_hardly_come_back_is_still_continued(bars, following):
    clip, heard = clip_and_heard()
    part = clip[: bars * BAR]
    heard = listen(part, RATE, heard.grid, downbeat_told=True)
    new = continue_from(part, RATE, heard, 2 * BAR, 0, True, 1)
    found = chords(np.concatenate([part, new]), RATE, heard.grid, key="C major")
    second = 2 * bars + 1.0
    assert next(c.name for c in found if c.start_s <= second < c.end_s) == following


def test_what_leads_in_has_the_chords_that_come_before():
    clip, heard = clip_and_heard()
    new = continue_from(clip, RATE, heard, 4 * BAR, 0, False, 1)
    whole = np.concatenate([new, clip])
    again = listen(whole, RATE, Grid.steady(120.0), downbeat_told=True, key="C major")
    assert names_by_bar(again, 2.0, 8) == ["C", "G", "Am", "F"] * 2


def test_beats_stay_on_the_grid_of_the_clip():
    clip, heard = clip_and_heard()
    new = continue_from(clip, RATE, heard, 8 * BAR, 0, True, 1)
    late = (
        find_grid(new, RATE, 120.0, (4, 4))[0].downbeat
        - find_grid(clip, RATE, 120.0, (4, 4))[0].downbeat
    )
    assert abs((late + 0.25) % 0.5 - 0.25) < 0.003


@settings(deadline=None, max_examples=8)
@given(
    st.integers(1, 4 * BAR),
    st.integers(0, 4000),
    st.booleans(),
    st.sampled_from([0.0, 0.37]),
    st.integers(0, 2**31 - 1),
)
def test_lengths_are_exact_and_the_handle_is_the_clip(frames, handle, at_end, off_s, seed):
    clip, heard = clip_and_heard(off_s, 4)
    new = continue_from(clip, RATE, heard, frames, handle, at_end, seed)
    assert new.shape == (frames + 2 * handle, 2)
    assert new.dtype == np.float32
    assert np.isfinite(new).all()
    if handle and at_end:
        assert np.array_equal(new[:handle], clip[-handle:])
    elif handle:
        assert np.array_equal(new[-handle:], clip[:handle])


def test_new_material_is_the_clip_again_and_never_silent():
    clip, heard = clip_and_heard()
    new = continue_from(clip, RATE, heard, 4 * BAR, 0, True, 1)
    levels = np.sqrt(np.square(new).reshape(-1, BAR // 10, 2).mean(axis=(1, 2)))
    own = np.sqrt(np.square(clip).mean())
    assert levels.min() > 0.1 * own
    assert np.abs(new).max() <= 1.2 * np.abs(clip).max()


@pytest.mark.parametrize("seed", range(1, 7))
def test_what_follows_is_as_loud_as_what_came(seed):
    clip, heard = clip_and_heard()
    clip = np.concatenate([clip, 0.75 * clip])  # 2.5 dB
    heard = listen(clip, RATE, heard.grid, downbeat_told=True)
    new = continue_from(clip, RATE, heard, BAR, 0, True, seed)
    beside, first = clip[-BAR:], new[: BAR // 2]
    usual = (
        np.square(clip[-4 * BAR :][: BAR // 2]).mean() / np.square(clip[-5 * BAR : -4 * BAR]).mean()
    )
    ratio = np.square(first).mean() / np.square(beside).mean() / usual
    assert abs(10 * np.log10(ratio)) < 1.2


def test_a_seed_repeats_and_others_differ():
    clip, heard = clip_and_heard()
    first, same, *others = [
        continue_from(clip, RATE, heard, 8 * BAR, 0, True, seed) for seed in (5, 5, 6, 7, 8, 9)
    ]
    assert np.array_equal(first, same)
    assert any(not np.array_equal(first, other) for other in others)


def test_the_join_does_not_click():
    clip, heard = clip_and_heard(0.37)
    clip = clip[: 5 * BAR + 3217]
    heard = listen(clip, RATE, heard.grid, downbeat_told=True)
    new = continue_from(clip, RATE, heard, 2 * BAR, 0, True, 3)
    whole = np.concatenate([clip, new])
    bend = np.abs(np.diff(whole, 2, axis=0)).max(axis=1)
    at = len(clip)
    assert bend[at - 20 : at + 20].max() <= np.percentile(np.abs(np.diff(clip, 2, axis=0)), 99.9)


def test_a_ramping_tempo_is_followed():
    grid = Grid((TempoPoint(0.0, 120.0, ramp=True), TempoPoint(60.0, 90.0)))
    clip, _ = clip_and_heard()
    new = continue_from(
        clip, RATE, listen(clip, RATE, grid, downbeat_told=True), 6 * BAR, 100, True, 1
    )
    assert new.shape == (6 * BAR + 200, 2)


@pytest.mark.parametrize("frames", [0, 300, RATE])
def test_less_than_a_bar_cannot_be_continued(frames):
    clip = song(bars=1)[:frames]
    heard = listen(clip, RATE, Grid.steady(120.0), downbeat_told=True)
    assert continue_from(clip, RATE, heard, BAR, 10, True, 1) is None


def test_planning_can_be_stopped():
    class Stopped(Exception):
        pass

    def stop():
        raise Stopped

    clip, heard = clip_and_heard()
    with pytest.raises(Stopped):
        continue_from(clip, RATE, heard, BAR, 0, True, 1, stop)
