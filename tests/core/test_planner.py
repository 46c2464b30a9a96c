"""The planner: from keys and a header to frames, with and without a told tempo."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.errors import PunchinError
from daemon.audio.grid import Grid
from daemon.audio.types import SourceInfo
from daemon.core.planner import Work, layout, plan, settle
from daemon.core.windowing import Windowing

RATE = 44_100
SECONDS = 20
SONG = SourceInfo("/song.wav", RATE, 2, SECONDS * RATE, "WAV", "PCM_24", 1, 1)
TOLD = {"seed": 1, "bpm": 120.0, "meter": "4/4", "downbeat": 0.0}
GRID = Grid.steady(120)


def work(op: str, **keys: object) -> Work:
    return plan(op, {**TOLD, **keys}, SONG, 48_000)


def code_of(op: str, **keys: object) -> int:
    with pytest.raises(PunchinError) as caught:
        work(op, **keys)
    return caught.value.code


def test_seconds_frames_and_beats_name_the_same_region():
    wanted = (2 * RATE, 4 * RATE)
    assert work("repaint", start=2.0, end=4.0).region == wanted
    assert work("repaint", start_frame=wanted[0], end_frame=wanted[1]).region == wanted
    assert work("repaint", start_beat=4.0, end_beat=8.0).region == wanted


@given(st.floats(0, SECONDS - 1), st.floats(0.011, 1))
def test_a_time_becomes_the_nearest_frame(start: float, length: float):
    region = work("repaint", start=start, end=start + length).region
    assert region == (round(start * RATE), round((start + length) * RATE))


def test_beats_wait_for_a_tempo_that_nobody_told():
    asked = {"seed": 1, "start_beat": 4.0, "end_beat": 8.0}
    waiting = plan("repaint", asked, SONG, 48_000)
    assert waiting.region is None
    assert settle(waiting, Grid.steady(60, downbeat=1.0)).region == (5 * RATE, 9 * RATE)
    with pytest.raises(PunchinError) as caught:
        settle(waiting, Grid.steady(20))
    assert caught.value.code == 203


def test_an_end_a_little_beyond_the_file_means_its_end():
    assert work("repaint", start=1.0, end=SECONDS + 0.01).region == (RATE, SONG.frames)
    assert code_of("repaint", start=1.0, end=SECONDS + 0.011) == 203


def test_a_region_from_a_selection_ends_with_the_file():
    beyond = {**TOLD, "start": 15.0, "end": 90.0}
    assert plan("repaint", beyond, SONG, 48_000, clamp=True).region == (15 * RATE, SONG.frames)


@pytest.mark.parametrize(
    ("start", "end"), [(-1.0, 2.0), (4.0, 2.0), (3.0, 3.0), (3.0, 3.009), (25.0, 30.0)]
)
@pytest.mark.parametrize("op", ["repaint", "bgm", "extend"])
def test_a_region_outside_inverted_or_too_short_is_203(op: str, start: float, end: float):
    assert code_of(op, start=start, end=end, bars=1) == 203


def test_what_may_be_heard_is_bounded_by_the_clip_and_the_context():
    asked = work("repaint", start=10.0, end=12.0, clip_start=8.0, clip_end=19.0)
    assert layout(asked, GRID, 4.0).window == (8 * RATE, 16 * RATE)
    assert layout(asked, GRID, 100.0).window == (8 * RATE, 19 * RATE)


def test_a_region_beyond_its_clip_is_still_heard():
    asked = work("repaint", start=10.0, end=12.0, clip_start=11.0, clip_end=19.0)
    assert layout(asked, GRID, 100.0).window == (10 * RATE, 19 * RATE)


def test_a_repaint_keeps_length_and_place():
    place = layout(work("repaint", start=10.0, end=12.0), GRID, 4.0)
    assert place.mix_frames == SONG.frames
    assert place.source_frame == 0
    assert place.spans == place.regions == ((10 * RATE, 12 * RATE),)


@pytest.mark.parametrize(
    ("side", "lead", "tail"), [("after", 0, 4), ("before", 4, 0), ("both", 4, 4)]
)
def test_extend_makes_the_asked_length_on_each_side(side: str, lead: int, tail: int):
    place = layout(work("extend", bars=2.0, side=side, start=5.0, end=9.0), GRID, 3.0)
    assert place.source_frame == lead * RATE
    assert place.mix_frames == (lead + 4 + tail) * RATE
    made = sum(b - a for a, b in place.spans)
    assert made == (lead + tail) * RATE
    for (a, b), (c, d) in zip(place.spans, place.regions, strict=True):
        assert (c - a, d - b) == ((lead - 5) * RATE,) * 2


@given(st.floats(20, 400), st.sampled_from(["4/4", "3/4", "7/8"]), st.integers(1, 9))
def test_bars_follow_the_formula_to_the_sample(bpm: float, meter: str, bars: int):
    beats, unit = map(int, meter.split("/"))
    asked = {"seed": 1, "bpm": bpm, "meter": meter, "downbeat": 0.0, "bars": bars}
    job = plan("extend", asked, SONG, 48_000)
    grid = job.told.grid()
    assert grid is not None
    made = layout(job, grid, 3.0).spans[0]
    assert made[1] - made[0] == round(bars * beats * 4 / unit * 60 / bpm * RATE)


def test_a_tempo_map_is_integrated_from_the_join_on():
    rows = ((0.0, 120.0, 4.0, 4.0, 0.0), (22.0, 60.0, 3.0, 4.0, 0.0))
    job = plan("extend", {"seed": 1, "tempomap": rows, "bars": 3}, SONG, 48_000)
    grid = job.told.grid()
    assert grid is not None
    # One bar of four at 120 takes the two seconds up to the change, then two of three at 60.
    assert layout(job, grid, 3.0).spans == ((20 * RATE, 28 * RATE),)


def test_generate_has_no_source_and_the_houses_rate():
    job = plan("generate", {**TOLD, "bars": 2}, None, 48_000)
    assert layout(job, GRID, 3.0).spans == ((0, 4 * 48_000),)


def test_work_survives_its_journey_to_the_worker():
    rows = ((0.0, 120.0, 4.0, 4.0, 1.0), (22.0, 60.0, 3.0, 4.0, 0.0))
    for job in (
        work("repaint", start=1.0, end=2.0, prompt="darker", stems=("drums",)),
        plan("repaint", {"seed": 2, "start_beat": 1.0, "end_beat": 2.0}, SONG, 48_000),
        plan("extend", {"seed": 1, "tempomap": rows, "bars": 3}, SONG, 48_000),
        plan("generate", {**TOLD, "bars": 2}, None, 48_000),
    ):
        back = Work.from_dict(json.loads(json.dumps(job.as_dict())))
        assert layout_or_none(back) == layout_or_none(job)
        assert back.told == job.told


def layout_or_none(job: Work) -> object:
    return None if job.beats else layout(job, GRID, 3.0)


def test_a_part_of_the_source_is_heard_with_what_lies_around_it():
    beside = Windowing(0.4, least_s=10.0)
    cover = work("cover", start=8.0, end=12.0)
    place = layout(cover, GRID, 16.0, beside)
    assert place.window == (round(4.8 * RATE), round(14.8 * RATE))
    assert place.spans == ((8 * RATE, 12 * RATE),)
    assert place.regions == ((0, 4 * RATE),)
    assert place.mix_frames == 4 * RATE
    assert (
        layout(Work.from_dict(json.loads(json.dumps(cover.as_dict()))), GRID, 16.0, beside) == place
    )
    bound = work("cover", start=8.0, end=12.0, clip_start=7.5, clip_end=13.0)
    assert layout(bound, GRID, 16.0, beside).window == (round(7.6 * RATE), 13 * RATE)
    for alone in (work("cover", start=8.0, end=12.0, stretch=1), work("cover")):
        assert layout(alone, GRID, 16.0, beside).window == alone.clip
    assert layout(cover, GRID, 16.0).window == cover.clip
