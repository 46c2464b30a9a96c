"""Long continuations: parts come and go over the clip's bars, and the level stays."""

from functools import cache

import numpy as np
import pytest
from engine_desk import HANDLE, RATE, band, request_of, run
from listen_material import song
from scipy.signal import butter, sosfilt

from daemon.audio.grid import Grid
from daemon.engines.base import Result, Span
from daemon.engines.sketch.listen import listen
from daemon.engines.sketch.render.level import Loudness
from daemon.engines.sketch.reuse import continue_from

BAR = 2 * RATE
SECTION = 4 * BAR


@cache
def clip_of(drums: bool = True) -> np.ndarray:
    """Four bars of four chords."""
    return np.asarray(song(bars=4), np.float32) if drums else band(4, drums=False)


@cache
def extended(bars: int, side: str = "after", drums: bool = True) -> tuple[Result, np.ndarray]:
    """Four bars extended by `bars`: the result, and the new material without its handles."""
    clip = clip_of(drums)
    first = len(clip) if side == "after" else -bars * BAR
    result, desk = run(request_of("extend", clip, (Span(first, first + bars * BAR),)))
    return result, desk.sounds()["region"][HANDLE:-HANDLE]


@cache
def reused(bars: int, side: str) -> np.ndarray:
    """The clip's own bars alone over the same stretch."""
    clip = clip_of()
    heard = listen(clip, RATE, Grid.steady(120), downbeat_told=True)
    own = continue_from(clip, RATE, heard, bars * BAR, HANDLE, side == "after", 1)
    assert own is not None
    return own.samples[HANDLE:-HANDLE]


def level(x: np.ndarray, band_hz: tuple[float, float]) -> float:
    """Level in a band, dB."""
    heard = sosfilt(butter(4, band_hz, "band", fs=RATE, output="sos"), x, axis=0)
    return float(10 * np.log10(np.square(heard).mean() + 1e-12))


def sections(new: np.ndarray) -> list[np.ndarray]:
    return [new[at : at + SECTION] for at in range(0, len(new), SECTION)]


def test_a_short_continuation_is_the_clip_alone() -> None:
    result, _ = extended(4)
    assert not any("come and go" in note for note in result.notes)


@pytest.mark.parametrize("side", ["after", "before"])
def test_a_long_one_is_plain_beside_the_clip_and_changes_further_off(side: str) -> None:
    result, new = extended(16, side)
    assert any("percussion" in note for note in result.notes)
    ordered = sections(new) if side == "after" else sections(new)[::-1]
    alone = sections(reused(16, side)) if side == "after" else sections(reused(16, side))[::-1]
    unfilled = slice(0, 3 * BAR)  # the last bar of a section has a fill
    plain, one, _, full = (
        10 * np.log10(np.square(x - y).mean() / np.square(y).mean() + 1e-12)
        for x, y in ((x[unfilled], y[unfilled]) for x, y in zip(ordered, alone, strict=True))
    )
    assert plain < -30
    assert -25 < one < -6
    assert -25 < full < -3
    lows = [level(x[: SECTION // 2], (40, 110)) for x in ordered]
    assert lows[2] < min(lows[0], lows[1], lows[3]) - 3


@pytest.mark.parametrize("side", ["after", "before"])
@pytest.mark.parametrize("drums", [True, False])
def test_the_level_is_that_of_the_clip(side: str, drums: bool) -> None:
    _, new = extended(16, side, drums)
    have, want = (Loudness(np.ascontiguousarray(x.T), RATE).lufs() for x in (new, clip_of(drums)))
    assert have is not None
    assert want is not None
    assert abs(have - want) < 1


def test_nobody_drums_to_a_clip_without_drums() -> None:
    result, _ = extended(16, drums=False)
    note = next(n for n in result.notes if "come and go" in n)
    assert "percussion" not in note
    assert "low end" not in note


def test_the_last_bar_still_ends() -> None:
    clip = clip_of()
    span = Span(len(clip), len(clip) + 12 * BAR)
    result, desk = run(request_of("extend", clip, (span,), options={"ending": True}))
    last = desk.sounds()["region"][HANDLE:-HANDLE][-BAR:]
    halves = [np.square(last[: BAR // 4]).mean(), np.square(last[-BAR // 4 :]).mean()]
    assert halves[1] < 0.1 * halves[0]
    assert any("come and go" in n for n in result.notes)
    assert any("ending" in n for n in result.notes)


def test_before_the_clip_there_is_no_ending_and_it_is_said() -> None:
    clip = clip_of()
    options = {"ending": True}
    result, _ = run(request_of("extend", clip, (Span(-2 * BAR, 0),), options=options))
    assert any("No ending" in n for n in result.notes)


def test_the_same_seed_gives_the_same_samples() -> None:
    _, first = extended(8)
    extended.cache_clear()
    assert np.array_equal(first, extended(8)[1])
