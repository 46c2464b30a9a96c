import numpy as np
import pytest
from audio_material import music, noise, tone
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.extrapolate import burg, extrapolate


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_tones_go_on(rate):
    x = (
        0.5 * tone(440, rate, rate)
        + 0.3 * tone(1234.5, rate, rate, 1.0)
        + 0.2 * tone(97, rate, rate)
    )
    cut = rate // 2
    more = extrapolate(x[:cut], rate // 50, rate)
    assert np.abs(more - x[cut : cut + rate // 50]).max() < 0.05


def test_channels_are_independent():
    x = np.concatenate(
        [tone(440, 9000, 44_100), tone(600, 9000, 44_100), np.zeros((9000, 1))], axis=1
    )
    more = extrapolate(x[:8000], 400, 44_100)
    alone = extrapolate(x[:8000, 1:2], 400, 44_100)
    assert np.abs(more[:, 1:2] - alone).max() < 1e-6
    assert not more[:, 2].any()


def test_joins_without_a_step():
    x = music(3, 22_050, 44_100, 1)
    more = extrapolate(x, 882, 44_100)
    joined = np.concatenate([x, more])
    corners = np.abs(np.diff(joined, 2, axis=0))
    assert corners[22_040:22_052].max() < 1.5 * np.quantile(corners[:22_000], 0.999)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 600), st.integers(0, 1000), st.sampled_from([8_000, 44_100]))
def test_never_grows(frames, seed, rate):
    x = noise(seed, frames, 1, 1.0)
    more = extrapolate(x, 2000, rate)
    assert more.shape == (2000, 1)
    assert np.isfinite(more).all()
    assert np.abs(more).max() <= 10 * np.abs(x).max(initial=0)
    assert np.abs(more[-500:]).max(initial=0) <= 2 * np.abs(x).max(initial=0)


def test_noise_dies_away():
    more = extrapolate(noise(1, 44_100), 1323, 44_100)
    assert np.sqrt(np.mean(more[400:] ** 2)) < 0.03


def test_burg_finds_a_known_model():
    a = np.array([1, -1.6, 0.95])
    rng = np.random.default_rng(1)
    x = np.zeros(50_000)
    for n, e in enumerate(rng.standard_normal(50_000)):
        x[n] = e - a[1] * x[n - 1] - a[2] * x[n - 2] if n > 1 else e
    assert burg(x, 2) == pytest.approx(a, abs=0.01)
    assert np.abs(np.roots(burg(noise(2, 200)[:, 0], 30))).max() < 1
    assert burg(np.zeros(100), 5).tolist() == [1, 0, 0, 0, 0, 0]
