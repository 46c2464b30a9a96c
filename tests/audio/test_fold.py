import numpy as np
import pytest
from audio_material import music, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.channels import Fold


def f32(x):
    return x.astype(np.float32)


def rms(x):
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def test_mono_goes_in_twice_and_comes_back_exactly():
    x = f32(noise(1, 1000, 1))
    fold = Fold.fit(x)
    y = fold.stereo(x)
    assert y.shape == (1000, 2)
    assert y.dtype == np.float32
    assert np.array_equal(y[:, 0], y[:, 1])
    assert np.array_equal(fold.back(y), x)


@pytest.mark.parametrize("rho", [1.0, 0.5, 0.0])
def test_mono_is_the_mean_raised_to_the_sides_level(rho):
    a, b = noise(1, 50_000)[:, 0], noise(2, 50_000)[:, 0]
    y = f32(np.stack([a, rho * a + np.sqrt(1 - rho**2) * b], axis=1))
    x = Fold.fit(f32(noise(3, 100, 1))).back(y)
    assert x.shape == (50_000, 1)
    assert abs(20 * np.log10(rms(x) / rms(y))) < 0.05
    mean = y.mean(axis=1)
    assert np.corrcoef(x[:, 0], mean)[0, 1] > 0.999_999


def test_mono_of_opposite_sides_is_raised_by_no_more_than_3_db():
    y = f32(noise(1, 1000, 2)) * np.float32([1, -1]) + np.float32(0)
    y[:, 1] = -y[:, 0] * 0.9
    x = Fold.fit(f32(noise(3, 100, 1))).back(y)
    assert rms(x) <= np.sqrt(2) * rms(y.mean(axis=1)) * 1.0001


def test_stereo_passes():
    x = f32(noise(1, 1000, 2))
    fold = Fold.fit(x)
    assert np.array_equal(fold.stereo(x), x)
    assert np.array_equal(fold.back(x), x)


def test_identical_sides_stay_identical_to_the_bit():
    x = f32(np.repeat(noise(1, 1000, 1), 2, axis=1))
    made = f32(noise(2, 1000, 2))
    back = Fold.fit(x).back(made)
    assert np.array_equal(back[:, 0], back[:, 1])
    assert np.any(back)
    x[500, 1] += np.float32(1e-4)
    assert np.array_equal(Fold.fit(x).back(made), made)


def test_silence_does_not_count_as_identical_sides():
    made = f32(noise(2, 1000, 2))
    assert np.array_equal(Fold.fit(np.zeros((100, 2), np.float32)).back(made), made)


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("peak", [1.0, 1.01, 3.9, 700.0])
def test_above_full_scale_is_scaled_and_never_clipped(channels, peak):
    x = f32(noise(1, 5000, channels))
    x *= np.float32(peak) / np.abs(x).max()
    fold = Fold.fit(x)
    y = fold.stereo(x)
    assert np.abs(y).max() <= 1
    assert fold.gain == 2.0 ** round(np.log2(fold.gain)) <= 1
    if channels <= 2:
        assert np.array_equal(fold.back(y), x)


@pytest.mark.parametrize(
    ("channels", "name", "left", "right"),
    [
        (3, "C", 0.7071, 0.7071),
        (4, "Ls", 0.7071, 0),
        (5, "C", 0.7071, 0.7071),
        (6, "C", 0.7071, 0.7071),
        (6, "LFE", 0, 0),
        (6, "Rs", 0, 0.7071),
        (7, "Cs", 0.5, 0.5),
        (8, "Rss", 0, 0.7071),
    ],
)
def test_downmix(channels, name, left, right):
    order = {
        3: "L R C",
        4: "L R Ls Rs",
        5: "L R C Ls Rs",
        6: "L R C LFE Ls Rs",
        7: "L R C LFE Cs Ls Rs",
        8: "L R C LFE Ls Rs Lss Rss",
    }
    x = np.zeros((4, channels), np.float32)
    x[1, order[channels].split().index(name)] = 0.5
    y = Fold.fit(f32(noise(1, 500, channels))).stereo(x)
    fold = Fold.fit(f32(noise(1, 500, channels)))
    assert y[1] / fold.gain == pytest.approx([left * 0.5, right * 0.5], abs=1e-4)
    assert not y[[0, 2, 3]].any()


def surround(seed, frames):
    """5.1 made of two sources: what a 2 × 6 matrix can tell apart."""
    dry = music(seed, frames, 48_000, 2)
    mix = np.array([[1, 0, 0.4, 0, 0.5, 0], [0, 1, 0.4, 0, 0, 0.5]])
    return f32(dry @ mix)


def test_least_squares_returns_what_two_sides_can_carry():
    x = surround(1, 20_000)
    x[:, 3] = noise(5, 20_000)[:, 0]
    fold = Fold.fit(x)
    assert fold.kept == (3,)
    back = fold.back(fold.stereo(x), x)
    assert np.abs(back - x).max() < 1e-4
    assert np.array_equal(back[:, 3], x[:, 3])
    assert not fold.back(fold.stereo(x))[:, 3].any()


def test_no_other_matrix_fits_the_context_better():
    x = music(2, 20_000, 48_000, 6)
    x[:, 3] = 0
    fold = Fold.fit(f32(x))
    side = x @ fold.down
    best = np.sum((side @ fold.up - x) ** 2)
    rng = np.random.default_rng(1)
    for _ in range(20):
        other = fold.up + rng.standard_normal(fold.up.shape) * 0.01
        other[:, 3] = 0
        assert np.sum((side @ other - x) ** 2) > best


def test_silent_channels_are_kept():
    x = surround(1, 10_000)
    x[:, 4] = noise(1, 10_000)[:, 0] * 1e-5
    fold = Fold.fit(x)
    assert fold.kept == (3, 4)
    source = surround(9, 10_000)
    back = fold.back(f32(noise(1, 10_000, 2)), source)
    assert np.array_equal(back[:, [3, 4]], source[:, [3, 4]])
    assert back[:, [0, 1, 2, 5]].any(axis=0).all()


def test_a_silent_context_falls_back_to_the_downmix():
    fold = Fold.fit(np.zeros((1000, 6), np.float32))
    assert fold.kept == (3,)
    made = f32(noise(1, 1000, 2))
    back = fold.back(made)
    assert np.abs(back @ fold.down - made).max() < 1e-6


def test_centre_only_context():
    x = np.zeros((5000, 6), np.float32)
    x[:, 2] = noise(1, 5000)[:, 0]
    fold = Fold.fit(x)
    assert np.abs(fold.back(fold.stereo(x), x) - x).max() < 1e-5


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.integers(0, 1000), st.floats(-100, 20))
def test_any_material_stays_finite_and_in_shape(channels, seed, level_db):
    x = f32(noise(seed, 300, channels) * 10 ** (level_db / 20))
    fold = Fold.fit(x)
    y = fold.stereo(x)
    back = fold.back(y, x)
    assert y.shape == (300, 2)
    assert back.shape == x.shape
    assert np.isfinite(y).all()
    assert np.isfinite(back).all()
    assert np.abs(y).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_the_linear_way_back_sums_and_knows_what_it_loses(channels):
    x = f32(noise(1, 3000, channels) * (4.0 if channels != 3 else 1.0))
    fold = Fold.fit(x)
    heard = fold.stereo(x)
    parts = [f32(heard * [0.3, 0.8]), f32(heard * [0.7, 0.2])]
    total = sum(fold.back_linear(part) for part in parts) + fold.missed(x)
    assert total.shape == x.shape
    assert np.abs(total - x).max() < 1e-5
    blocks = [fold.back_linear(parts[0][at : at + 700]) for at in range(0, 3000, 700)]
    assert np.allclose(np.concatenate(blocks), fold.back_linear(parts[0]), atol=1e-6)
    assert np.abs(fold.missed(x)).max() < 1e-6 or channels > 2


def test_a_stem_for_surround_folds_to_itself_again():
    x = f32(music(1, 8000, 8000, 6, 0.1))
    fold = Fold.fit(x)
    stem = f32(noise(2, 8000, 2))
    assert np.abs(fold.stereo(fold.back_linear(stem)) - stem).max() < 1e-4
