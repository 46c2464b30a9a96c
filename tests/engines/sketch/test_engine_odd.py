"""Odd clips and grids: short, silent, compound, changing; the sound stays finite and whole."""

import numpy as np
import pytest
from engine_desk import ODE, RATE, band, request_of, run, voice

from daemon.audio.grid import Grid, TempoPoint
from daemon.engines.base import Span

GRIDS = {
    "3/4": Grid.steady(96, 3, 4, downbeat=0.4),
    "6/8": Grid.steady(70, 6, 8),
    "map": Grid((TempoPoint(0, 100), TempoPoint(2, 140, 3, 4, True), TempoPoint(4, 80, 7, 8))),
    "slow": Grid.steady(30),
    "fast": Grid.steady(290),
}
CLIPS = {
    "band": band(2),
    "voice": voice(ODE[:8]),
    "silence": np.zeros((3 * RATE, 2), np.float32),
    "short": voice([60], quarters=1.0),
    "tiny": voice([60])[:300],
}


ODD = [("band", grid) for grid in GRIDS] + [(clip, "map") for clip in CLIPS if clip != "band"]


@pytest.mark.parametrize(("clip", "grid"), ODD)
@pytest.mark.parametrize("op", ["bgm", "extend", "repaint"])
def test_odd_clips_and_grids_still_give_finite_sound(op: str, clip: str, grid: str) -> None:
    samples = CLIPS[clip]
    frames = len(samples)
    span = {
        "bgm": Span(0, frames),
        "extend": Span(frames, frames + RATE),
        "repaint": Span(frames // 4, frames // 2),
    }[op]
    run(request_of(op, samples, (span,), grid=GRIDS[grid]))


def test_samples_that_are_not_finite_do_not_spread() -> None:
    clip = band(4)
    clip[1000:1010] = np.nan
    for op, span in (("bgm", Span(0, len(clip))), ("extend", Span(len(clip), len(clip) + RATE))):
        run(request_of(op, clip, (span,)))
