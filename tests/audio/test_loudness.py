import numpy as np
import pytest
import soxr
from audio_material import noise, tone

from daemon.audio import loudness
from daemon.audio.loudness import (
    SILENCE_DB,
    amplitude,
    db,
    integrated_lufs,
    oversampling,
    peaks,
    rms_db,
    true_peak_db,
)


def test_decibels():
    assert [db(1), db(0.5), db(0), db(-1)] == pytest.approx([0, -6.0206, SILENCE_DB, SILENCE_DB])
    assert amplitude(db(0.3)) == pytest.approx(0.3)
    assert rms_db(tone(1000, 48_000, 48_000)) == pytest.approx(-3.0103, abs=1e-3)
    assert rms_db(np.zeros((0, 2))) == SILENCE_DB


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_a_peak_between_the_samples_is_seen(rate):
    """A quarter-rate tone sampled at 45°: samples reach 0.707, the wave reaches 1."""
    fade = np.hanning(8000)[:, None]
    x = tone(rate / 4, 8000, rate, np.pi / 4) * fade
    assert db(np.abs(x).max()) < -3
    assert true_peak_db(x, rate) == pytest.approx(0, abs=0.05)


def test_bs1770_tolerance_for_any_phase():
    """Annex 2 tolerates +0.2 −0.4 dB below a quarter of the rate."""
    for frequency in (997, 5000, 11_000):
        for phase in (0.1, 0.9, 2.0):
            x = tone(frequency, 6000, 48_000, phase) * np.hanning(6000)[:, None]
            assert -0.4 < true_peak_db(x, 48_000) < 0.2


def test_peaks_never_lie_below_the_samples_and_blocks_leave_no_seam(monkeypatch):
    x = noise(1, 20_000, 2)
    whole = peaks(x, 48_000)
    assert (whole >= np.abs(x).max(axis=1) - 1e-7).all()
    monkeypatch.setattr(loudness, "_BLOCK", 3000)
    assert np.abs(peaks(x, 48_000) - whole).max() < 1e-3
    reference = np.abs(soxr.resample(x, 1, 16, quality="VHQ")).max()
    assert whole.max() > reference * amplitude(-0.6)


def test_oversampling_reaches_192_khz():
    assert [oversampling(r) for r in (44_100, 48_000, 96_000, 176_400, 192_000)] == [4, 4, 2, 2, 1]
    assert peaks(np.zeros((0, 2)), 48_000).shape == (0,)


def test_integrated_loudness_of_a_997_hz_tone():
    """BS.1770: 0 dBFS at 997 Hz in one front channel reads −3.01 LUFS."""
    x = np.zeros((96_000, 2))
    x[:, :1] = tone(997, 96_000, 48_000)
    assert integrated_lufs(x, 48_000) == pytest.approx(-3.01, abs=0.05)
    assert integrated_lufs(x * 0.1, 48_000) == pytest.approx(-23.01, abs=0.05)


def test_surround_is_weighted_and_the_lfe_left_out():
    x = np.zeros((48_000, 6))
    x[:, 3] = 1.0 * tone(997, 48_000, 48_000)[:, 0]
    assert integrated_lufs(x, 48_000) is None
    x[:, 4] = tone(997, 48_000, 48_000)[:, 0]
    assert integrated_lufs(x, 48_000) == pytest.approx(-3.01 + 1.49, abs=0.1)


@pytest.mark.parametrize("channels", range(1, 9))
def test_every_channel_count_and_short_or_silent_material(channels):
    x = noise(1, 48_000, channels)
    assert -40 < integrated_lufs(x, 48_000) < 0
    assert integrated_lufs(x[:19_199], 48_000) is None
    assert integrated_lufs(x[:19_200], 48_000) is not None
    assert integrated_lufs(np.zeros((48_000, channels)), 48_000) is None
