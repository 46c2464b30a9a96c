"""Files of the daemon that are damaged, huge, or tell of trouble: nothing is lost by them."""

from __future__ import annotations

import json

import pytest


def at_home(desk, job_id="r-1", op="repaint", state="done", **more):
    """A finished job of this project, as a daemon would leave it."""
    item = desk.item(desk.audio(seconds=4), length=4.0)
    project = desk.lua("return require('project').id(require('project').current())")
    tag = f"reaper:{project}:{item.guid}:{op}:1.000000000:2.000000000"
    folder = desk.home / "jobs" / job_id
    folder.mkdir(parents=True)
    mix = desk.audio("mix.wav", seconds=4)
    job = {
        "id": job_id, "op": op, "state": state, "fraction": 1.0, "tag": tag,
        "request": {"source": str(item.takes[0].source.path), "start_frame": 44100,
                    "end_frame": 88200, "seed": 1},
        "files": [{"role": "mix", "take": 1, "path": str(mix), "seconds": 4.0, "rate": 44100,
                   "channels": 2, "seed": 1}],
        "result": {"source_frame": 0, "seed": 1},
    } | more  # fmt: skip
    (folder / "job.json").write_text(json.dumps(job))
    row = {key: job[key] for key in ("id", "op", "state", "fraction", "tag")}
    path = desk.home / "recent.json"
    rows = json.loads(path.read_text()) if path.is_file() else []
    path.write_text(json.dumps([*rows, row]))
    return item


def listen(desk, ticks=400):
    desk.press("Background listener")
    desk.world.tick(ticks)


def test_a_job_from_the_disk_is_brought_in(lone_desk):
    item = at_home(lone_desk)
    listen(lone_desk, 30)
    assert len(item.takes) == 2
    assert lone_desk.world.boxes == []


DAMAGE = [
    b"", b"{", b"[1, 2, {}]", b"null", b"\xff\xfe\x00", b'[{"id": 7, "state": []}]',
    b'{"jobs": 3}', b"[" * 5000, b'[{"id": "x", "tag": 5}]', b'"text"',
]  # fmt: skip


@pytest.mark.parametrize("data", DAMAGE)
def test_a_damaged_list_of_jobs(lone_desk, data):
    item = at_home(lone_desk)
    whole = (lone_desk.home / "recent.json").read_bytes()
    (lone_desk.home / "recent.json").write_bytes(data)
    listen(lone_desk, 60)
    assert len(item.takes) == 1
    (lone_desk.home / "recent.json").write_bytes(whole)
    lone_desk.world.tick(30)
    assert len(item.takes) == 2
    assert lone_desk.world.boxes == []
    assert not [line for line in lone_desk.world.console if "mistake" in line]


@pytest.mark.parametrize("data", DAMAGE)
def test_a_damaged_job_is_told_once(lone_desk, data):
    item = at_home(lone_desk)
    (lone_desk.home / "jobs" / "r-1" / "job.json").write_bytes(data)
    listen(lone_desk)
    ((_, text),) = lone_desk.world.boxes
    assert "can't be read: look with punchin job r-1" in text
    assert len(item.takes) == 1


@pytest.mark.parametrize(
    "more",
    [{"files": None}, {"files": [{"role": "mix"}]}, {"files": []}, {"result": None},
     {"files": [{"role": "mix", "take": 1, "path": 7}]}],
    ids=str,
)  # fmt: skip
def test_a_job_with_parts_missing(lone_desk, more):
    item = at_home(lone_desk, **more)
    listen(lone_desk)
    ((_, text),) = lone_desk.world.boxes
    assert "The Repaint is done, but" in text
    assert len(item.takes) == 1
    assert lone_desk.project.undo == []


def test_a_list_of_a_thousand_jobs(lone_desk):
    item = at_home(lone_desk)
    path = lone_desk.home / "recent.json"
    rows = json.loads(path.read_text())
    tag = "reaper:OTHER:-:generate:0.000000000:1.000000000"
    other = {"op": "generate", "state": "queued", "fraction": 0.0, "tag": tag}
    path.write_text(json.dumps([{"id": f"o-{n}", **other} for n in range(1050)] + rows))
    listen(lone_desk, 30)
    assert len(item.takes) == 2


def test_a_list_that_is_no_list_any_more(lone_desk):
    item = at_home(lone_desk)
    (lone_desk.home / "recent.json").write_bytes(b"[" + b" " * (5 << 20) + b"]")
    listen(lone_desk, 30)
    assert (len(item.takes), lone_desk.world.boxes) == (1, [])


@pytest.mark.parametrize("key", ["jobs", "seen", "kept", "id"])
def test_a_damaged_memory_of_the_project(lone_desk, key):
    item = at_home(lone_desk)
    if key != "id":
        lone_desk.project.ext["punchin", key] = "{damaged"
    item.takes[0].ext["punchin"] = "{damaged"
    listen(lone_desk, 30)
    assert len(item.takes) == 2


ERRORS = [
    (400, "disk-full", "the disk is full: free some space, then try again"),
    (301, "not-supported-by-engine", "fake does no edit: choose another engine"),
    (304, "out-of-memory", "not enough memory: close other programs, or take a smaller model"),
]


@pytest.mark.parametrize(("code", "name", "message"), ERRORS, ids=lambda x: str(x)[:12])
def test_what_the_daemon_says_of_a_failure_is_what_is_told(lone_desk, code, name, message):
    error = {"code": code, "name": name, "message": message}
    item = at_home(lone_desk, state="failed", files=[], error=error)
    listen(lone_desk)
    assert lone_desk.world.boxes == [("Punchin", message)]
    assert len(item.takes) == 1


def test_a_failure_without_a_reason(lone_desk):
    at_home(lone_desk, state="failed", files=[], error=None)
    listen(lone_desk)
    assert "punchin job r-1" in lone_desk.world.boxes[0][1]


def test_a_result_that_reaper_can_t_open(lone_desk):
    item = at_home(lone_desk)
    lone_desk.folder.joinpath("mix.wav").unlink()
    lone_desk.folder.joinpath("mix.wav").symlink_to(lone_desk.folder / "gone.wav")
    listen(lone_desk)
    assert "its file is missing" in lone_desk.world.boxes[0][1]
    assert len(item.takes) == 1


def test_results_do_not_wait_for_a_daemon_that_is_gone(lone_desk):
    """Jobs of one press come together, unless nobody is left to end the other one."""
    done = at_home(lone_desk, "r-1")
    at_home(lone_desk, "r-2", state="running", files=[])
    facts = {"batch": "B", "op": "repaint", "start_s": 1.0, "end_s": 2.0, "position_s": 0.0}
    facts |= {"offset_s": 0.0, "playrate": 1.0, "item": done.guid}
    lone_desk.project.ext["punchin", "jobs"] = json.dumps({"r-1": facts, "r-2": facts})
    listen(lone_desk, 90)
    assert (len(done.takes), lone_desk.world.boxes) == (1, [])
    lone_desk.world.tick(120)
    assert len(done.takes) == 2
    ((_, text),) = lone_desk.world.boxes
    assert "stopped while a job was running" in text
    assert list(lone_desk.noted()) == ["r-2"]


# -- where things are ------------------------------------------------------------------------------

HOMES = [
    ("Win64", {"LOCALAPPDATA": "C:/Users/Mü/AppData/Local"}, "C:/Users/Mü/AppData/Local/punchin"),
    ("OSX64", {"HOME": "/Users/mü"}, "/Users/mü/Library/Application Support/punchin"),
    ("macOS-arm64", {"HOME": "/Users/m"}, "/Users/m/Library/Application Support/punchin"),
    ("Other", {"HOME": "/home/m"}, "/home/m/.local/share/punchin"),
    ("Other", {"HOME": "/home/m", "XDG_DATA_HOME": "/data"}, "/data/punchin"),
    ("Win64", {"PUNCHIN_HOME": "D:/punchin"}, "D:/punchin"),
]


@pytest.mark.parametrize(("system", "env", "home"), HOMES)
def test_the_home_folder_of_each_system(lone_desk, monkeypatch, system, env, home):
    for name in ("PUNCHIN_HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    lone_desk.world.system = system
    del lone_desk.world.ext["punchin", "home"]
    assert lone_desk.lua("return require('places').home()") == home


def test_a_windows_user_s_name_comes_from_reaper(lone_desk, monkeypatch):
    """Lua's getenv on Windows has another encoding than REAPER's paths."""
    monkeypatch.delenv("PUNCHIN_HOME", raising=False)
    monkeypatch.setenv("LOCALAPPDATA", "C:\\Users\\M?ller\\AppData\\Local")
    lone_desk.world.system = "Win64"
    lone_desk.world.resource = "C:\\Users\\Müller\\AppData\\Roaming\\REAPER"
    del lone_desk.world.ext["punchin", "home"]
    home = lone_desk.lua("return require('places').home()")
    assert home.replace("\\", "/") == "C:/Users/Müller/AppData/Local/punchin"
