"""Silence before and after a line says nothing about its bars."""

import numpy as np
import pytest
from engine_desk import RATE, band, voice

from daemon.engines.sketch.listen import find_grid

TUNE = [64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64, 64, 62, 62, 62]
LEAPS = [60, 64, 67, 64, 65, 69, 72, 69, 67, 71, 74, 71, 72, 67, 64, 60]
AROUND = [(1, 0), (2, 0), (3, 0), (4, 0), (7, 0), (0, 3), (2.25, 0), (3, 3)]


def downbeat(clip, bpm, bars_before=0.0, bars_after=0.0):
    """Beats from the first sound to the bar line, within a bar, and the confidence."""
    bar_s = 240 / bpm
    before, after = (
        np.zeros((round(bars * bar_s * RATE), 2), np.float32) for bars in (bars_before, bars_after)
    )
    grid, sure = find_grid(np.concatenate([before, clip, after]), RATE, bpm, (4, 4))
    return (grid.downbeat - bars_before * bar_s) / bar_s * 4, sure


def apart(a, b):
    return abs((a - b + 2) % 4 - 2)


@pytest.mark.parametrize(("bars_before", "bars_after"), AROUND)
@pytest.mark.parametrize(
    ("clip", "bpm"), [(voice(TUNE, 100), 100), (voice(TUNE), 120), (voice(LEAPS * 2, 112), 112)]
)
def test_a_voice_that_enters_late_has_the_bars_of_the_line_alone(
    clip, bpm, bars_before, bars_after
):
    alone, _ = downbeat(clip, bpm)
    late, _ = downbeat(clip, bpm, bars_before, bars_after)
    assert apart(alone, late) < 0.1


@pytest.mark.parametrize("noise_db", [None, -70])
def test_a_band_that_enters_late_begins_a_bar_where_it_enters(noise_db):
    clip = band(8)
    late = np.concatenate([np.zeros((3 * 2 * RATE, 2), np.float32), clip])
    if noise_db is not None:
        rng = np.random.Generator(np.random.PCG64(1))
        late += 10 ** (noise_db / 20) * rng.standard_normal(late.shape).astype(np.float32)
    grid, sure = find_grid(late, RATE, 120.0, (4, 4))
    assert apart(grid.downbeat / 0.5, 0) < 0.1
    assert sure > 0.8
