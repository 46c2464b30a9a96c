"""Time-stretch: length, pitch, attacks, sides, and what it must not do. Both methods."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.stretch import method_for, signalsmith, stretched
from daemon.audio.stretch.attacks import attacks

RATE = 22050
METHODS = ["wsola"]
if signalsmith.can(2):
    METHODS.append("signalsmith")
both = pytest.mark.parametrize("method", METHODS)


def _struck(seconds=4.0, every_s=0.5, hold_s=0.4, rate=RATE):
    """Plucked tones at known places, `(n, 2)`, and their frames."""
    x = np.zeros((round(seconds * rate), 2), np.float32)
    places = np.arange(0.1, seconds - hold_s, every_s)
    t = np.arange(round(hold_s * rate)) / rate
    for i, at in enumerate(places):
        tone = 0.4 * np.exp(-6 * t) * np.sin(2 * np.pi * 220 * 2 ** (i % 5 / 12) * t + 1.2)
        tone *= np.clip((hold_s - t) / 0.1, 0, 1)
        first = round(at * rate)
        x[first : first + len(t)] += tone[:, None].astype(np.float32) * [1.0, 0.5]
    return x, (places * rate).round().astype(int)


def _beginnings(y):
    """Frames where the envelope over 1 ms leaps from far below a tone to its level."""
    size = RATE // 1000
    level = np.abs(y[: len(y) // size * size, 0]).reshape(-1, size).max(axis=1)
    before = np.array(
        [level[max(0, i - 40) : max(0, i - 4)].max(initial=0) for i in range(len(level))]
    )
    leaps = np.flatnonzero((level > 0.2) & (before < 0.1))
    return leaps[np.diff(leaps, prepend=-100) > 40] * size


def test_attacks_are_found_where_they_are():
    x, places = _struck()
    found = attacks(x, RATE, 0.1, lambda: None)
    assert len(found) == len(places)
    assert np.abs(found - places).max() < 0.004 * RATE
    t = np.arange(2 * RATE) / RATE
    steady = (0.3 * np.sin(2 * np.pi * 330 * t + 1)).astype(np.float32)
    assert attacks(steady[:, None], RATE, 0.1, lambda: None).tolist() == []


@both
@pytest.mark.parametrize("ratio", [0.5, 0.8, 0.93, 1.07, 1.25, 2.0])
def test_what_is_struck_lands_on_its_place(method, ratio):
    x, places = _struck()
    found = _beginnings(stretched(x, RATE, ratio, method=method))
    assert len(found) == len(places)  # nothing is struck twice
    assert np.abs(found - places * ratio).max() < (0.001 + 0.003 * abs(ratio - 1)) * RATE


@both
@pytest.mark.parametrize("ratio", [0.75, 0.97, 1.2])
def test_a_tone_keeps_its_pitch_and_its_level(method, ratio):
    t = np.arange(4 * RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 330 * t)).astype(np.float32)
    y = stretched(np.stack([tone, tone], axis=1), RATE, ratio, method=method)[:, 0]
    inner = y[RATE // 4 : -RATE // 4]
    spectrum = np.abs(np.fft.rfft(inner * np.hanning(len(inner)), 1 << 19))
    hz = np.argmax(spectrum) * RATE / (1 << 19)
    assert abs(1200 * np.log2(hz / 330)) < 5
    assert abs(20 * np.log10(np.std(inner) / np.std(tone))) < 0.5


@both
def test_sides_stay_together(method):
    x, _ = _struck()
    rng = np.random.Generator(np.random.PCG64(5))
    x[:, 0] += rng.normal(0, 0.02, len(x)).astype(np.float32)
    x[:, 1] = -0.5 * x[:, 0]
    y = stretched(x, RATE, 1.15, method=method)
    left, right = y.T
    assert np.std(right + 0.5 * left) < 0.01 * np.std(left)


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(0, 9000),
    ratio=st.floats(0.5, 2.0),
    channels=st.integers(1, 6),
    rate=st.sampled_from([8000, 22050, 44100]),
    method=st.sampled_from(METHODS),
)
def test_the_length_is_exact_whatever_comes(n, ratio, channels, rate, method):
    method = method if channels <= 2 else None
    rng = np.random.Generator(np.random.PCG64(n))
    x = rng.uniform(-0.5, 0.5, (n, channels)).astype(np.float32)
    y = stretched(x, rate, ratio, method=method)
    assert y.shape == (round(n * ratio), channels)
    assert y.dtype == np.float32
    assert np.isfinite(y).all()
    assert np.abs(y).max(initial=0) < 2.0


@both
def test_the_same_input_gives_the_same_samples(method):
    x, _ = _struck(1.5)
    assert np.array_equal(
        stretched(x, RATE, 1.1, method=method), stretched(x, RATE, 1.1, method=method)
    )


def test_a_ratio_of_one_changes_nothing_and_gives_another_array():
    x, _ = _struck(1.0)
    y = stretched(x, RATE, 1.0)
    assert np.array_equal(x, y)
    assert not np.shares_memory(x, y)


@both
def test_silence_stays_silence(method):
    assert not stretched(np.zeros((RATE, 2), np.float32), RATE, 1.3, method=method).any()


@pytest.mark.parametrize("ratio", [0.49, 2.01, 0.0, -1.0, float("nan"), float("inf")])
def test_too_far_is_refused(ratio):
    with pytest.raises(ValueError, match="ratio"):
        stretched(np.zeros((100, 2), np.float32), RATE, ratio)


@both
def test_it_can_be_stopped(method):
    x, _ = _struck()

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stretched(x, RATE, 1.2, stop, method=method)


def test_without_the_package_and_for_many_channels_it_is_the_built_in_method(monkeypatch):
    assert method_for(6) == "wsola"
    monkeypatch.setattr(signalsmith, "find_spec", lambda name: None)
    assert method_for(2) == "wsola"
