"""Where runs of a clip meet: nothing falls silent, attacks stay whole, levels don't jump."""

import numpy as np
import pytest
from listen_material import RATE

from daemon.engines.sketch.listen.frames import unchecked
from daemon.engines.sketch.reuse.even import evened
from daemon.engines.sketch.reuse.weave import Run, weave

SECOND = RATE


def hum(seconds: float, hz: float = 110.0) -> np.ndarray:
    x = 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([x, x], axis=1).astype(np.float32)


def quietest_db(x: np.ndarray) -> float:
    """Level of the quietest 10 ms."""
    hop = RATE // 100
    rows = x[: len(x) // hop * hop].reshape(-1, hop, 2)
    return float(10 * np.log10(np.square(rows).mean(axis=(1, 2)).min() + 1e-12))


@pytest.mark.parametrize(
    ("leaving", "coming"),
    [
        (-3 * SECOND, -4 * SECOND),  # the coming run begins with the clip's first frame
        (0, -2 * SECOND),  # the leaving one ends with the clip's last frame, on the beat
        (SECOND // 40, -2 * SECOND),  # and 25 ms before it
        (0, -4 * SECOND),  # both at once
        (SECOND // 40, -4 * SECOND),
    ],
)
def test_no_hole_where_the_clip_has_nothing_to_fade(leaving: int, coming: int) -> None:
    clip = hum(4.0)
    joined = [Run(3 * SECOND, leaving), Run(4 * SECOND, coming)]
    new = weave(clip, joined, 3 * SECOND, 5 * SECOND, RATE, unchecked)
    assert quietest_db(new) > quietest_db(clip) - 6


def test_the_first_attack_of_a_clip_stays_whole() -> None:
    clip = hum(2.0)
    clip[: RATE // 50] *= 3
    joined = [Run(SECOND, 0), Run(2 * SECOND, -2 * SECOND)]
    new = weave(clip, joined, SECOND, 4 * SECOND, RATE, unchecked)
    after = SECOND + RATE // 400
    assert np.array_equal(new[after : after + SECOND], clip[RATE // 400 :][:SECOND])


def test_a_jump_lies_before_the_beat_where_there_is_room() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    clip = rng.uniform(-0.3, 0.3, (4 * SECOND, 2)).astype(np.float32)
    new = weave(
        clip, [Run(SECOND, 0), Run(2 * SECOND, -SECOND)], SECOND, 4 * SECOND, RATE, unchecked
    )
    kept = int(np.argmax((new != clip[SECOND:][: len(new)]).any(axis=1)))
    moved = len(new) - int(np.argmax((new != clip[: 3 * SECOND])[::-1].any(axis=1)))
    middle = (kept + moved) / 2 - SECOND
    assert middle / RATE == pytest.approx(-0.012, abs=0.001)


@pytest.mark.parametrize("step_db", [-1.5, 1.2])
def test_a_step_in_level_becomes_small_and_the_level_comes_back(step_db: float) -> None:
    clip = hum(6.0, 700.0)
    before, new = clip[:SECOND], clip[SECOND:] * np.float32(10 ** (step_db / 20))
    even = evened(new, before, [0], 2 * SECOND, RATE)

    def against(x: np.ndarray) -> float:
        return float(10 * np.log10(np.square(x).mean() / np.square(before).mean()))

    assert abs(against(even[: SECOND // 5])) < 0.55
    assert np.array_equal(even[2 * SECOND + 100 :], new[2 * SECOND + 100 :])


def test_usual_steps_and_the_music_s_own_are_left_alone() -> None:
    clip = hum(3.0, 700.0)
    for step_db in (0.2, -9.0):
        new = clip * np.float32(10 ** (step_db / 20))
        assert np.array_equal(evened(new, clip, [0], SECOND, RATE), new)


def test_silence_is_not_raised() -> None:
    clip = hum(2.0)
    silent = np.zeros_like(clip)
    assert not evened(silent, clip, [0], SECOND, RATE).any()
    assert np.array_equal(evened(clip, silent, [0], SECOND, RATE), clip)
