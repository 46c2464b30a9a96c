"""Lengths that the transformer is run at, and those that it was made for.

Frames are latent frames (40 ms). Which part of a clip is seen is chosen when the job is planned, in
steps of GRAIN frames of the clip: there the patches of the transformer and the pools of the 5 Hz
codes lie as they would in the whole clip.
"""

from __future__ import annotations

from daemon.engines.acestep.parts import FRAMES_PER_S, HOP, RATE

BUCKETS = tuple(seconds * FRAMES_PER_S for seconds in (16, 24, 40, 64, 96))
"""Lengths, in frames, that captured graphs are made for."""
LEAST = 10 * FRAMES_PER_S
"""The model was trained on 10 s and more."""
SHORTEST_S, LONGEST_S = 3, 90
"""Regions outside this range run with a warning (ACE-Step's tutorial on repaint)."""
SLACK_S = 0.001


def span_of(start_sample: int, end_sample: int) -> tuple[int, int]:
    """Return the frames that hold the samples `[start_sample, end_sample)`."""
    return start_sample // HOP, -(-end_sample // HOP)


def bucket_for(frames: int) -> int:
    """Return the smallest bucket that holds `frames`, or `frames` where none does."""
    return next((bucket for bucket in BUCKETS if bucket >= frames), frames)


def warnings_of(samples: int) -> tuple[str, ...]:
    """Return what a musician should know of a region of a length that the model was not made for.

    Less than SLACK_S beyond a limit is what resampling adds.
    """
    length_s = samples / RATE
    if SHORTEST_S - SLACK_S <= length_s <= LONGEST_S + SLACK_S:
        return ()
    told = f"{length_s:.3f}".rstrip("0").rstrip(".")
    return (
        f"a region of {told} s is outside {SHORTEST_S}-{LONGEST_S} s, for which the model was "
        "made: listen closely",
    )
