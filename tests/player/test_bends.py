"""A song whose tempo bends and is told: it is followed as surely as one whose tempo is steady."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.player.transport import Follower

BEND_S, STEADY_S, END_S = 4.0, 10.0, 14.0  # the tempo bends between the first two


def bent(bpm, by, t):
    """Beat and tempo at a time; `by` in bpm a second."""
    u = min(max(0.0, t - BEND_S), STEADY_S - BEND_S)
    after = max(0.0, t - STEADY_S)
    beat = t * bpm / 60 + by * u * u / 120 + by * (STEADY_S - BEND_S) * after / 60
    return beat, bpm + by * u


def errors_ms(seed, by, rate_hz, bpm=120.0, digits=6, held_s=0.0):
    """How far the followed song lies before (+) or behind (-) the true one, from 2 s on.

    Messages are some 2 ms late, one in fifteen up to `held_s`, and then holds up those behind it.
    """
    rng, follower = np.random.Generator(np.random.PCG64(seed)), Follower()
    sent_s = np.arange(0.0, END_S, 1 / rate_hz)
    late_s = np.abs(rng.normal(0, 0.002, len(sent_s)))
    late_s += rng.uniform(0.0, held_s, len(sent_s)) * (rng.random(len(sent_s)) < 1 / 15)
    came_s = np.maximum.accumulate(sent_s + late_s)
    off = []
    for sent, came, until in zip(sent_s, came_s, [*came_s[1:], END_S], strict=True):
        beat, tempo = bent(bpm, by, sent)
        follower.whole(came, True, beat, round(tempo, digits))
        for t in np.arange(max(2.0, came), until, 0.02):
            true, tempo = bent(bpm, by, t)
            off.append((follower.line.beat_at(t) - true) * 60_000 / tempo)
    return np.array(off)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    by=st.floats(-4, 4),
    rate_hz=st.sampled_from([10, 20, 30]),
    bpm=st.floats(80, 180),
)
def test_a_bend_is_followed_within_two_ms(seed, by, rate_hz, bpm):
    """Where each message counted alone, it would be as late as that message: 5 ms and more."""
    assert np.abs(errors_ms(seed, by, rate_hz, bpm)).max() < 2.0


@pytest.mark.parametrize("by", [4.0, -4.0])
@pytest.mark.parametrize("digits", [0, 1, 6])
@pytest.mark.parametrize("seed", range(4))
def test_messages_that_are_held_up_move_a_bend_little(seed, digits, by):
    off = errors_ms(seed, by, 25, digits=digits, held_s=0.03)
    assert np.percentile(np.abs(off), 99) < 3.0


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), rate_hz=st.sampled_from([10, 20, 30]), bpm=st.floats(80, 180))
def test_a_steady_tempo_is_followed_within_a_millisecond_and_a_half(seed, rate_hz, bpm):
    off = errors_ms(seed, 0.0, rate_hz, bpm)
    assert np.abs(off).max() < 1.5


def test_a_tempo_that_jumps_begins_anew():
    """Nothing is known of when it jumped, so what was seen before tells nothing."""
    follower = Follower()
    for i in range(100):
        follower.whole(i * 0.05, True, i * 0.1, 120.0)
    follower.whole(5.0, True, 10.0, 125.0)
    assert len(follower._seen) == 1
    assert (follower.line.beat_at(5.0), follower.line.bpm) == (10.0, 125.0)
