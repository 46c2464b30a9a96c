"""What goes wrong between REAPER and the daemon: nothing is lost, one message says what to do."""

from __future__ import annotations

import json

import pytest
from wire_house import House

NO_DAEMON = "does not answer. Start it"


def ready(desk, **values):
    item = desk.item(desk.audio(seconds=4), length=4.0, **values)
    desk.select(1.0, 2.0)
    return item


def inbox(desk):
    return list((desk.home / "inbox").glob("*.json"))


@pytest.fixture
def own_house(tmp_path, lone_desk):
    """Start daemons on the home of a desk that has none."""
    made = []

    def start():
        made.append(House(lone_desk.home))
        return made[-1]

    yield start
    for house in made:
        house.stop()


# -- the daemon ------------------------------------------------------------------------------------


@pytest.mark.parametrize("items", [1, 3])
def test_no_daemon_is_told_once_and_the_message_taken_back(lone_desk, items):
    for _ in range(items):
        ready(lone_desk)
    assert NO_DAEMON in lone_desk.told("Repaint time selection")
    lone_desk.world.tick(300)
    assert len(lone_desk.world.boxes) == 1
    assert inbox(lone_desk) == []
    assert lone_desk.noted() == {}
    assert not any(t.ext.get("punchin_jobs") for i in lone_desk.project.items() for t in i.takes)
    assert not lone_desk.world.run_commands


def test_a_daemon_that_may_be_started_is_started(lone_desk, own_house):
    item = ready(lone_desk)
    del lone_desk.world.ext["punchin", "autostart"]
    lone_desk.world.answers.append(6)  # yes
    lone_desk.world.on_command = lambda _: own_house()
    lone_desk.press("Repaint time selection")
    lone_desk.until(lambda: len(item.takes) == 2)
    ((command, timeout),) = lone_desk.world.run_commands
    assert command.endswith("start")
    assert timeout < 0
    assert [text for _, text in lone_desk.world.boxes] == [
        "The Punchin daemon is not running. Start it now?"
    ]


def test_a_daemon_that_may_not_be_started_is_not(lone_desk):
    ready(lone_desk)
    del lone_desk.world.ext["punchin", "autostart"]
    lone_desk.world.answers.append(7)  # no
    lone_desk.press("Repaint time selection")
    lone_desk.until(lambda: len(lone_desk.world.boxes) == 2)
    lone_desk.world.tick(200)
    assert not lone_desk.world.run_commands
    assert NO_DAEMON in lone_desk.world.boxes[1][1]
    assert len(lone_desk.world.boxes) == 2
    assert inbox(lone_desk) == []


def test_a_daemon_that_is_killed_goes_on_when_it_is_back(lone_desk, own_house):
    house = own_house()
    item = ready(lone_desk)
    go = lone_desk.folder / "go"
    lone_desk.world.ext["punchin", "prompt"] = f"hold {go}"
    lone_desk.press("Repaint time selection")
    lone_desk.until(lambda: running(lone_desk))
    house.process.kill()
    house.process.wait()
    lone_desk.until(lambda: lone_desk.world.boxes)
    assert "stopped while a job was running" in lone_desk.world.boxes[0][1]
    lone_desk.world.tick(2000)
    assert len(lone_desk.world.boxes) == 1
    assert not any("version" in path.read_text() for path in inbox(lone_desk))
    go.touch()
    own_house()
    lone_desk.until(lambda: len(item.takes) == 2)
    assert len(lone_desk.world.boxes) == 1


def running(desk):
    path = desk.home / "recent.json"
    rows = json.loads(path.read_text()) if path.is_file() else []
    return any(row["state"] == "running" for row in rows)


def test_a_home_that_can_t_be_written(lone_desk):
    ready(lone_desk)
    ready(lone_desk)
    lone_desk.folder.joinpath("file").write_text("")
    lone_desk.world.ext["punchin", "home"] = str(lone_desk.folder / "file" / "home")
    assert "check the folder in Punchin: Settings" in lone_desk.told("Repaint time selection")
    lone_desk.world.tick(100)
    assert len(lone_desk.world.boxes) == 1
    assert lone_desk.noted() == {}


def test_another_protocol_is_told_before_anything_is_sent(lone_desk):
    ready(lone_desk)
    lone_desk.home.mkdir()
    facts = {"pid": 1, "host": "127.0.0.1", "port": 9, "protocol": 2, "version": "9.0"}
    lone_desk.home.joinpath("daemon.json").write_text(json.dumps(facts))
    text = lone_desk.told("Repaint time selection")
    assert "protocol 2" in text
    assert "update Punchin" in text
    assert inbox(lone_desk) == []


# -- what is selected ------------------------------------------------------------------------------


def nothing(desk):
    desk.select(1.0, 2.0)


def no_time(desk):
    ready(desk)
    desk.select(0.0, 0.0)


def time_elsewhere(desk):
    ready(desk)
    desk.select(10.0, 12.0)


def midi(desk):
    ready(desk).takes[0].source.media = "MIDI"


def no_source(desk):
    ready(desk).takes[0].source = None


def no_take(desk):
    desk.item(None)
    desk.select(1.0, 2.0)


def no_length(desk):
    ready(desk).values["D_LENGTH"] = 0.0


def locked(desk):
    ready(desk).values["C_LOCK"] = 1.0


def offline(desk):
    ready(desk).takes[0].source.path = "/Volumes/Gone/verse.wav"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (nothing, "No item is selected"),
        (no_time, "No time is selected"),
        (time_elsewhere, "does not touch the selected item"),
        (midi, "has no audio"),
        (no_source, "has no audio"),
        (no_take, "has no audio"),
        (no_length, "shorter than 10 ms"),
        (locked, "is locked: unlock it"),
        (offline, "file is missing (/Volumes/Gone/verse.wav): connect its drive"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_a_selection_that_can_t_be_repainted(lone_desk, state, text):
    state(lone_desk)
    assert text in lone_desk.told("Repaint time selection")
    assert inbox(lone_desk) == []
    assert lone_desk.project.undo == []


def test_items_on_several_tracks_make_no_one_backing(lone_desk):
    ready(lone_desk)
    ready(lone_desk)
    assert "different tracks" in lone_desk.told("Vocal to BGM")


def test_unusable_items_do_not_keep_the_others_back(desk):
    midi(desk)
    offline(desk)
    item = ready(desk)
    desk.delivered("Repaint time selection")
    assert len(item.takes) == 2


# -- paths and texts -------------------------------------------------------------------------------

PATHS = {
    "other letters": "Grüße aus Köln/日本語 🎤.wav",
    "spaces and quotes": 'it\'s "my" song/take 1 (final).wav',
    "very long": "/".join(["a" * 200] * 3) + "/clip.wav",
}


@pytest.mark.parametrize("name", PATHS.values(), ids=PATHS.keys())
def test_paths_of_all_kinds(desk, name):
    item = desk.item(desk.audio(name, seconds=4), length=4.0)
    desk.select(1.0, 2.0)
    desk.project.path = str(desk.folder / name) + ".rpp"
    desk.project.media = str(desk.folder.joinpath(name).parent / "Media „neu“")
    desk.delivered("Repaint time selection")
    assert item.takes[1].source.path.startswith(desk.project.media)


def test_texts_of_all_kinds(desk, reaper_house):
    item = ready(desk)
    prompt = 'it\'s a "loud" `thing` \\ für 日本 100 % [no]'
    item.notes = f"prompt: {prompt}\nla `la` 'la' \"la\"\t\\n"
    desk.delivered("Repaint time selection")
    kept = item.takes[1].ext["punchin"]
    request = reaper_house.job(json.loads(kept)["job"])["request"]
    assert (request["prompt"], request["lyrics"]) == (prompt, "la `la` 'la' \"la\"\t\\n")
    assert json.loads(kept)["request"] == request
    assert "`" not in kept, "REAPER's project file turns it into another quote"


# -- jobs that end otherwise -----------------------------------------------------------------------


def test_a_job_that_fails_is_told_with_its_reason(desk):
    item = ready(desk)
    desk.world.ext["punchin", "prompt"] = "raise"
    text = desk.told("Repaint time selection")
    assert text.strip()
    desk.world.tick(60)
    assert len(desk.world.boxes) == 1
    assert (len(item.takes), desk.project.undo, desk.noted()) == (1, [], {})


def test_a_worker_that_dies_is_told(desk):
    item = ready(desk)
    desk.world.ext["punchin", "prompt"] = "die"
    assert "died" in desk.told("Repaint time selection")
    assert (len(item.takes), desk.noted()) == (1, {})


def test_a_worker_that_dies_once_brings_its_take(desk):
    item = ready(desk)
    desk.world.ext["punchin", "prompt"] = f"die once {desk.folder / 'mark'}"
    desk.delivered("Repaint time selection")
    assert len(item.takes) == 2


def test_a_cancelled_job_leaves_nothing(desk, reaper_house):
    item = ready(desk)
    desk.world.ext["punchin", "prompt"] = "wait 30"
    desk.press("Repaint time selection")
    desk.until(desk.noted)
    (job_id,) = desk.noted()
    desk.until(lambda: (reaper_house.folder(job_id) / "job.json").is_file())
    reaper_house.udp().send("/punchin/cancel", job_id)
    desk.until(lambda: not desk.noted())
    assert (len(item.takes), desk.project.undo, desk.world.boxes) == (1, [], [])


def test_a_result_that_was_removed_by_hand(desk, reaper_house):
    item = ready(desk)
    (job_id,) = desk.sent("Repaint time selection")
    for file in reaper_house.job(job_id)["files"]:
        desk.folder.joinpath(file["path"]).unlink()
    desk.world.frozen.clear()
    desk.until(lambda: desk.world.boxes)
    assert "its file is missing" in desk.world.boxes[0][1]
    assert (len(item.takes), desk.project.undo) == (1, [])


def test_one_take_of_three_was_removed(desk, reaper_house):
    item = ready(desk)
    desk.world.ext["punchin", "takes"] = "3"
    (job_id,) = desk.sent("Repaint time selection")
    files = reaper_house.job(job_id)["files"]
    gone = next(f for f in files if (f["role"], f["take"]) == ("mix", 2))
    desk.folder.joinpath(gone["path"]).unlink()
    desk.arrive()
    assert [json.loads(t.ext["punchin"])["take"] for t in item.takes[1:]] == [1, 3]
    assert item.active == 1


# -- several takes ---------------------------------------------------------------------------------


def test_three_takes_are_takes_of_the_item(desk):
    item = ready(desk)
    desk.world.ext["punchin", "takes"] = "3"
    desk.delivered("Repaint time selection")
    seeds = [json.loads(t.ext["punchin"])["seed"] for t in item.takes[1:]]
    assert (len(item.takes), item.active) == (4, 1)
    assert seeds == [seeds[0], seeds[0] + 1, seeds[0] + 2]
    assert [t.name[-3:] for t in item.takes[1:]] == ["(1)", "(2)", "(3)"]


def test_a_chosen_take_is_chosen_in_every_stem(desk, reaper_house):
    item = ready(desk)
    desk.world.ext["punchin", "takes"] = "3"
    desk.delivered("Vocal to BGM")
    stems = [i for i in desk.project.items() if i is not item]
    assert {len(i.takes) for i in stems} == {3}
    assert len(stems) > 1
    job_id = json.loads(stems[0].takes[0].ext["punchin"])["job"]
    reaper_house.udp().send("/punchin/accept", job_id, 2)
    desk.until(lambda: {i.active for i in stems} == {1})
    assert desk.project.undo[-1][0] == "Punchin: Choose take"


# -- many at once ----------------------------------------------------------------------------------


def test_several_items_are_one_undo_step(desk):
    items = [ready(desk, at=i * 0.25) for i in range(4)]
    desk.press("Repaint time selection")
    desk.until(lambda: desk.project.undo or desk.world.boxes)
    assert not desk.world.boxes
    assert [len(i.takes) for i in items] == [2, 2, 2, 2]
    assert desk.world.undo() == "Punchin: Repaint (4 items)"
    assert [len(i.takes) for i in desk.project.items()] == [1, 1, 1, 1]
    desk.world.tick(60)
    assert [len(i.takes) for i in desk.project.items()] == [1, 1, 1, 1]


def test_several_that_the_daemon_does_not_list_are_one_undo_step(desk):
    """Its list is written a moment after the jobs, and does not hold what is old."""
    items = [ready(desk, at=i * 0.25) for i in range(4)]
    desk.sent("Repaint time selection")
    (desk.home / "recent.json").write_text("[]")
    desk.arrive()
    assert [len(i.takes) for i in items] == [2, 2, 2, 2]
    assert desk.world.undo() == "Punchin: Repaint (4 items)"


def test_one_of_several_fails_and_the_others_come(desk):
    items = [ready(desk) for _ in range(3)]
    items[1].notes = "prompt: raise"
    desk.press("Repaint time selection")
    desk.until(lambda: desk.world.boxes)
    assert len(desk.world.boxes) == 1
    assert [len(i.takes) for i in items] == [2, 1, 2]
    assert [name for name, _ in desk.project.undo] == ["Punchin: Repaint (2 items)"]
    assert desk.noted() == {}


def test_all_of_several_fail_for_one_reason(desk):
    for _ in range(3):
        ready(desk)
    desk.world.ext["punchin", "prompt"] = "raise"
    desk.told("Repaint time selection")
    desk.world.tick(60)
    assert len(desk.world.boxes) == 1
    assert desk.project.undo == []


def test_two_actions_pressed_one_after_the_other(desk):
    item = ready(desk)
    desk.press("Repaint time selection")
    desk.press("Repaint time selection")
    desk.until(lambda: len(item.takes) == 3)
    assert len(desk.project.undo) == 2
    listeners = [s for s in desk.world.states if s.path.name == "punchin_Background listener.lua"]
    assert len(listeners) == 1


def test_a_second_listener_ends_at_once(desk):
    desk.press("Background listener")
    desk.world.tick(10)
    desk.press("Background listener")
    assert len(desk.world.states) == 1
    assert "runs already" in desk.world.console[-1]
    item = ready(desk)
    desk.delivered("Repaint time selection")
    assert len(item.takes) == 2
