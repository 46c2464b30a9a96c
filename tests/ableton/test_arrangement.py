"""Clips in the arrangement: the arrangement loop as the region, results on a track beside."""

from __future__ import annotations

import numpy as np
import pytest
from fake_live import Live
from fake_objects import WarpMarker
from wire_house import native


@pytest.fixture
def clip(stage):
    """Two seconds of a file from 0.5 s on, at beat 6 of a set at 120."""
    return put(stage)


def put(stage, **values):
    path = stage.audio("take.wav", 6.0)
    track = stage.live.track()
    shown = {"start_marker": 0.5, "end_marker": 2.5, **values}
    clip = stage.live.arrangement_clip(track, 6.0, path, **shown)
    stage.live.select(clip)
    return clip


def loop(stage, start, end):
    stage.song.loop = True
    stage.song.loop_start, stage.song.loop_length = start, end - start


def lane_clips(stage, number=1):
    return list(stage.song.tracks[number].arrangement_clips)


def test_the_arrangement_loop_is_the_region_where_it_crosses(stage, clip, live_house):
    loop(stage, 7.0, 64.0)
    job_id = stage.delivered("repaint")
    request = live_house.job(job_id)["request"]
    assert (request["start"], request["end"]) == pytest.approx((1.0, 2.5))
    assert (request["clip_start"], request["clip_end"]) == pytest.approx((0.5, 2.5))
    assert request["bpm"] == 120.0
    assert request["downbeat"] == pytest.approx(1.0 - 3 * 0.5)  # bar 2 begins at beat 4


def test_the_result_lies_on_a_track_below_in_the_same_place(stage, clip):
    loop(stage, 7.0, 8.0)
    stage.delivered("repaint")
    first, lane = stage.song.tracks
    assert lane.name == "Vocals (Punchin)"
    assert list(first.arrangement_clips) == [clip]
    (new,) = lane.arrangement_clips
    assert (new.start_time, new.end_time) == pytest.approx((clip.start_time, clip.end_time))
    assert (new.start_marker, new.end_marker) == (0.5, 2.5)
    before, after = native(clip.file_path), native(new.file_path)
    assert np.array_equal(before[:44100], after[:44100])
    assert not np.array_equal(before, after)
    assert all(slot.clip is None for slot in lane.clip_slots)
    assert len(stage.live.steps) > 0
    stage.live.undo()
    assert [t.name for t in stage.song.tracks] == ["Vocals"]


def test_a_second_result_does_not_overwrite_the_first(stage, clip):
    stage.delivered("repaint")
    stage.delivered("repaint")
    assert [t.name for t in stage.song.tracks[1:]] == ["Vocals (Punchin)"] * 2
    assert [len(lane_clips(stage, n)) for n in (1, 2)] == [1, 1]


@pytest.mark.parametrize("action", ["bgm", "stems"])
def test_stems_begin_where_the_region_begins(stage, clip, action):
    loop(stage, 7.0, 9.0)
    stage.delivered(action)
    made = stage.song.tracks[1:]
    assert made
    for track in made:
        (new,) = track.arrangement_clips
        assert (new.start_time, new.end_time) == pytest.approx((7.0, 9.0), abs=1e-3)


def test_an_extension_to_the_left_begins_earlier(stage, clip):
    clip.name = "extend before 1"
    stage.delivered("extend")
    (new,) = lane_clips(stage)
    assert new.start_time == pytest.approx(2.0, abs=1e-3)
    assert new.end_time == pytest.approx(clip.end_time, abs=1e-3)


def test_an_extension_past_the_arrangement_s_beginning_is_cut_there(stage, clip):
    clip.name = "extend before 2"
    stage.delivered("extend")
    (new,) = lane_clips(stage)
    assert new.start_time == 0.0
    assert new.end_time == pytest.approx(clip.end_time, abs=1e-3)


def test_a_transposed_clip_runs_faster(stage, live_house):
    """Without warping, an octave up is twice the speed: the clip is half as long."""
    put(stage, pitch_coarse=12)
    loop(stage, 7.0, 8.0)
    job_id = stage.delivered("repaint")
    request = live_house.job(job_id)["request"]
    assert (request["start"], request["end"]) == pytest.approx((1.5, 2.5))
    assert request["bpm"] == pytest.approx(60.0)
    (new,) = lane_clips(stage)
    assert new.pitch_coarse == 12
    assert (new.start_time, new.end_time) == pytest.approx((6.0, 8.0))


def test_a_looped_warped_clip_gives_back_the_round_under_the_loop(stage, live_house):
    clip = put(stage)
    clip.warping = True
    clip.add_warp_marker(WarpMarker(3.0, 6.0))  # 120 BPM
    clip.looping = True
    clip.start_marker = 0.0
    clip.loop_start, clip.loop_end = 0.0, 4.0
    clip._values.update(end_time=18.0)  # three rounds from beat 6 on
    loop(stage, 11.0, 13.0)  # the second round, from its second beat
    job_id = stage.delivered("repaint")
    request = live_house.job(job_id)["request"]
    assert (request["start"], request["end"]) == pytest.approx((0.5, 1.5))
    assert request["downbeat"] == pytest.approx(0.5 - 1.5)  # beat 8 is a bar line
    (new,) = lane_clips(stage)
    assert (new.start_time, new.end_time) == pytest.approx((11.0, 13.0))
    loop(stage, 13.0, 15.0)
    assert "one round" in stage.says("repaint")


def test_a_loop_that_begins_before_the_start_marker_is_reached_after_a_round(stage, live_house):
    clip = put(stage)
    clip.warping = True
    clip.add_warp_marker(WarpMarker(3.0, 6.0))
    clip.looping = True
    clip.loop_start, clip.loop_end = 1.0, 5.0
    clip.start_marker = 2.0
    clip._values.update(end_time=18.0)
    job_id = stage.delivered("repaint")
    request = live_house.job(job_id)["request"]
    assert (request["start"], request["end"]) == pytest.approx((0.5, 2.5))
    (new,) = lane_clips(stage)
    assert new.start_time == pytest.approx(9.0)  # beat 5 of the clip sounds three beats after its 2
    assert request["downbeat"] == pytest.approx(0.5 - 0.5)  # and beat 8 is a bar line


def test_a_clip_that_shows_more_than_its_file_is_cut_to_it(stage, live_house):
    put(stage, start_marker=-1.0, end_marker=7.0)
    job_id = stage.delivered("repaint")
    request = live_house.job(job_id)["request"]
    assert (request["start"], request["end"]) == (0.0, 6.0)
    (new,) = lane_clips(stage)
    assert (new.start_time, new.end_time) == pytest.approx((8.0, 20.0))


def test_what_a_clip_shows_is_its_room_in_the_arrangement(stage, live_house):
    """Its end marker may lie beyond: a clip that was cut short keeps it."""
    clip = put(stage)
    clip._values["end_marker"] = 5.0
    job_id = stage.delivered("repaint")
    request = live_house.job(job_id)["request"]
    assert (request["start"], request["end"]) == pytest.approx((0.5, 2.5))
    (new,) = lane_clips(stage)
    assert (new.start_time, new.end_time) == pytest.approx((6.0, 10.0))


def test_without_copying_from_a_slot_the_clip_is_made_in_place(stage, clip):
    for track in [*stage.song.tracks]:
        del track._values["duplicate_clip_to_arrangement"]
    stage.live.can_duplicate = False
    stage.delivered("cover")
    (new,) = lane_clips(stage)
    assert (new.start_time, new.end_time) == pytest.approx((6.0, 10.0), abs=1e-3)


def test_new_music_in_the_arrangement(stage):
    stage.live.shown_view = "Arranger"
    track = stage.live.track("Drums")
    stage.song.view.selected_track = track
    loop(stage, 16.0, 24.0)
    stage.delivered("generate")
    made = [c for t in stage.song.tracks for c in t.arrangement_clips]
    assert made
    assert {round(c.start_time, 3) for c in made} == {16.0}
    assert {round(c.end_time, 3) for c in made} == {24.0}


def test_an_older_live_says_where_the_file_is(make_stage, live_house):
    stage = make_stage(live_house.home, live=Live(can_create=False))
    put(stage)
    stage.delivered("repaint")
    assert str(stage.library / "Samples" / "Punchin") in stage.live.log[-1]
    assert len(stage.song.tracks) == 1
