import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.quantise import quantise, recast
from daemon.audio.types import OutputFormat


def fmt(subtype, channels=1):
    return OutputFormat("WAV", subtype, 48_000, channels)


def rng(seed=7):
    return np.random.Generator(np.random.PCG64(seed))


def test_dither_makes_the_error_independent_of_the_signal():
    levels = np.repeat(np.linspace(0.05, 0.95, 10), 40_000) / 32768
    out, _ = quantise(levels[:, None], fmt("PCM_16"), rng())
    error = (out[:, 0] - levels * 32768).reshape(10, -1)
    assert np.abs(error.mean(axis=1)).max() < 0.02
    # Rounding (1/12) after TPDF of ±1 LSB (2/12): a quarter of an LSB squared, at every level.
    assert np.abs(error.var(axis=1) - 0.25).max() < 0.01
    assert np.abs(error).max() <= 1.5


def test_same_seed_same_samples():
    x = np.random.default_rng(1).standard_normal((1000, 2)) * 0.1
    first, again, other = (quantise(x, fmt("PCM_16", 2), rng(s))[0] for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_samples_on_the_grid_are_not_dithered():
    x = np.random.default_rng(1).integers(-32768, 32767, (5000, 2), np.int16)
    out, clipped = quantise((x / 32768).astype(np.float32), fmt("PCM_16", 2), rng())
    assert np.array_equal(out, x)
    assert clipped == 0
    assert not quantise(np.zeros((100, 2), np.float32), fmt("PCM_16", 2), rng())[0].any()


@pytest.mark.parametrize(("subtype", "depth"), [("PCM_24", 24), ("PCM_32", 32)])
def test_no_dither_where_float32_is_no_finer(subtype, depth):
    x = (np.random.default_rng(1).standard_normal((5000, 1)) * 0.1).astype(np.float32)
    out, _ = quantise(x, fmt(subtype), rng())
    assert np.array_equal(out, np.rint(x.astype(np.float64) * 2 ** (depth - 1)) * 2 ** (32 - depth))


@pytest.mark.parametrize(
    ("subtype", "top", "bottom"),
    [
        ("PCM_U8", 127 << 8, -128 << 8),
        ("PCM_16", 32767, -32768),
        ("PCM_24", ((1 << 23) - 1) << 8, -(1 << 31)),
        ("PCM_32", (1 << 31) - 1, -(1 << 31)),
    ],
)
def test_clipping_is_counted_and_never_wraps(subtype, top, bottom):
    x = np.array([[1.5], [-1.5], [0.0], [1.0]])
    out, clipped = quantise(x, fmt(subtype), None)
    assert out[:, 0].tolist() == [top, bottom, 0, top]
    assert clipped == 3
    assert recast(x, fmt(subtype))[1] == 3


def test_float_formats_keep_what_is_above_full_scale():
    x = np.array([[3.0], [-7.5]], np.float32)
    for subtype, dtype in (("FLOAT", "float32"), ("DOUBLE", "float64")):
        out, clipped = quantise(x, fmt(subtype), rng())
        assert (out.dtype, clipped) == (dtype, 0)
        assert np.array_equal(out, x)


def test_eight_bits_are_dithered_and_lie_in_the_upper_byte():
    x = np.random.default_rng(2).standard_normal((2000, 1)) * 0.1
    out, _ = quantise(x, fmt("PCM_U8"), rng())
    plain, _ = quantise(x, fmt("PCM_U8"), None)
    assert not (out & 0xFF).any()
    assert not np.array_equal(out, plain)


def test_kept_audio_is_rounded_without_dither():
    x = np.array([[1 << 16], [(1 << 15) + (1 << 8)], [-(1 << 15) - (1 << 8)], [1 << 8]], np.int32)
    out, _ = recast(x, fmt("PCM_16"))
    assert out[:, 0].tolist() == [1, 1, -1, 0]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]),
    st.sampled_from(["int16", "int32", "float32", "float64"]),
    st.integers(0, 2**31),
)
def test_recast_is_within_half_a_step(subtype, dtype, seed):
    draw = np.random.default_rng(seed)
    if dtype.startswith("int"):
        limits = np.iinfo(dtype)
        x = draw.integers(limits.min, limits.max, (50, 2), dtype, endpoint=True)
        values = x / -float(limits.min)
    else:
        x = draw.uniform(-1, 1, (50, 2)).astype(dtype)
        values = x.astype(np.float64)
    out, _ = recast(x, fmt(subtype, 2))
    scale = 1.0 if out.dtype.kind == "f" else -float(np.iinfo(out.dtype).min)
    step = {"PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-31, "FLOAT": 2**-23}.get(subtype, 0)
    limit = step if np.any(np.abs(values) > 1 - step) else step / 2
    assert np.abs(out / scale - values).max() <= limit
