"""What is sent where the file alone does not say it: a float WAV of just what is heard."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from fake_model import new_guid
from fake_sound import accessed, on_track
from test_moved_items import BENT, bent_item, one_lua

# These sound between the samples of the file, where the last bit depends on the order of sums.
BETWEEN = ("stretched", "pitched", "faster")


def request_of(house, item):
    return house.job(json.loads(item.takes[-1].ext["punchin"])["job"])["request"]


def exported(request):
    samples, rate = soundfile.read(request["source"], dtype="float32", always_2d=True)
    assert soundfile.info(request["source"]).subtype == "FLOAT"
    return samples, rate


@one_lua
@pytest.mark.parametrize("name", BENT)
def test_the_export_is_what_the_take_plays(desk, reaper_house, name):
    item = bent_item(desk, name)
    desk.select(2.0, 3.0)
    desk.delivered("Repaint time selection")
    request = request_of(reaper_house, item)
    samples, rate = exported(request)
    at = np.arange(round(item.values["D_LENGTH"] * rate)) / rate
    mono = name == "left only"
    expected = accessed(item.takes[0], at, 2)[:, : 1 if mono else 2]
    assert rate == 44100
    assert samples.shape == expected.shape
    assert np.max(np.abs(samples - expected)) < (1e-6 if name in BETWEEN else 1e-30)
    assert (request["start_frame"], request["end_frame"]) == (
        round(0.75 * rate),
        round(1.75 * rate),
    )


@one_lua
@pytest.mark.parametrize("project_rate", [44100, 48000, 96000])
@pytest.mark.parametrize("source_rate", [44100, 48000, 22050])
def test_exports_have_the_project_s_rate(desk, reaper_house, project_rate, source_rate):
    desk.project.rate = float(project_rate)
    item = desk.item(desk.audio(rate=source_rate), at=1.0, length=1.0, D_PLAYRATE=1.5)
    desk.select(1.25, 1.5)
    desk.delivered("Repaint time selection")
    samples, rate = exported(request_of(reaper_house, item))
    assert (rate, len(samples)) == (project_rate, project_rate)
    old, new = item.takes
    for start, end in ((1.0, 1.25), (1.5, 2.0)):
        before, after = (desk.heard(take, start, end, project_rate) for take in (old, new))
        assert np.max(np.abs(before - after)) < 1e-6


@one_lua
@pytest.mark.parametrize("project_rate", [44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 6])
def test_plain_files_are_sent_as_they_are(desk, reaper_house, project_rate, channels):
    desk.project.rate = float(project_rate)
    path = desk.audio(seconds=4, rate=48000, channels=channels, subtype="PCM_24")
    item = desk.item(path, at=0.5, length=3.0, offset=0.25)
    desk.select(1.0, 1.5)
    desk.delivered("Repaint time selection")
    request = request_of(reaper_house, item)
    assert request["source"] == str(path)
    assert (request["start_frame"], request["end_frame"]) == (36000, 60000)
    old, new = (soundfile.read(t.source.path, dtype="int32", always_2d=True)[0] for t in item.takes)
    assert new.shape == old.shape == (192000, channels)
    same = np.all(old == new, axis=1)
    assert same[:36000].all()
    assert same[60000:].all()
    assert not same[36000:60000].all()


@pytest.mark.parametrize("channels", [1, 6])
def test_all_channels_of_a_bent_take_are_exported(desk, reaper_house, channels):
    path = desk.audio(seconds=2, channels=channels)
    item = desk.item(path, length=1.0, D_PLAYRATE=1.5)
    desk.select(0.25, 0.5)
    desk.delivered("Repaint time selection")
    samples, rate = exported(request_of(reaper_house, item))
    assert samples.shape == (44100, channels)
    expected = accessed(item.takes[0], np.arange(44100) / rate, max(2, channels))[:, :channels]
    assert np.max(np.abs(samples - expected)) < 1e-6
    assert soundfile.info(item.takes[1].source.path).channels == channels


# -- several items of a track ----------------------------------------------------------------------


@pytest.mark.parametrize("action", ["Vocal to BGM", "Separate stems"])
def test_several_items_are_heard_as_the_track_plays_them(desk, reaper_house, action):
    first = desk.item(desk.audio(seconds=4), at=1.0, length=2.0)
    second = desk.item(
        desk.audio("b.wav"), at=2.5, length=1.5, offset=0.25, track=first.track, D_PLAYRATE=1.25
    )
    first.values.update(D_VOL=0.5, D_FADEOUTLEN=0.75)
    second.takes[0].values["D_VOL"] = -0.5
    desk.delivered(action)
    made = [i for i in desk.project.items() if i not in (first, second)]
    samples, rate = exported(request_of(reaper_house, made[0]))
    assert len(samples) == round(3.0 * rate)
    at = 1.0 + np.arange(len(samples)) / rate
    assert np.max(np.abs(samples - on_track(first.track, at))) < 1e-6
    assert {i.start for i in made} == {1.0}
    assert len(desk.project.undo) == 1


def test_a_time_selection_takes_just_that_of_the_track(desk, reaper_house):
    first = desk.item(desk.audio(), at=1.0, length=2.0)
    desk.item(desk.audio("b.wav"), at=2.5, length=1.5, track=first.track)
    desk.select(2.0, 3.5)
    desk.delivered("Vocal to BGM")
    made = desk.project.tracks[2].items[0]
    samples, rate = exported(request_of(reaper_house, made))
    assert (len(samples), made.start) == (round(1.5 * rate), 2.0)


# -- a little at a time ----------------------------------------------------------------------------


def test_a_minute_is_exported_a_piece_each_turn(desk):
    item = desk.item(desk.audio(seconds=4), length=60.0)
    item.values["B_LOOPSRC"] = 1.0
    desk.select(1.0, 2.0)
    asked = desk.world.asked_frames
    desk.press("Repaint time selection")
    most = len(asked)
    while sum(asked) < 60 * 44100:
        before = len(asked)
        desk.world.tick()
        most = max(most, len(asked) - before)
    assert most == 1, "one piece a turn"
    assert max(asked) <= 65536
    assert sum(asked) == 60 * 44100


def test_six_channels_take_no_more_at_once(desk):
    desk.item(desk.audio(seconds=4, channels=6), length=4.0, D_PITCH=1.0)
    desk.select(1.0, 2.0)
    desk.delivered("Repaint time selection")
    assert max(desk.world.asked_frames) * 6 <= 2 * 65536


def test_a_media_folder_that_can_t_be_written(desk):
    desk.item(desk.audio(), length=1.0, D_PLAYRATE=1.5)
    desk.item(desk.audio(), length=1.0)
    desk.select(0.25, 0.5)
    desk.folder.joinpath("file").write_text("")
    desk.project.media = str(desk.folder / "file" / "Media")
    desk.press("Repaint time selection")
    desk.until(lambda: len(desk.world.boxes) == 2)
    assert all("media folder" in text for _, text in desk.world.boxes)
    desk.world.tick(60)
    assert (len(desk.world.boxes), desk.noted()) == (2, {})


def test_a_full_disk_stops_the_export(desk):
    """/dev/full takes nothing that is written to it; the export's name leads there."""
    desk.item(desk.audio(), length=1.0, D_PLAYRATE=1.5)
    desk.select(0.25, 0.5)
    desk.press("Repaint time selection")
    folder = desk.folder / "resource" / "REAPER Media" / "Punchin"
    folder.mkdir(parents=True, exist_ok=True)
    last = int(new_guid()[1:9], 16)
    for number in range(last + 1, last + 10):
        guid = f"{number:08X}-0000-4000-8000-{number:012X}"
        folder.joinpath(f"export-{guid}.wav").symlink_to("/dev/full")
    desk.until(lambda: desk.world.boxes)
    ((_, text),) = desk.world.boxes
    assert "check the free disk space" in text
    assert "No space left" in text
    assert desk.noted() == {}
