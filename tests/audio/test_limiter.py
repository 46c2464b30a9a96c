import numpy as np
import pytest
from audio_material import music, noise, tone
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio import limiter
from daemon.audio.limiter import dips, gain_curve, limit
from daemon.audio.loudness import true_peak


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("level", [0.1, 0.4, 2.0])
def test_true_peak_stays_below_the_ceiling(rate, level):
    x = music(1, rate, rate, 2, level)
    y = limit(x, rate, 0.5)
    assert true_peak(y, rate) <= 0.5 * 1.003
    assert y.dtype == np.float32


def test_what_fits_is_not_touched():
    x = noise(1, 10_000, 2).astype(np.float32)
    assert np.array_equal(limit(x, 48_000, float(np.abs(x).max()) * 2), x)


def test_one_peak_lowers_its_surroundings_only():
    x = noise(1, 48_000, 2, 0.01)
    x[20_000] = 1.0
    gain = gain_curve(x, 48_000, 0.25)
    assert gain.min() == pytest.approx(0.25, rel=0.01)
    assert (gain[: 20_000 - 300] == 1).all()
    assert (gain[20_000 + 4000 :] == 1).all()
    assert np.abs(np.diff(gain)).max() < 0.01


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 4000), st.integers(0, 1000), st.floats(0.1, 3))
def test_pinned_ends_have_a_gain_of_exactly_one(frames, seed, loud):
    tops = np.abs(np.random.default_rng(seed).standard_normal(frames)) * loud
    for pinned in ((True, True), (True, False), (False, True)):
        gain = dips(tops, 48_000, pinned)
        assert gain.shape == (frames,)
        assert ((gain >= 0) & (gain <= 1)).all()
        assert gain[0] == 1 or not pinned[0]
        assert gain[-1] == 1 or not pinned[1]
    assert (tops * dips(tops, 48_000) <= 1 + 1e-9).all()


def test_pinned_dips_still_hold_every_peak_but_the_last_frames():
    tops = np.full(1000, 2.0)
    gain = dips(tops, 48_000, (True, True))
    assert gain[0] == gain[-1] == 1
    assert (gain[2:-3] <= 0.5).all()


def test_sample_ceiling():
    x = np.zeros((4000, 1))
    x[2000] = 0.9
    gain = gain_curve(x, 48_000, 2.0, sample_ceiling=0.3)
    assert np.abs(x * gain[:, None]).max() <= 0.3 * 1.001


def test_only_the_inside_is_changed():
    x = np.ones((1000, 1))
    gain = gain_curve(x, 48_000, 0.5, inside=slice(300, 700))
    assert gain.shape == (400,)
    assert gain.max() <= 0.51


def test_a_peak_close_to_a_pinned_end_is_led_into_without_a_step():
    for at in (60, 1000 - 61):
        tops = np.full(1000, 0.5)
        tops[at] = 4.0
        gain = dips(tops, 48_000, (True, True))
        assert gain[at] <= 0.25
        assert np.abs(np.diff(gain)).max() < 0.03


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_dense_peaks_are_held_between_the_samples_too(rate):
    hard = tone(rate / 4, 24_000, rate, np.pi / 4)
    hard[::50] *= 3
    for x in (noise(1, 24_000, 1, 1.5), hard, 3 * hard):
        assert true_peak(limit(x, rate, 0.5), rate) <= 0.5 * 1.001


def test_thousands_of_equal_peaks_share_one_dip(monkeypatch):
    calls = []
    dip = limiter._dip
    monkeypatch.setattr(limiter, "_dip", lambda *a: calls.append(a) or dip(*a))
    tops = np.tile([2.0, 0.1], 50_000)
    assert (tops * dips(tops, 48_000)).max() <= 1
    assert len(calls) < 10
