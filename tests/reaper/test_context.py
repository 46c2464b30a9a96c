"""What is selected in REAPER is the daemon's context, and what a pad starts comes home."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_model import Marker, Tempo
from wire_house import House


@pytest.fixture
def pad(reaper_house):
    """Another client: a controller with buttons."""
    with reaper_house.udp() as client:
        client.send("/punchin/reset")
        yield client
        client.send("/punchin/reset")


def context(pad):
    pad.send("/punchin/context")
    return json.loads(pad.until("context.reply").args[0])


def listening(desk):
    desk.press("Background listener")
    desk.world.tick(2)


def told(desk, pad, **wanted):
    """Let REAPER go on until the daemon knows; return its context."""
    seen = {}

    def knows():
        seen.update(context(pad))
        return all(seen[key] == value for key, value in wanted.items())

    desk.until(knows, f"the daemon never heard {wanted}")
    return seen


def sent(desk):
    """How often the context was told so far."""
    return desk.world.calls.count("genGuid")  # each message has a name of its own


def test_the_selection_is_the_context_to_the_sample(desk, pad):
    desk.project.tempi += [Tempo(0.0, 90.0, 3, 4)]
    path = desk.audio(seconds=8)
    item = desk.item(path, at=1.0, length=4.0, offset=0.5)
    item.notes = "prompt: darker drums\n[verse]\nla la"
    desk.select(2.0, 3.5)
    listening(desk)
    seen = told(desk, pad, source=str(path), prompt="darker drums")
    assert (seen["start_frame"], seen["end_frame"]) == (66150, 132300)
    assert (seen["clip_start_frame"], seen["clip_end_frame"]) == (22050, 198450)
    assert (seen["bpm"], seen["meter"]) == (90.0, "3/4")
    assert seen["downbeat"] == pytest.approx(-0.5)
    assert seen["place"] == {"seconds": 0.5, "beat": pytest.approx(0.75)}
    assert seen["lyrics"] == "[verse]\nla la"
    assert seen["set"]["tag"].endswith(f":{item.guid}:any:2.000000000:3.500000000")
    assert seen["set"]["folder"].endswith("Punchin")


def test_a_tempo_map_goes_along_and_goes_away(desk, pad):
    desk.project.tempi += [Tempo(2.0, 100.0, 3, 4)]
    path = desk.audio(seconds=8)
    desk.item(path, at=1.0, length=4.0)
    listening(desk)
    seen = told(desk, pad, source=str(path))
    rows = json.loads(seen["tempomap"]) if isinstance(seen["tempomap"], str) else seen["tempomap"]
    assert [row[1] for row in rows] == [120.0, 100.0]
    desk.project.tempi.clear()
    desk.project.changes += 1
    assert told(desk, pad, tempomap=None)["downbeat"] == pytest.approx(-1.0)


def test_it_is_told_once_and_again_when_it_changes(desk, pad):
    path = desk.audio(seconds=4)
    item = desk.item(path, length=4.0)
    desk.select(1.0, 2.0)
    listening(desk)
    told(desk, pad, source=str(path), start=1.0)
    before = desk.world.calls.count("TimeMap2_timeToQN")
    desk.project.changes += 1  # something that has nothing to do with it
    desk.world.tick(60)
    assert desk.world.ext.get(("punchin", "listener"))
    first = sent(desk)
    desk.world.tick(30)
    assert sent(desk) == first
    assert desk.world.calls.count("TimeMap2_timeToQN") == before + 1
    desk.select(1.0, 3.0)
    told(desk, pad, end=3.0)
    item.values["B_UISEL"] = 0.0
    desk.select(0.0, 0.0)
    told(desk, pad, source=None)
    assert "tag" not in context(pad)["set"]


def test_a_selection_that_is_being_dragged_is_not_told(desk, pad):
    path = desk.audio(seconds=4)
    desk.item(path, length=4.0)
    listening(desk)
    told(desk, pad, source=str(path))
    first = sent(desk)
    for step in range(20):
        desk.select(0.5, 1.0 + step / 100)
        desk.world.tick(4)  # 0.13 s
    assert sent(desk) == first
    told(desk, pad, end=1.19)


def test_exact_frames_outlive_reaper_s_own_coarse_selection(desk, pad):
    """REAPER's OSC surface tells the time selection too, as float32 seconds of the project."""
    path = desk.audio(seconds=8)
    desk.item(path, at=1.0, length=6.0)
    desk.select(2.0001, 3.0)
    pad.send("/punchin/selection/start", 2.0001, tags="f")
    pad.send("/punchin/selection/end", 3.0, tags="f")
    listening(desk)
    told(desk, pad, source=str(path))
    assert context(pad)["start_frame"] == round(1.0001 * 44100)


def test_time_alone_is_for_new_music(desk, pad):
    desk.select(4.0, 6.5)
    desk.project.markers.append(Marker("[chorus]", 3.0, 8.0, True))
    listening(desk)
    seen = told(desk, pad, lyrics="[chorus]")
    assert seen["source"] is None
    assert seen["set"]["seconds"] == 2.5
    pad.send("/punchin/do", "generate")
    desk.until(lambda: desk.project.undo)
    assert {i.start for i in desk.project.items()} == {4.0}
    assert {round(i.values["D_LENGTH"], 4) for i in desk.project.items()} == {2.5}


def test_an_item_that_is_not_its_file_gives_no_region(desk, pad):
    path = desk.audio(seconds=4)
    item = desk.item(path, length=2.0)
    listening(desk)
    told(desk, pad, source=str(path))
    item.takes[0].values["D_PLAYRATE"] = 1.5
    desk.project.changes += 1
    told(desk, pad, source=None)


def test_a_daemon_that_comes_again_is_told_again(lone_desk):
    path = lone_desk.audio()
    lone_desk.item(path)
    house = House(lone_desk.home)
    listening(lone_desk)
    with house.udp() as client:
        told(lone_desk, client, source=str(path))
    house.stop()
    lone_desk.world.tick(60)
    assert not [p for p in (lone_desk.home / "inbox").iterdir() if p.suffix == ".json"]
    house = House(lone_desk.home)
    try:
        with house.udp() as client:
            told(lone_desk, client, source=str(path))
    finally:
        house.stop()


def test_with_reaper_goes_what_it_told(desk, pad):
    path = desk.audio()
    item = desk.item(path)
    item.notes = "prompt: warm"
    listening(desk)
    told(desk, pad, source=str(path), prompt="warm")
    (listener,) = desk.world.states
    desk.world.states.clear()
    listener.end()
    told(desk, pad, source=None, prompt=None, set={})


def test_words_of_what_was_selected_before_are_not_sung(desk, pad, reaper_house):
    """The next key may come before the new selection was told."""
    desk.item(desk.audio("quiet.wav"))
    pad.send("/punchin/prompt", "loud")
    pad.send("/punchin/lyrics", "hey")
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    (item,) = desk.project.items()
    job = reaper_house.job(json.loads(item.takes[1].ext["punchin"])["job"])
    assert (job["request"].get("prompt"), job["request"].get("lyrics")) == ("", "")


# -- pads ----------------------------------------------------------------------------------------


def test_a_pad_s_repaint_lands_on_the_item(desk, pad, reaper_house):
    item = desk.item(desk.audio(seconds=4), at=1.25, length=3.0, offset=0.5)
    desk.select(2.0, 3.0)
    listening(desk)
    told(desk, pad, source=item.takes[0].source.path)
    pad.send("/punchin/do", "repaint", 1.0)
    desk.until(lambda: len(item.takes) == 2)
    old, new = item.takes
    for start, end in ((1.25, 2.0), (3.0, 4.25)):
        assert np.array_equal(desk.heard(old, start, end), desk.heard(new, start, end))
    assert not np.array_equal(desk.heard(old, 2.0, 3.0), desk.heard(new, 2.0, 3.0))
    assert desk.folder in type(desk.folder)(new.source.path).parents, "in the project's folder"
    assert desk.world.undo() == "Punchin: Repaint"


def test_a_pad_s_accept_makes_the_take_active(desk, pad, reaper_house):
    item = desk.item(desk.audio())
    desk.select(0.5, 1.0)
    listening(desk)
    told(desk, pad, source=item.takes[0].source.path)
    pad.send("/punchin/set", "takes", 2)
    pad.send("/punchin/do", "repaint")
    desk.until(lambda: len(item.takes) == 3)
    job = json.loads(item.takes[2].ext["punchin"])["job"]
    pad.send("/punchin/accept", job, 2)
    desk.until(lambda: item.active == 2)
    pad.send("/punchin/accept", job, 1)
    desk.until(lambda: item.active == 1)


@pytest.mark.parametrize("op", ["cover", "retake", "extend", "bgm"])
def test_other_ops_of_a_pad_come_home_too(desk, pad, op):
    item = desk.item(desk.audio(seconds=6), at=4.0, length=4.0, offset=1.0)
    desk.select(5.0, 6.0)
    listening(desk)
    told(desk, pad, source=item.takes[0].source.path, start=2.0)
    pad.send("/punchin/do", op)
    desk.until(lambda: desk.project.undo)
    if op == "bgm":
        made = [i for i in desk.project.items() if i is not item]
        assert {(i.start, round(i.values["D_LENGTH"], 4)) for i in made} == {(5.0, 1.0)}
        return
    old, new = item.takes
    if op == "extend":  # four bars from the end of the selected time on
        assert np.array_equal(desk.heard(new, 5.0, 6.0), desk.heard(old, 5.0, 6.0))
        assert np.any(desk.heard(new, 13.9, 14.0))
        assert item.end == pytest.approx(14.0)
    else:
        assert np.any(desk.heard(new, 5.0, 5.1))
        assert np.any(desk.heard(new, 5.9, 6.0))
        assert not np.any(desk.heard(new, 6.1, 7.0)), "as long as what was selected"


def test_an_item_that_moved_meanwhile_is_still_met(desk, pad):
    item = desk.item(desk.audio(seconds=4), at=1.0, length=3.0)
    go = desk.folder / "go"
    item.notes = f"prompt: hold {go}"
    desk.select(2.0, 3.0)
    listening(desk)
    told(desk, pad, source=item.takes[0].source.path)
    pad.send("/punchin/do", "cover")
    desk.until(lambda: "%" in desk.world.ext.get(("punchin", "progress"), ""))
    item.values["D_POSITION"] = 11.0
    go.touch()
    desk.until(lambda: len(item.takes) == 2)
    assert np.any(desk.heard(item.takes[1], 12.9, 13.0))
    assert not np.any(desk.heard(item.takes[1], 13.1, 14.0))


def test_a_job_on_another_file_is_not_ours(desk, pad, reaper_house):
    """The tag is everybody's while the selection lasts; only what was made from it lands on it."""
    item = desk.item(desk.audio(seconds=4), length=3.0)
    desk.select(1.0, 2.0)
    listening(desk)
    told(desk, pad, source=item.takes[0].source.path)
    other = desk.audio("other.wav")
    pad.done("cover", "someone-elses-1", str(other), "seed", 1)
    seen = lambda: desk.project.ext.get(("punchin", "seen"), "")  # noqa: E731
    desk.until(lambda: "someone-elses-1" in seen())
    desk.world.tick(5)
    assert (len(item.takes), desk.world.boxes) == (1, [])
    reaper_house.udp().send("/punchin/forget", "someone-elses-1")
