"""New parts in a clip are of the style that the clip is like."""

import numpy as np
import pytest
from engine_desk import ENGINE, RATE, Desk, empty, mix_of, request_of, run

from bridge.resources import folder
from daemon.audio.grid import Grid
from daemon.engines.base import Span
from daemon.engines.sketch.jobs.likeness import likest
from daemon.engines.sketch.plan.styles import load_styles

STYLES = load_styles(folder("presets") / "styles")


def _piece(style: str, bpm: float) -> tuple[np.ndarray, Grid]:
    grid = Grid.steady(bpm, 4, 4, 0.0)
    frames = round(8 * 240 / bpm * RATE)
    request = request_of(
        "generate", empty(), (Span(0, frames),), grid=grid, options={"preset": style}
    )
    return mix_of(run(request)[1]), grid


@pytest.mark.parametrize(
    ("style", "bpm"), [("house", 124.0), ("drumnbass", 172.0), ("reggae", 76.0)]
)
def test_a_piece_is_most_like_the_style_it_was_made_in(style: str, bpm: float) -> None:
    mix, grid = _piece(style, bpm)
    shares = likest(STYLES, mix, RATE, grid, lambda: None, multiples=(1.0,))
    assert shares == (bpm, style)


def test_a_repaint_with_new_parts_plays_in_the_clip_s_style() -> None:
    mix, grid = _piece("house", 124.0)
    bar = round(240 / 124.0 * RATE)
    request = request_of(
        "repaint", mix, (Span(4 * bar, 6 * bar),), grid=grid, options={"strength": 1.0}
    )
    assert "Style: House (nearest to the clip)." in ENGINE.run(request, Desk()).notes
