import numpy as np
import pytest
from audio_material import music, noise, tone
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.seam import Edge, Seam, fade, fade_gains, measure

RATE = 48_000
LEAD = 2400


def seam(source, new, cut, over=True, longest=RATE):
    """The seam at frame `cut` of two signals that share their time."""
    return Seam(
        source[:cut], source[cut:] if over else None, new[cut - LEAD :], LEAD, longest, RATE
    )


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 3000), st.floats(-1, 1))
def test_gains_keep_the_power_that_the_correlation_calls_for(length, rho):
    g1, g2 = fade_gains(length, rho, np.ones(length))
    assert (g1**2 + g2**2 + 2 * max(rho, -0.9) * g1 * g2) == pytest.approx(np.ones(length))
    assert (g1 >= 0).all()
    assert (g2 >= 0).all()
    assert max(g1.max(), g2.max()) < 2.3
    if length > 400:
        assert g1[0] == pytest.approx(1, abs=1e-3)
        assert g2[0] == pytest.approx(0, abs=1e-3)
        assert g1[-1] == pytest.approx(0, abs=1e-3)
        assert g2[-1] == pytest.approx(1, abs=1e-3)


def test_identical_signals_get_linear_gains():
    g1, g2 = fade_gains(1000, 1.0, np.ones(1000))
    assert g1 + g2 == pytest.approx(np.ones(1000), abs=1e-9)


@pytest.mark.parametrize("rho", [-0.9, -0.5, 0.0, 0.5, 0.9, 1.0])
def test_power_through_a_fade_is_constant_within_a_decibel(rho):
    power = []
    for seed in range(150):
        a, b = noise(seed, 2 * RATE // 10), noise(seed + 1000, 2 * RATE // 10)
        new = rho * a + np.sqrt(1 - rho**2) * b
        where = seam(a, new, RATE // 10)
        body = new[RATE // 10 :].astype(np.float32)
        edge = fade(where, Edge(correlation=1.0), body)
        assert edge.fade == round(0.030 * RATE)
        assert edge.rho == pytest.approx(rho, abs=0.15)
        power.append(body[: edge.fade, 0] ** 2)
    level_db = 10 * np.log10(np.mean(power, axis=0).reshape(-1, 72).mean(axis=1) / 0.01)
    assert np.abs(level_db).max() < 1


def test_power_where_the_source_ends_is_constant_within_a_decibel():
    for make in (noise, lambda s, n: music(s, n, RATE, 1)):
        power = []
        for seed in range(60):
            source, new = make(seed, RATE // 4), make(seed + 500, RATE // 4)
            body = new[RATE // 8 :].astype(np.float32)
            fade(seam(source, new, RATE // 8, over=False), Edge(), body)
            power.append(body[:1440, 0] ** 2)
        level_db = 10 * np.log10(np.mean(power, axis=0).reshape(-1, 240).mean(axis=1) / 0.01)
        assert np.abs(level_db).max() < 1


def test_fades_are_longer_for_music_that_goes_on():
    a, b = music(1, RATE, RATE), music(2, RATE, RATE)
    lengths = []
    for correlation in (-0.5, 0.0, 0.5, 1.0):
        body = b[RATE // 2 :].astype(np.float32)
        lengths.append(fade(seam(a, b, RATE // 2), Edge(correlation=correlation), body).fade)
    assert lengths == [480, 480, 960, 1440]
    held, hiss = tone(300, RATE, RATE), noise(1, RATE)
    carried = [
        fade(seam(x, x, RATE // 2, over=False), Edge(), np.zeros((9000, 1), np.float32)).fade
        for x in (held, hiss)
    ]
    assert 1400 < carried[0] <= 1440
    assert 480 <= carried[1] < 600


def test_a_fade_fits_into_a_short_region():
    a, b = noise(1, RATE), noise(2, RATE)
    for longest in (0, 1, 7, 160):
        body = b[RATE // 2 : RATE // 2 + 480].astype(np.float32)
        edge = fade(seam(a, b, RATE // 2, longest=longest), Edge(correlation=1.0), body)
        assert edge.fade == longest
        assert np.array_equal(body[longest:], b[RATE // 2 + longest : RATE // 2 + 480].astype("f4"))


@pytest.mark.parametrize(
    ("new_db", "expected"), [(0, 0), (2, -2), (-2.5, 2.5), (9, -3), (-20, 3), (-50, 0)]
)
@pytest.mark.parametrize("over", [True, False])
def test_level_is_matched_within_three_decibels(new_db, expected, over):
    x = noise(1, RATE, 2, 0.1)
    edge = measure(seam(x, x * 10 ** (new_db / 20), RATE // 2, over))
    assert edge.gain_db == pytest.approx(expected, abs=0.01)
    assert edge.correlation == pytest.approx(1)


def test_silence_on_either_side_is_not_matched():
    x, quiet = noise(1, RATE, 1, 0.1), noise(2, RATE, 1, 0.0009)
    assert measure(seam(x, quiet, RATE // 2)).gain_db == 0
    assert measure(seam(quiet, x, RATE // 2)).gain_db == 0
    assert measure(seam(noise(3, RATE, 1, 0.0011), x, RATE // 2)).gain_db == -3


def test_levels_are_compared_as_they_are_heard():
    x, turn = noise(1, RATE, 2, 0.1), 2 * np.pi * np.arange(RATE) / RATE
    rumbling = x + 0.3 * np.sin(20 * turn)[:, None]
    assert abs(measure(seam(x, rumbling, RATE // 2)).gain_db) < 1
    dull = np.repeat(0.1 * np.sin(40 * turn)[:, None], 2, axis=1)
    sharp = np.repeat(0.1 * np.sin(3000 * turn)[:, None], 2, axis=1)
    assert measure(seam(dull, sharp, RATE // 2)).gain_db == -3


def test_other_music_after_the_end_is_compared_side_by_side():
    a, b = noise(1, RATE, 1, 0.1), noise(2, RATE, 1, 0.08)
    b[: RATE // 2] *= 0.01  # what lies in the handle says nothing
    edge = measure(seam(a, b, RATE // 2, over=False))
    assert edge.gain_db == pytest.approx(1.94, abs=0.2)


@pytest.mark.parametrize("over", [True, False])
def test_dc_is_measured_through_bass(over):
    bass = 0.5 * tone(41, 2 * RATE, RATE) @ np.ones((1, 2))
    other = 0.5 * tone(41, 2 * RATE, RATE, 2.0) @ np.ones((1, 2))
    edge = measure(seam(bass + [0.01, 0], other + [0, -0.02], RATE, over))
    assert edge.dc == pytest.approx((0.01, 0.02), abs=5e-4)


def test_a_trifle_of_dc_is_none():
    x = noise(1, 2 * RATE, 2)
    assert measure(seam(x, x + [9e-4, 2e-3], RATE)).dc == pytest.approx((0.0, -2e-3))


def test_dc_of_a_very_short_piece_is_left_alone():
    x = noise(1, 200, 1)
    short = Seam(x[:100], x[100:], x + 0.1, 100, 30, RATE)
    assert measure(short).dc == (0.0,)
