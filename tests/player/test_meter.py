"""Level and true peak of what was played."""

import numpy as np
import pytest
import soxr

from daemon.player.meter import FLOOR_DB, Meter

RATE = 48_000


def taken(samples, block=777, reads=False, rate=RATE):
    meter = Meter(rate, samples.shape[1])
    for at in range(0, len(samples), block):
        meter.take(samples[at : at + block])
        if reads:
            meter.read()
    return meter.read()


def tone(seconds, level=1.0):
    """A quarter of the rate, its samples 45 degrees beside its peaks, which lie 3 dB higher."""
    n = np.arange(round(seconds * RATE))
    wave = level * np.sin(np.pi / 2 * n + np.pi / 4) * np.hanning(len(n)) ** 0.05
    return np.stack([wave, wave], axis=1).astype(np.float32)


def test_the_peak_between_samples_is_found():
    told = taken(tone(2.0))
    assert told["true_peak_db"] == pytest.approx(0.0, abs=0.1)


def test_rms_is_of_the_last_third_of_a_second():
    loud, soft = np.full((RATE, 2), 0.5, np.float32), np.full((RATE // 2, 2), 0.05, np.float32)
    assert taken(np.concatenate([loud, soft]))["rms_db"] == pytest.approx(-26.02, abs=0.01)


def test_silence_is_the_floor():
    assert taken(np.zeros((RATE, 2), np.float32)) == {"rms_db": FLOOR_DB, "true_peak_db": FLOOR_DB}
    assert Meter(RATE, 2).read() == {"rms_db": FLOOR_DB, "true_peak_db": FLOOR_DB}


@pytest.mark.parametrize(
    ("block", "rate"), [(64, 8000), (1000, RATE), (20_000, RATE), (200_000, RATE)]
)
def test_how_often_it_is_read_changes_nothing(block, rate):
    noise = np.random.Generator(np.random.PCG64(3)).normal(0, 0.1, (5 * rate + 99, 2))
    noise = noise.astype(np.float32)
    often, once = taken(noise, block, True, rate), taken(noise, block, rate=rate)
    assert often == once
    slice_frames = rate // 10
    whole = soxr.resample(noise[-(3 * rate) // slice_frames * slice_frames :], 1, 4, quality="HQ")
    true_peak_db = 20 * np.log10(np.abs(whole).max())
    assert once["true_peak_db"] == pytest.approx(true_peak_db, abs=0.05)


def test_a_peak_is_forgotten_after_three_seconds():
    loud, soft = tone(0.2), tone(3.2, level=0.1)
    told = taken(np.concatenate([loud, soft]), reads=True)
    assert told["true_peak_db"] == pytest.approx(-20.0, abs=0.1)
    told = taken(np.concatenate([loud, soft[: 2 * RATE]]), reads=True)
    assert told["true_peak_db"] == pytest.approx(0.0, abs=0.1)
