import math

import numpy as np
import pytest
from audio_material import lag_frames, noise, sweep, tone
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.resample import (
    at_or_after,
    at_or_before,
    convert,
    cut,
    engine_span,
    handle_frames,
    resample,
)

RATES = (8_000, 22_050, 44_100, 44_101, 48_000, 88_200, 96_000, 192_000)
PAIRS = [(a, b) for a in RATES for b in (44_100, 48_000) if a != b]


def there_and_back(x, rate, engine_rate, start, end, origin=0):
    """Take frames `[start, end)` of `x` through an engine that hands back what it hears.

    `origin` is where the engine's clip begins in `x`.
    """
    clip = resample(x[origin:], rate, engine_rate)
    first, last = engine_span(start - origin, end - origin, rate, engine_rate)
    handle = handle_frames(engine_rate)
    made_from = max(0, first - handle)
    made = clip[made_from : last + handle]
    return cut(made, made_from, engine_rate, rate, start - origin, end - origin)


@pytest.mark.parametrize(("rate", "engine_rate"), PAIRS)
def test_an_impulse_returns_to_its_place_with_a_flat_passband(rate, engine_rate):
    x = np.zeros((rate, 1))
    at = rate // 2 + 7
    x[at] = 1.0
    start, end = rate // 4 + 3, rate // 4 * 3 + 1
    y = there_and_back(x, rate, engine_rate, start, end, origin=11)
    assert y.shape == (end - start, 1)
    lower = min(rate, engine_rate)
    assert abs(lag_frames(x[start:end], y)) < 0.01
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(y[:, 0])))
    hertz = np.fft.rfftfreq(len(y), 1 / rate)
    assert np.abs(gain_db[hertz <= 0.45 * lower]).max() < 0.05
    assert gain_db[hertz > 0.56 * lower].max(initial=-200) < -80


@pytest.mark.parametrize(("rate", "engine_rate"), PAIRS)
def test_a_sweep_returns_as_it_was(rate, engine_rate):
    x = sweep(rate, rate, 40, 0.44 * min(rate, engine_rate))
    start, end = 1234, rate - 1111
    y = there_and_back(x, rate, engine_rate, start, end, origin=101)
    assert abs(lag_frames(x[start:end], y)) < 0.01
    assert np.abs(y - x[start:end]).max() < 2e-4


@pytest.mark.parametrize(
    ("rate_in", "rate_out"), [(44_100, 48_000), (44_101, 48_000), (8_000, 44_100)]
)
def test_convert_puts_every_frame_at_its_time(rate_in, rate_out):
    frequency = 0.2 * min(rate_in, rate_out)
    for start in (0, 1, 12_345, -777):
        t = (start + np.arange(rate_in)) / rate_in
        y, first = convert(np.sin(2 * np.pi * frequency * t)[:, None], start, rate_in, rate_out)
        expected = np.sin(2 * np.pi * frequency * (first + np.arange(len(y))) / rate_out)
        edge = rate_out // 20
        assert 0 <= first / rate_out - start / rate_in < 1 / rate_out
        assert np.abs(y[:, 0] - expected)[edge:-edge].max() < 2e-5


def test_same_rate_is_the_same_samples():
    x = noise(1, 1000, 2).astype(np.float32)
    assert np.array_equal(resample(x, 44_100, 44_100), x)
    assert np.array_equal(cut(x, -100, 44_100, 44_100, 0, 500), x[100:600])


def test_cut_beyond_the_material_is_silent():
    x = np.ones((48_000, 1), np.float32)
    y = cut(x, 0, 48_000, 44_100, -500, 50_000)
    assert y.shape == (50_500, 1)
    assert not y[:400].any()
    assert not y[-5000:].any()
    assert np.abs(y[2000:40_000] - 1).max() < 1e-4
    assert not cut(x, 0, 48_000, 44_100, 90_000, 91_000).any()


def test_channels_are_resampled_alike():
    mono = noise(3, 5000, 1)
    y = resample(np.repeat(mono, 6, axis=1), 44_100, 48_000)
    assert (y == y[:, :1]).all()
    assert y.dtype == np.float32


def test_new_material_above_the_lower_rate_is_empty():
    high = tone(18_000, 48_000, 48_000)
    assert np.abs(resample(high, 48_000, 22_050)[2000:-2000]).max() < 1e-4


def test_tiny_inputs():
    for frames in range(6):
        assert resample(np.ones((frames, 2)), 44_100, 48_000).shape == (
            round(frames * 160 / 147),
            2,
        )


@settings(deadline=None, max_examples=200)
@given(st.integers(-(10**9), 10**9), st.integers(8000, 192_000), st.integers(8000, 192_000))
def test_frames_of_two_rates_bracket_each_other(frame, rate_in, rate_out):
    before = at_or_before(frame, rate_in, rate_out)
    after = at_or_after(frame, rate_in, rate_out)
    assert before * rate_in <= frame * rate_out <= after * rate_in
    assert after - before == (0 if frame * rate_out % rate_in == 0 else 1)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(RATES), st.sampled_from(RATES), st.integers(0, 3000), st.integers(1, 2000))
def test_any_region_comes_back_in_its_exact_length(rate, engine_rate, start, length):
    x = sweep(8000, rate, 20, 0.2 * min(rate, engine_rate))
    y = there_and_back(x, rate, engine_rate, start, start + length)
    assert y.shape == (length, 1)
    assert np.abs(y - x[start : start + length]).max() < 1e-4


def test_handles_hold_what_filters_and_splice_need():
    for rate in RATES:
        assert handle_frames(rate) == math.ceil(0.12 * rate)
