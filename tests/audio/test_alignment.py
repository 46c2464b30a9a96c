import numpy as np
import pytest
from audio_material import music, noise, tone
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.align import Alignment, align, coefficient

RATE = 44_100
DEEPEST = 220


def pair(x, at, frames, delay, other=None):
    """Source at `at` and new material that is `x` (or `other`) played `delay` frames late."""
    new = x if other is None else other
    first = at - DEEPEST - delay
    return x[at : at + frames], new[first : first + frames + 2 * DEEPEST]


@settings(deadline=None, max_examples=40)
@given(st.integers(-DEEPEST, DEEPEST), st.sampled_from([1, -1]), st.integers(0, 50))
def test_finds_delay_and_polarity(delay, polarity, seed):
    x = music(seed, 8000, RATE, 2)
    source, new = pair(x, 3000, 3000, delay)
    found = align([(source, new * polarity * 0.3 + 0.1)])
    assert (found.delay, found.polarity) == (delay, polarity)
    assert abs(found.correlation) > 0.99


def test_survives_noise_as_loud_as_a_third_of_the_music():
    x = music(1, 8000, RATE, 2)
    rough = x + noise(2, 8000, 2, 0.03)
    assert align([pair(x, 3000, 3000, 57, rough)]).delay == 57


def test_other_music_is_left_alone():
    for seed in range(20):
        a, b = noise(seed, 4000, 2), noise(seed + 100, 4000, 2)
        found = align([pair(a, 500, 2500, 0, b)])
        assert (found.delay, found.polarity) == (0, 1)
        assert abs(found.correlation) < 0.5


def test_a_tone_is_moved_as_little_as_possible_and_never_turned_over():
    x = tone(1000, 8000, RATE)
    found = align([pair(x, 3000, 3000, 10)])
    assert (found.delay, found.polarity) == (10, 1)
    half = tone(1000, 8000, RATE, np.pi)
    found = align([pair(x, 3000, 3000, 0, half)])
    assert found.polarity == 1
    assert abs(found.delay) == pytest.approx(22, abs=1)


def test_both_seams_vote():
    x = noise(1, 9000, 1)
    agreed = align([pair(x, 1000, 2500, 40), pair(x, 5000, 2500, 40)])
    assert agreed.delay == 40
    split = align([pair(x, 1000, 2500, 150), pair(x, 5000, 2500, -150)])
    assert split.delay in (150, -150, 0)
    assert split.correlation < 0.6


def test_nothing_to_compare():
    assert align([]) == Alignment()
    silent = np.zeros((1000, 2)), np.zeros((1000 + 2 * DEEPEST, 2))
    assert align([silent]) == Alignment()


def test_coefficient():
    a = noise(1, 5000, 2)
    assert coefficient(a, 3 * a) == pytest.approx(1)
    assert coefficient(a, -a) == pytest.approx(-1)
    assert abs(coefficient(a, noise(2, 5000, 2))) < 0.05
    assert coefficient(a, 0 * a) == 0
    weight = np.r_[np.ones(2500), np.zeros(2500)]
    b = np.concatenate([a[:2500], -a[2500:]])
    assert coefficient(a, b, weight) == pytest.approx(1)


def test_noise_does_not_make_a_tone_jump_by_a_period():
    x = tone(1000, 8000, RATE)
    found = [align([pair(x, 3000, 3000, 10, x + noise(s, 8000, 1, 0.2))]).delay for s in range(12)]
    assert set(found) <= {8, 9, 10, 11, 12}
