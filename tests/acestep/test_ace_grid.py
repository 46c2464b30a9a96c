"""The ruler reads what was laid down; music off the beat is brought onto it, all else is left."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import HANDLE, RATE  # noqa: E402

from daemon.audio.grid import Grid  # noqa: E402
from daemon.engines.acestep.grid.correct import beat_of, beside, measured, on_the_beat  # noqa: E402
from daemon.engines.acestep.grid.onsets import onsets  # noqa: E402

GRID = Grid.steady(120.0)
CLIP_S, SPAN_S = 20.0, (8.0, 14.0)
SPAN = tuple(round(s * RATE) for s in SPAN_S)


def _stroke(kind, rng):
    t = np.arange(4_800) / RATE
    if kind == "noise":
        return 0.3 * rng.standard_normal(len(t)) * np.exp(-t * 60)
    if kind == "kick":
        return 0.6 * np.sin(2 * np.pi * (60 * t + 8 * np.exp(-t * 40))) * np.exp(-t * 60)
    tone = sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 8))
    return 0.2 * tone * np.exp(-t * 60) * np.minimum(1, t / 0.003)


def _played(times, seconds=CLIP_S, seed=1, kinds=("noise", "kick", "pluck")):
    rng = np.random.Generator(np.random.PCG64(seed))
    out = 0.001 * rng.standard_normal(round(seconds * RATE))
    for number, time in enumerate(times):
        at, stroke = round(time * RATE), _stroke(kinds[number % len(kinds)], rng)
        if 0 <= at < len(out) - len(stroke):
            out[at : at + len(stroke)] += stroke
    return np.stack([out, 0.7 * out], axis=1).astype(np.float32)


def _eighths(late_s=0.0, drift=0.0, around=11.0):
    """Eighths at 120, late by so much at `around`, and slower by so much."""
    steps = np.arange(-2, CLIP_S * 4 + 8) / 4
    return around + (steps - around) * (1 + drift) + late_s


@pytest.mark.parametrize("kind", ["noise", "kick", "pluck"])
def test_an_attack_is_read_to_a_few_milliseconds(kind):
    rng = np.random.Generator(np.random.PCG64(2))
    times = np.arange(0.5, 9.5, 0.25) + rng.uniform(0, 0.1, 36)
    found = onsets(_played(times, 10.0, kinds=(kind,)))
    assert len(found) == len(times)
    assert np.abs(found.times - times).max() < 0.005


@pytest.mark.parametrize("clip_late_s", [0.0, 0.021, -0.03])
@pytest.mark.parametrize("late_s", [0.0, 0.012, 0.04, -0.055])
def test_the_phase_is_read_against_the_clips_own(clip_late_s, late_s):
    clip = _played(_eighths(clip_late_s))
    beat = beat_of(clip, beside(SPAN, len(clip)), GRID, True)
    new = _played(_eighths(clip_late_s + late_s), seed=5)[slice(*SPAN)]
    error = measured(new, SPAN[0], beat)
    assert not error.to_grid
    assert error.late_s == pytest.approx(late_s, abs=0.003)
    assert abs(error.drift) < 0.005
    assert error.confidence > 0.8


@pytest.mark.parametrize("drift", [0.01, -0.02])
def test_drift_is_read(drift):
    clip = _played(_eighths())
    beat = beat_of(clip, beside(SPAN, len(clip)), GRID, True)
    error = measured(_played(_eighths(drift=drift), seed=5)[slice(*SPAN)], SPAN[0], beat)
    assert error.drift == pytest.approx(drift, abs=0.002)


def _fetch(new):
    def fetch(low, high):
        out = np.zeros((high - low, 2), np.float32)
        a, b = max(0, low), min(len(new), high)
        out[a - low : b - low] = new[a:b]
        return out

    return fetch


@pytest.mark.parametrize(
    ("late_s", "drift"), [(0.03, 0.0), (-0.05, 0.0), (0.0, 0.015), (0.02, -0.02)]
)
def test_music_off_the_beat_is_brought_onto_it(late_s, drift):
    clip = _played(_eighths(0.01))
    beat = beat_of(clip, beside(SPAN, len(clip)), GRID, True)
    new = _played(_eighths(0.01 + late_s, drift), seed=5)
    done, moved = on_the_beat(_fetch(new), SPAN, HANDLE, beat, True)
    assert done.shape == (SPAN[1] - SPAN[0] + 2 * HANDLE, 2)
    assert abs(moved.after.late_s) < 0.006
    found = onsets(done[HANDLE:-HANDLE]).times + SPAN_S[0]
    wanted = _eighths(0.01)
    wanted = wanted[(wanted > SPAN_S[0] + 0.3) & (wanted < SPAN_S[1] - 0.3)]
    apart = [np.abs(found - t).min() for t in wanted]
    assert np.quantile(apart, 0.9) < 0.012
    assert "it was moved" in moved.notes()[0]


def test_a_shift_moves_every_sample_and_changes_none():
    clip = _played(_eighths())
    beat = beat_of(clip, beside(SPAN, len(clip)), GRID, True)
    new = _played(_eighths(0.03), seed=5)
    done, moved = on_the_beat(_fetch(new), SPAN, HANDLE, beat, True)
    by = round(moved.before.late_s * RATE)
    assert (done == new[SPAN[0] - HANDLE + by : SPAN[1] + HANDLE + by]).all()


@pytest.mark.parametrize(
    ("times", "kept", "told"),
    [
        (_eighths(0.010), _eighths(), True),  # close enough
        (_eighths(0.04)[::12], _eighths(), True),  # fewer than 8 onsets
        (np.random.Generator(np.random.PCG64(8)).uniform(0, 20, 90), _eighths(), True),  # no beat
        (_eighths(0.04), [], False),  # nothing to hold it against
    ],
    ids=["near", "few", "free", "no reference"],
)
def test_all_else_is_left_as_it_is(times, kept, told):
    clip = _played(kept)
    beat = beat_of(clip, beside(SPAN, len(clip)), GRID, told)
    done, _ = on_the_beat(_fetch(_played(times, seed=5)), SPAN, HANDLE, beat, True)
    assert done is None


def test_without_a_beat_beside_it_the_told_grid_counts():
    clip = _played([])
    beat = beat_of(clip, beside(SPAN, len(clip)), GRID, True)
    done, moved = on_the_beat(_fetch(_played(_eighths(0.04), seed=5)), SPAN, HANDLE, beat, True)
    assert moved.before.to_grid
    assert moved.before.late_s == pytest.approx(0.04, abs=0.004)
    assert done is not None


def test_measuring_alone_changes_nothing():
    clip = _played(_eighths())
    beat = beat_of(clip, beside(SPAN, len(clip)), GRID, True)
    new = _played(_eighths(0.04), seed=5)
    done, moved = on_the_beat(_fetch(new), SPAN, HANDLE, beat, False)
    assert done is None
    assert "40 ms late" in moved.notes()[0] or "41 ms late" in moved.notes()[0]
