"""Selections that can't be used, jobs that fail, sets that change meanwhile."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest
from fake_clip import Clip
from fake_live import Live
from stage import is_listed_as_done, takes, with_clip
from wire_house import wait_for

from bridge.ableton.Punchin import link, udp
from bridge.ableton.Punchin.places import allowed


def test_a_job_that_fails_says_why(stage):
    clip = with_clip(stage)
    clip.name = "repaint: raise"
    stage.delivered("repaint")
    assert takes(stage) == []
    assert "engine" in stage.live.log[-1] or "plug-in" in stage.live.log[-1]


def test_a_refusal_is_said_as_the_daemon_says_it(stage):
    clip = with_clip(stage)
    clip.name = "edit"
    assert "edit needs" in stage.says("go")
    assert not stage.script.memory.open


# -- what is selected ------------------------------------------------------------------------------


def test_nothing_selected(stage):
    stage.live.track()
    assert "no clip is selected" in stage.says("repaint")


def test_a_midi_clip(stage):
    slot = stage.live.track().clip_slots[0]
    slot.fill(Clip.midi(stage.live, slot))
    stage.live.select(slot.clip)
    assert "is MIDI" in stage.says("repaint")
    assert "name the clip `layer bass`" in stage.says("layer")


def test_a_missing_file(stage):
    clip = with_clip(stage)
    Path(clip.file_path).unlink()
    assert "file is missing" in stage.says("repaint")


def test_a_clip_that_was_deleted_while_it_was_selected(stage):
    clip = with_clip(stage)
    stage.tick(3)
    stage.song.tracks[0].clip_slots[0].delete_clip()
    assert clip == None  # noqa: E711
    assert "no clip is selected" in stage.says("repaint")


def test_a_region_without_audio(stage):
    clip = with_clip(stage)
    clip.end_marker = 9.0
    clip.start_marker = 5.0
    assert "no audio in the region" in stage.says("repaint")


@pytest.mark.parametrize("name", ["Übung – größer/日本語 クリップ.wav", "x" * 180 + ".wav"])
def test_long_and_foreign_paths(stage, live_house, name):
    clip = with_clip(stage, f"{'sehr lang ' * 12}/{name}")
    job_id = stage.delivered("repaint")
    assert live_house.job(job_id)["request"]["source"] == clip.file_path
    assert len(takes(stage)) == 1


def test_a_request_too_long_for_a_datagram_goes_through_the_mailbox(stage, live_house, monkeypatch):
    clip = with_clip(stage)
    stage.until(lambda: stage.script.link.state == "udp")
    assert udp.BIGGEST < 9216, "macOS sends no more"
    monkeypatch.setattr(link, "BIGGEST", 1000)
    clip.name = "repaint: " + "long words " * 150
    posted = []
    mailbox = stage.script.link._mailbox
    monkeypatch.setattr(mailbox, "post", lambda m, post=mailbox.post: posted.append(m) or post(m))
    job_id = stage.delivered("repaint")
    assert any(message[0] == "/punchin/repaint" for message, *_ in posted)
    assert live_house.job(job_id)["request"]["prompt"].startswith("long words")


# -- what changes meanwhile ------------------------------------------------------------------------


def waiting(stage):
    """A clip and its job, which ends once it is let go."""
    clip = with_clip(stage)
    clip.name = f"repaint: hold {stage.folder / 'go'}"
    return clip, stage.press("repaint")


def let_go(stage):
    (stage.folder / "go").touch()


def test_the_slot_is_filled_meanwhile(stage):
    clip, job_id = waiting(stage)
    stage.live.session_clip(stage.song.tracks[0], 1, clip.file_path)
    let_go(stage)
    stage.until(lambda: job_id not in stage.script.memory.open)
    slots = [slot.clip for slot in stage.song.tracks[0].clip_slots]
    assert slots[2].name.startswith("repaint")
    assert slots[1].name == "clip"


def test_the_clip_is_deleted_meanwhile(stage):
    _, job_id = waiting(stage)
    stage.song.tracks[0].clip_slots[0].delete_clip()
    let_go(stage)
    stage.until(lambda: job_id not in stage.script.memory.open)
    (slot,) = [s for s in stage.song.tracks[0].clip_slots if s.has_clip]
    assert (slot.clip.start_marker, slot.clip.end_marker) == (0.5, 3.0)


def test_the_track_is_deleted_meanwhile(stage, live_house):
    _, job_id = waiting(stage)
    stage.live.delete_track(stage.song.tracks[0])
    stage.live.track("Other")
    let_go(stage)
    stage.until(lambda: job_id not in stage.script.memory.open)
    assert "its track is gone" in stage.live.log[-1]
    assert live_house.job(job_id)["files"][0]["path"] in stage.live.log[-1]
    assert not any(slot.has_clip for slot in stage.song.tracks[0].clip_slots)


def test_the_track_is_duplicated_meanwhile(stage):
    """A copy brings the first track's data along, its name for Punchin included."""
    _, job_id = waiting(stage)
    first = stage.song.tracks[0]
    copy = stage.live.track("Vocals copy")
    copy._values["data"].update(first._values["data"])
    let_go(stage)
    stage.until(lambda: job_id not in stage.script.memory.open)
    assert len(takes(stage)) == 1
    clip = stage.live.session_clip(copy, 0, first.clip_slots[0].clip.file_path)
    stage.live.select(clip)
    stage.delivered("cover")
    assert copy.clip_slots[1].has_clip
    assert len(takes(stage)) == 1


def test_the_track_is_frozen_meanwhile(stage, live_house):
    _, job_id = waiting(stage)
    stage.song.tracks[0]._values["is_frozen"] = True
    let_go(stage)
    stage.until(lambda: job_id not in stage.script.memory.open)
    assert "Live could not place" in stage.live.log[-1]
    assert live_house.job(job_id)["files"][0]["path"] in stage.live.log[-1]
    assert not stage.live.step_is_open


def test_a_live_that_allows_no_more_tracks(stage):
    """Live Lite and Intro have few: what found room stays, one step undoes it."""
    with_clip(stage)
    stage.live.most_tracks = 2
    stage.delivered("bgm")
    assert [t.name for t in stage.song.tracks] == ["Vocals", "drums · bgm"]
    assert "Maximum number of tracks" in stage.live.log[-1]
    assert str(stage.library / "Samples" / "Punchin") in stage.live.log[-1]
    stage.live.undo()
    assert len(stage.song.tracks) == 1


def test_a_set_that_was_closed_gets_its_result_when_it_is_opened(stage, live_house):
    _, job_id = waiting(stage)
    stage.close_set()
    let_go(stage)
    assert stage.song.listeners == stage.song.view.listeners == 0
    stage.live.reopened()
    wait_for(lambda: live_house.job(job_id)["state"] == "done" or None, "it is not done")
    assert takes(stage) == []
    stage.open_set()
    stage.until(lambda: takes(stage))
    stage.close_set()
    stage.live.reopened()
    wait_for(lambda: is_listed_as_done(stage.home, job_id) or None, "it is not listed")
    stage.open_set()
    stage.looks()
    assert len(takes(stage)) == 1, "it is brought in once"


def test_a_job_that_was_forgotten_meanwhile_is_given_up(stage, live_house):
    _, job_id = waiting(stage)
    stage.close_set()
    let_go(stage)
    stage.live.reopened()
    wait_for(lambda: live_house.job(job_id)["state"] == "done" or None, "it is not done")
    with live_house.tcp() as client:
        client.send("/punchin/forget", job_id)
        wait_for(lambda: not live_house.folder(job_id).exists() or None, "it is still there")
    stage.open_set()
    stage.until(lambda: not stage.script.memory.open)
    assert "no longer knows a job" in stage.live.log[-1]


def test_another_set_gets_nothing(stage, make_stage, live_house):
    _, job_id = waiting(stage)
    stage.close_set()
    let_go(stage)
    other = make_stage(live_house.home)
    other.live.track()
    other.until(lambda: is_listed_as_done(live_house.home, job_id), "it is not listed")
    other.looks()
    assert other.live.log == []
    assert not any(slot.has_clip for slot in other.song.tracks[0].clip_slots)


def test_a_live_that_keeps_no_data_works_until_the_set_is_closed(make_stage, live_house):
    stage = make_stage(live_house.home, live=Live(keeps_data=False))
    with_clip(stage)
    stage.delivered("repaint")
    assert len(takes(stage)) == 1
    first = stage.script.names.set_id
    stage.close_set()
    stage.live.reopened()
    stage.open_set()
    assert stage.script.names.set_id != first


@pytest.mark.parametrize("which", ["elsewhere", "no audio"])
def test_files_elsewhere_are_not_taken(stage, live_house, monkeypatch, which):
    """A job.json that names a file outside the daemon's and the set's folders, or no audio."""
    _, job_id = waiting(stage)
    secret = stage.audio("private/secret.wav")
    if which == "no audio":
        secret = live_house.folder(job_id) / "job.json"
    real = stage.script.watch.job

    def bent(asked):
        job = real(asked)
        if job and asked == job_id:
            for file in job["files"]:
                file["path"] = str(secret)
        return job

    monkeypatch.setattr(stage.script.watch, "job", bent)
    let_go(stage)
    stage.until(lambda: job_id not in stage.script.memory.open)
    assert takes(stage) == []
    assert "files are missing" in stage.live.log[-1]


def test_links_are_followed_before_a_path_is_trusted(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "in-other"
    inside.mkdir()
    outside.mkdir()
    (outside / "a.wav").write_bytes(b"")
    (inside / "b.wav").symlink_to(outside / "a.wav")
    (inside / "c.wav").write_bytes(b"")
    assert allowed(str(inside / "c.wav"), [str(inside)])
    assert not allowed(str(inside / "b.wav"), [str(inside)])
    assert not allowed(str(outside / "a.wav"), [str(inside)])
    assert not allowed(str(inside / ".." / "in-other" / "a.wav"), [str(inside)])


def test_results_that_were_removed_are_said_to_be_missing(stage, live_house):
    _, job_id = waiting(stage)
    let_go(stage)
    # Nothing ticks meanwhile: the script must not find the files before they are removed.
    wait_for(lambda: live_house.job(job_id)["state"] == "done" or None, "it is not done")
    for told in live_house.job(job_id)["files"]:
        Path(told["path"]).unlink()
    stage.until(lambda: job_id not in stage.script.memory.open)
    assert "missing" in stage.live.log[-1]


def test_a_set_in_a_project_keeps_its_results_there(stage, live_house):
    project = stage.folder / "Song Project"
    (project / "Ableton Project Info").mkdir(parents=True)
    stage.song._values["file_path"] = str(project / "Song.als")
    with_clip(stage)
    stage.delivered("repaint")
    (new,) = takes(stage)
    assert new.file_path.startswith(str(project / "Samples" / "Punchin"))


def test_ports_of_others_are_left_alone(stage):
    with_clip(stage)
    taken = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    try:
        for port, each in zip((11000, 11001), taken, strict=True):
            with contextlib.suppress(OSError):  # somebody has it already: as good
                each.bind(("127.0.0.1", port))
        stage.delivered("repaint")
    finally:
        for each in taken:
            each.close()
    assert len(takes(stage)) == 1


def test_a_hundred_presses_are_a_few(stage):
    for _ in range(100):
        stage.script.press("status")
    stage.tick(3)
    assert 1 <= len(stage.live.log) <= 20


def test_a_fault_inside_does_not_stop_live(stage, monkeypatch):
    monkeypatch.setattr(stage.script.results, "tick", lambda: 1 / 0)
    stage.tick(5)
    assert [line for line in stage.live.log if "ZeroDivision" in line] == stage.live.log[:1]
    assert len(stage.live.log) == 1
    stage.live.log.clear()
