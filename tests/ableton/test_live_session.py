"""From a clip in a slot to a take in the next one, against a real daemon."""

from __future__ import annotations

import numpy as np
import pytest
from wire_house import native, wait_for


@pytest.fixture
def clip(stage):
    """An unwarped clip in the second slot, that shows half a second to three of four."""
    clip = stage.live.session_clip(stage.live.track(), 1, stage.audio())
    clip.start_marker, clip.end_marker = 0.5, 3.0
    stage.live.select(clip)
    return clip


def slots(stage, track=0):
    return [slot.clip for slot in stage.song.tracks[track].clip_slots]


def test_a_repaint_lands_in_the_next_free_slot(stage, clip, live_house):
    job_id = stage.delivered("repaint")
    request = live_house.job(job_id)["request"]
    assert (request["start"], request["end"]) == (0.5, 3.0)
    assert request["source"] == clip.file_path
    assert request["bpm"] == 120.0
    _, old, new, _ = slots(stage)
    assert old == clip
    assert new.name.startswith("repaint ")
    assert (new.start_marker, new.end_marker, new.warping) == (0.5, 3.0, False)
    before, after = native(clip.file_path), native(new.file_path)
    edges = [round(s * 44100) for s in (0.5, 3.0)]
    assert np.array_equal(before[: edges[0]], after[: edges[0]])
    assert np.array_equal(before[edges[1] :], after[edges[1] :])
    assert not np.array_equal(before, after)


def test_it_is_one_undo_step_and_the_files_stay(stage, clip):
    stage.delivered("repaint")
    new = slots(stage)[2]
    path = new.file_path
    steps = len(stage.live.steps)
    stage.live.undo()
    assert len(stage.live.steps) == steps - 1
    assert slots(stage)[2] is None
    assert native(path).size
    stage.looks()
    assert slots(stage)[2] is None, "what was undone is not brought in again"


@pytest.mark.parametrize("action", ["cover", "retake"])
def test_a_variation_is_as_long_as_the_region(stage, clip, action):
    stage.delivered(action)
    new = slots(stage)[2]
    assert new.end_marker - new.start_marker == pytest.approx(2.5, abs=1e-4)
    assert new.start_marker == 0.0


@pytest.mark.parametrize(
    ("name", "begin"), [("extend 2: brighter", 0.0), ("extend before 2 bars", 0.0)]
)
def test_an_extension_holds_the_clip_and_the_new_bars(stage, clip, live_house, name, begin):
    clip.name = name
    job_id = stage.delivered("extend")
    new = slots(stage)[2]
    assert new.start_marker == begin
    assert new.end_marker == pytest.approx(2.5 + 2 * 2.0, abs=1e-4)
    lead = live_house.job(job_id)["result"]["source_frame"]
    old = native(clip.file_path)[22050:132300]
    assert np.array_equal(native(new.file_path)[lead : lead + len(old)], old)
    assert (lead > 0) == ("before" in name)


@pytest.mark.parametrize("name", ["bgm: jazz trio", "layer bass: deep", "stems"])
def test_stems_come_on_new_tracks_in_the_same_scene(stage, clip, live_house, name):
    clip.name = name
    op = name.split(":")[0].split()[0]
    stage.live.track("Last")
    job_id = stage.delivered("go")
    job = live_house.job(job_id)
    assert job["op"] == op
    roles = [f["role"][5:] for f in job["files"] if f["role"].startswith("stem:")]
    first, *made, last = stage.song.tracks
    assert (first.name, last.name) == ("Vocals", "Last")
    assert [t.name for t in made] == [f"{role} · {op}" for role in roles]
    for track in made:
        assert [slot.has_clip for slot in track.clip_slots] == [False, True, False, False]
        new = track.clip_slots[1].clip
        assert new.end_marker - new.start_marker == pytest.approx(2.5, abs=1e-4)
    assert [slot.has_clip for slot in first.clip_slots] == [False, True, False, False]
    stage.live.undo()
    assert [t.name for t in stage.song.tracks] == ["Vocals", "Last"]


def test_new_music_as_long_as_the_arrangement_loop(stage, live_house):
    track = stage.live.track("Drums")
    stage.song.view.selected_track = track
    stage.song.loop, stage.song.loop_length = True, 8.0
    stage.song.tempo = 90.0
    stage.song.view.selected_scene.name = "generate: lo-fi beat"
    job_id = stage.delivered("go")
    request = live_house.job(job_id)["request"]
    assert (request["bars"], request["bpm"], request["prompt"]) == (2.0, 90.0, "lo-fi beat")
    new = [c for t in stage.song.tracks for s in t.clip_slots if (c := s.clip) is not None]
    assert new
    assert {round(c.end_marker, 3) for c in new} == {round(8 * 60 / 90, 3)}


def test_renaming_a_clip_with_an_exclamation_mark_starts_it(stage, clip, live_house):
    clip.name = "repaint: darker drums"
    stage.tick(5)
    assert not stage.script.memory.open, "without the mark nothing starts"
    clip.name = "repaint: darker drums!"
    stage.tick()
    (job_id,) = stage.script.memory.open
    stage.until(lambda: not stage.script.memory.open)
    assert live_house.job(job_id)["request"]["prompt"] == "darker drums"
    assert slots(stage)[2].name.endswith("darker drums")
    stage.tick(5)
    assert not stage.script.memory.open, "it starts once"


def test_opening_a_set_with_such_a_name_starts_nothing(stage, clip):
    stage.live.select(None)
    clip.name = "repaint: darker drums!"
    stage.live.select(clip)
    stage.close_set()
    stage.open_set()
    stage.tick(5)
    assert not stage.script.memory.open


def test_a_result_is_varied_from_its_own_recipe(stage, clip, live_house):
    first = stage.delivered("repaint")
    stage.live.select(slots(stage)[2])
    second = stage.delivered("retake")
    assert live_house.job(second)["request"]["of"] == f"{first}:1"
    new = slots(stage)[3]
    assert new.end_marker - new.start_marker == pytest.approx(2.5, abs=1e-4)


def test_a_stem_is_varied_by_itself(stage, clip, live_house):
    """Its job's recipe would give the whole mix."""
    stage.delivered("bgm")
    track = stage.song.tracks[2]
    stem = track.clip_slots[1].clip
    assert stem.name.startswith("bgm bass")
    stage.live.select(stem)
    request = live_house.job(stage.delivered("retake"))["request"]
    assert "of" not in request
    assert request["source"] == stem.file_path
    assert track.clip_slots[2].clip.end_marker == pytest.approx(stem.end_marker, abs=1e-4)


def test_a_full_track_gets_a_new_scene(stage, clip):
    for number in (0, 2, 3):
        stage.live.session_clip(stage.song.tracks[0], number, clip.file_path)
    stage.delivered("repaint")
    assert len(stage.song.scenes) == 5
    assert slots(stage)[4].name.startswith("repaint")


def test_a_pad_works_on_the_clip_that_is_selected_in_live(stage, clip, live_house):
    """Another client asks without saying where; the context says it, and the tag brings it home."""
    with live_house.tcp() as pad:
        stage.until(lambda: pad.ask("context").get("source") == clip.file_path)
        pad.send("/punchin/do", "repaint")
        stage.until(lambda: slots(stage)[2] is not None)
    new = slots(stage)[2]
    assert (new.start_marker, new.end_marker) == (0.5, 3.0)
    assert str(stage.library) in new.file_path


def test_a_pad_s_new_music_comes_into_the_selected_track(stage, clip, live_house):
    with live_house.tcp() as pad:
        stage.until(lambda: pad.ask("context").get("source") == clip.file_path)
        pad.send("/punchin/generate", "*", "bars", 2)
        stage.until(lambda: len(stage.song.tracks) > 1)
    assert all(track.clip_slots[1].has_clip for track in stage.song.tracks)


def test_another_file_s_job_is_left_alone(stage, clip, live_house):
    """The context's mark goes with every job; one on a foreign file is not the clip's."""
    other = stage.audio("other.wav")
    with live_house.tcp() as pad:
        stage.until(lambda: pad.ask("context").get("source") == clip.file_path)
        pad.send("/punchin/cover", "*", str(other))
        job_id = pad.until("accepted").args[0]
        stage.until(lambda: live_house.job(job_id)["state"] == "done")
        stage.until(lambda: "not of a clip that is here" in (stage.live.log or [""])[-1])
    assert [slot.has_clip for slot in clip.canonical_parent.canonical_parent.clip_slots] == [
        *(False, True, False, False)
    ]


def test_a_closed_set_leaves_no_marks_in_the_context(stage, clip, live_house):
    clip.name = "repaint: darker"
    with live_house.tcp() as pad:
        stage.until(lambda: pad.ask("context").get("prompt") == "darker")
        stage.close_set()
        wait_for(lambda: not pad.ask("context")["set"] or None, "the marks stay")
        assert pad.ask("context")["prompt"] is None


def test_the_prompt_in_a_name_is_the_pad_s_prompt(stage, clip, live_house):
    with live_house.tcp() as pad:
        clip.name = "repaint: darker drums"
        stage.until(lambda: pad.ask("context").get("prompt") == "darker drums")
        clip.name = "Take 3"
        stage.until(lambda: pad.ask("context").get("prompt") is None)
        pad.send("/punchin/prompt", "somebody else's")
        clip.end_marker = 2.75
        stage.until(lambda: pad.ask("context").get("end") == 2.75)
        assert pad.ask("context")["prompt"] == "somebody else's"


def test_progress_and_the_chosen_take_are_shown(stage, clip, live_house):
    go = stage.folder / "go"
    clip.name = f"repaint: hold {go}"
    job_id = stage.press("repaint")
    stage.until(lambda: any("repaint" in line and "%" in line for line in stage.live.status))
    go.touch()
    stage.until(lambda: not stage.script.memory.open)
    with live_house.tcp() as pad:
        pad.send("/punchin/accept", job_id, 1)
    stage.until(lambda: stage.song.view.detail_clip == slots(stage)[2])


def test_cancel(stage, clip, live_house):
    clip.name = "repaint: wait 600"
    job_id = stage.press("repaint")
    stage.script.press("cancel")
    stage.until(lambda: not stage.script.memory.open)
    assert live_house.job(job_id)["state"] == "cancelled"
    assert slots(stage)[2] is None


def test_a_take_sounds_as_loud_as_its_clip_and_a_backing_has_a_level_of_its_own(stage, clip):
    clip.gain, clip.pitch_fine = 0.7, 12.0
    stage.delivered("repaint")
    assert (slots(stage)[2].gain, slots(stage)[2].pitch_fine) == (0.7, 12.0)
    stage.delivered("bgm")
    stem = stage.song.tracks[1].clip_slots[1].clip
    assert (stem.gain, stem.pitch_fine) == (0.4, 12.0)
