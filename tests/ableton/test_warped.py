"""Warped clips: the file's own time and tempo, several markers, and results that play in time."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_clip import Clip
from fake_objects import WarpMarker

RATE = 44100


@pytest.fixture
def clip(stage):
    """Twelve seconds at 100 BPM in a set at 120: beat 0 lies 0.3 s into the file."""
    clip = stage.live.session_clip(stage.live.track(), 0, stage.audio("warped.wav", 12.0))
    clip.warping = True
    clip.move_warp_marker(0.0, -0.5)  # the file's first sample is half a beat before beat 0
    clip.add_warp_marker(WarpMarker(0.3 + 6.0, 10.0))
    clip.remove_warp_marker(-0.5)
    clip.add_warp_marker(WarpMarker(0.3, 0.0))
    clip.looping = True
    clip.start_marker, clip.end_marker = 0.0, 16.0
    clip.loop_end = 8.0
    clip.loop_start = 4.0
    stage.live.select(clip)
    return clip


def request_of(stage, house, action):
    job_id = stage.delivered(action)
    return house.job(job_id)["request"]


def test_region_tempo_and_bar_line_are_in_the_file_s_time(stage, clip, live_house):
    request = request_of(stage, live_house, "repaint")
    assert request["start"] == pytest.approx(0.3 + 4 * 0.6)
    assert request["end"] == pytest.approx(0.3 + 8 * 0.6)
    assert request["bpm"] == pytest.approx(100.0)
    assert request["downbeat"] == pytest.approx(0.3 + 4 * 0.6)
    assert (request["clip_start"], request["clip_end"]) == pytest.approx((0.3, 0.3 + 8 * 0.6))


def test_a_repaint_plays_as_the_clip_does(stage, clip):
    stage.delivered("repaint")
    new = stage.song.tracks[0].clip_slots[1].clip
    assert new.warping
    assert (new.looping, new.loop_start, new.loop_end) == (True, 4.0, 8.0)
    for beat in np.linspace(-0.4, 18.0, 30):
        assert new.second_at(beat) == pytest.approx(clip.second_at(beat), abs=1e-4)


def test_a_start_marker_inside_the_loop_stays_there(stage, clip):
    clip.start_marker = 5.0
    stage.delivered("repaint")
    new = stage.song.tracks[0].clip_slots[1].clip
    assert (new.start_marker, new.loop_start, new.loop_end) == (5.0, 4.0, 8.0)


@pytest.mark.parametrize("auto_warp", [False, True])
def test_stems_play_along_although_they_begin_with_the_region(stage, clip, auto_warp):
    stage.live.auto_warp = auto_warp
    stage.delivered("bgm")
    track = stage.song.tracks[1]
    new = track.clip_slots[0].clip
    assert new.warping
    assert (new.looping, new.loop_start, new.loop_end) == pytest.approx((True, 4.0, 8.0))
    for beat in np.linspace(4.0, 8.0, 9):
        assert new.second_at(beat) == pytest.approx(clip.second_at(beat) - (0.3 + 2.4), abs=1e-4)


def test_tempo_changes_between_markers_are_told_as_a_map(stage, clip, live_house):
    clip.add_warp_marker(WarpMarker(0.3 + 5 * 0.6, 6.0))  # the file is slow up to here, then fast
    clip.add_warp_marker(WarpMarker(clip.second_at(5.0), 5.0))  # changes nothing
    request = request_of(stage, live_house, "repaint")
    rows = request["tempomap"]
    rows = json.loads(rows) if isinstance(rows, str) else rows
    assert [row[0] for row in rows] == pytest.approx([clip.second_at(4.0), clip.second_at(6.0)])
    assert [row[1] for row in rows] == pytest.approx([60 * 6 / 3.0, 60 * 4 / 3.0])
    assert [row[2:4] for row in rows] == [[4, 4], [4, 4]]
    new = stage.song.tracks[0].clip_slots[1].clip
    for beat in np.linspace(0.0, 14.0, 15):
        assert new.second_at(beat) == pytest.approx(clip.second_at(beat), abs=1e-4)


def test_extending_a_warped_clip_keeps_its_time(stage, clip, live_house):
    clip.looping = False
    clip.start_marker, clip.end_marker = 4.0, 8.0
    clip.name = "extend before 1"
    job_id = stage.delivered("extend")
    result = live_house.job(job_id)["result"]
    lead_s = result["source_frame"] / RATE
    assert lead_s == pytest.approx(4 * 0.6, abs=1e-4)
    new = stage.song.tracks[0].clip_slots[1].clip
    assert (new.start_marker, new.end_marker) == pytest.approx((0.0, 8.0), abs=1e-3)
    assert new.second_at(4.0) == pytest.approx(lead_s, abs=1e-4)


def test_without_live_s_marker_class_the_take_is_left_unwarped_and_it_says_so(stage, clip):
    stage.script.delivery._make_marker = None
    stage.delivered("repaint")
    new = stage.song.tracks[0].clip_slots[1].clip
    assert not new.warping
    assert (new.start_marker, new.end_marker) == pytest.approx((0.3, 0.3 + 8 * 0.6))
    assert any("warp markers could not be set" in line for line in stage.live.log)


def test_markers_that_land_elsewhere_are_noticed(stage, clip, monkeypatch):
    """A Live that snaps markers to transients would put the take out of time."""

    def snap(self, marker, add=Clip.add_warp_marker):
        add(self, WarpMarker(marker.sample_time + 0.02, marker.beat_time))

    monkeypatch.setattr(Clip, "add_warp_marker", snap)
    stage.delivered("repaint")
    assert not stage.song.tracks[0].clip_slots[1].clip.warping
    assert any("warp markers could not be set" in line for line in stage.live.log)


def test_a_live_that_tells_no_markers_gets_a_plain_answer(stage, clip):
    stage.live.tells_markers = False
    assert "switch Warp off" in stage.says("repaint")


def test_metre_counts_in_the_bar_line(stage, clip, live_house):
    clip._values.update(signature_numerator=3, signature_denominator=4)
    request = request_of(stage, live_house, "repaint")
    assert request["meter"] == "3/4"
    assert request["downbeat"] == pytest.approx(0.3 + 3 * 0.6)
