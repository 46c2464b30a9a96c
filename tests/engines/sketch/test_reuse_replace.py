from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listen_material import RATE, names_by_bar, song

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen import listen
from daemon.engines.sketch.reuse import replace_bars

BAR = 2 * RATE


@cache
def clip_and_heard(bars=8):
    clip = song(bars=bars)
    return clip, listen(clip, RATE, Grid.steady(120.0), downbeat_told=True)


@pytest.mark.parametrize(("first", "bars"), [(2, 2), (4, 1), (0, 2), (6, 2)])
def test_replaced_bars_keep_their_chords(first, bars):
    clip, heard = clip_and_heard()
    new = replace_bars(clip, RATE, heard, first * BAR, (first + bars) * BAR, 0, 1, 0.3)
    patched = clip.copy()
    patched[first * BAR : (first + bars) * BAR] = new
    again = listen(patched, RATE, Grid.steady(120.0), downbeat_told=True)
    assert names_by_bar(again, 2.0, 8) == ["C", "G", "Am", "F"] * 2


@settings(deadline=None, max_examples=8)
@given(
    st.integers(0, 6 * BAR),
    st.integers(RATE // 100, 3 * BAR),
    st.integers(0, 4000),
    st.floats(0, 1),
    st.integers(0, 2**31 - 1),
)
def test_lengths_are_exact_and_the_region_is_never_used(start, length, handle, strength, seed):
    clip, heard = clip_and_heard()
    end = min(start + length, len(clip))
    marked = clip.copy()
    marked[start:end] = 50.0  # would be heard from afar
    new = replace_bars(marked, RATE, heard, start, end, handle, seed, strength)
    if new is not None:
        assert new.shape == (end - start + 2 * handle, 2)
        assert new.dtype == np.float32
        assert np.abs(new).max() < 2.0


def test_an_off_beat_region_stays_in_time():
    clip, heard = clip_and_heard()
    start, end = int(2.3 * BAR), int(3.8 * BAR)
    new = replace_bars(clip, RATE, heard, start, end, 0, 1, 0.0)
    lags = [
        np.vdot(clip[start + lag : end + lag - 200], new[: end - start - 200]) for lag in range(200)
    ]
    assert int(np.argmax(lags)) <= 2


def test_a_chord_that_occurs_only_there_cannot_be_reused():
    clip = song(((0, ""), (7, ""), (9, "m"), (5, ""), (0, ""), (2, "m"), (9, "m"), (5, "")), bars=8)
    heard = listen(clip, RATE, Grid.steady(120.0), downbeat_told=True)
    assert heard.chord_at(11.0) == "Dm"
    assert replace_bars(clip, RATE, heard, 5 * BAR, 6 * BAR, 0, 1, 0.3) is None
    assert replace_bars(clip, RATE, heard, 6 * BAR, 7 * BAR, 0, 1, 0.3) is not None


def test_the_level_is_that_of_the_bars_around():
    clip, heard = clip_and_heard()
    quiet = clip.copy()
    quiet[: 6 * BAR] *= 0.75
    new = replace_bars(quiet, RATE, heard, 2 * BAR, 3 * BAR, 0, 1, 0.3)
    around = np.concatenate([quiet[: 2 * BAR], quiet[3 * BAR : 5 * BAR]])
    ratio = np.sqrt(np.square(new).mean() / np.square(around).mean())
    assert ratio == pytest.approx(1.0, abs=0.08)


def test_the_same_seed_gives_the_same_samples():
    clip, heard = clip_and_heard()
    one, two = (replace_bars(clip, RATE, heard, 3 * BAR, 5 * BAR, 50, 9, 0.5) for _ in range(2))
    assert np.array_equal(one, two)


def test_seeds_and_strength_choose_among_the_bars_that_fit():
    plain, led = song(bars=4, lead=False), song(bars=4)
    clip = np.concatenate([led, plain, led])
    heard = listen(clip, RATE, Grid.steady(120.0), downbeat_told=True)

    def fill(seed, strength):
        return replace_bars(clip, RATE, heard, 9 * BAR, 10 * BAR, 0, seed, strength)

    near, far = fill(1, 0.0), fill(1, 1.0)
    own = clip[9 * BAR : 10 * BAR]
    assert np.abs(near - own).mean() < np.abs(far - own).mean()
    assert any(not np.array_equal(fill(1, 0.5), fill(seed, 0.5)) for seed in range(2, 6))


def test_takes_use_what_listening_kept_instead_of_hearing_again():
    clip, heard = clip_and_heard()

    def fill(of):
        calls = []
        args = (3 * BAR, 5 * BAR, 50, 9, 0.3, lambda: calls.append(1))
        return replace_bars(clip, RATE, of, *args), len(calls)

    kept, few = fill(heard)
    again, many = fill(replace(heard, trace=None))
    assert np.array_equal(kept, again)
    assert few < many / 2


def test_a_clip_without_a_whole_beat_has_nothing_to_reuse():
    clip = song(bars=1)[:4000]
    heard = listen(clip, RATE, Grid.steady(120.0), downbeat_told=True)
    assert replace_bars(clip, RATE, heard, 100, 1000, 10, 1, 0.3) is None
