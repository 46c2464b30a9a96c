"""`punchin install reaper`: found, installed whole, updated by content, removed, on all systems."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE_S

from bridge.cli.main import main
from bridge.protocol.errors import PunchinError
from bridge.reaper import contents, folder, install
from bridge.reaper.keys import KEYS

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "reaper_scripts" / "Punchin"
ACTION = f"{contents.SCRIPTS}/punchin_Repaint time selection.lua"


@pytest.fixture
def place(tmp_path):
    """A resource folder of a REAPER that ran once."""
    made = tmp_path / "REAPER Ünïcode's"
    made.mkdir()
    (made / "reaper.ini").touch()
    return made


@pytest.fixture
def files():
    """A small installation."""
    return {
        ACTION: b"-- one\n",
        f"{contents.SCRIPTS}/lib/a.lua": b"return 1\n",
        contents.SURFACE: b"PLAY b/play\n",
    }


def tree(place):
    return {
        p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()
    }


def put(place, files):
    install.install(install.plan(place, files))


# -- where -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "env", "expected"),
    [
        ("linux", {}, ".config/REAPER"),
        ("linux", {"XDG_CONFIG_HOME": "{home}/xdg"}, "xdg/REAPER"),
        ("darwin", {}, "Library/Application Support/REAPER"),
        ("win32", {"APPDATA": "{home}/roaming"}, "roaming/REAPER"),
        ("win32", {}, "AppData/Roaming/REAPER"),
    ],
)
def test_reaper_is_found_on_every_system(tmp_path, system, env, expected):
    env = {k: v.format(home=tmp_path) for k, v in env.items()}
    with pytest.raises(PunchinError) as caught:
        folder.find(system, tmp_path, env)
    assert caught.value.code == 200
    assert "--to" in caught.value.message
    made = tmp_path / expected
    made.mkdir(parents=True)
    (made / "reaper.ini").touch()
    assert folder.find(system, tmp_path, env) == made


def test_a_folder_that_is_not_reaper_s_is_refused(tmp_path, capsys):
    assert main(["install", "reaper", "--to", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "error 200" in told
    assert "Show REAPER resource path" in told
    assert list(tmp_path.iterdir()) == []


# -- installing, updating, removing ----------------------------------------------------------------


def test_an_installation_and_its_removal_leave_nothing(place, files):
    before = tree(place)
    put(place, files)
    have = tree(place)
    assert {p: have[p] for p in files} == files
    assert not install.plan(place, files).is_needed
    gone, kept = install.remove(place)
    assert sorted(gone) == sorted(files)
    assert kept == []
    assert tree(place) == before
    assert not (place / contents.SCRIPTS).exists()


def test_an_update_brings_drops_and_leaves_the_rest(place, files):
    put(place, files)
    (place / contents.SCRIPTS / "my own.lua").write_text("mine")
    newer = {**files, ACTION: b"-- two\n", f"{contents.SCRIPTS}/lib/b.lua": b"return 2\n"}
    del newer[f"{contents.SCRIPTS}/lib/a.lua"]
    made = install.plan(place, newer)
    assert made.written == (f"{contents.SCRIPTS}/lib/b.lua", ACTION)
    assert made.dropped == (f"{contents.SCRIPTS}/lib/a.lua",)
    assert made.yours == ()
    install.install(made)
    have = tree(place)
    assert {p: have[p] for p in newer} == newer
    assert f"{contents.SCRIPTS}/lib/a.lua" not in have
    assert have[f"{contents.SCRIPTS}/my own.lua"] == b"mine"
    install.remove(place)
    assert (place / contents.SCRIPTS / "my own.lua").read_text() == "mine"


def test_what_the_user_changed_stays_beside_the_new_one(place, files):
    put(place, files)
    for number, path in enumerate((ACTION, contents.SURFACE)):
        (place / path).write_bytes(b"changed %d" % number)
    newer = {**files, ACTION: b"-- two\n", contents.SURFACE: b"STOP b/stop\n"}
    for suffix in ("", "-2"):
        put(place, newer)
        have = tree(place)
        assert have[ACTION] == b"-- two\n"
        assert have[f"{ACTION}.yours{suffix}"] == b"changed 0"
        assert have[f"{contents.SURFACE}.yours{suffix}"] == b"changed 1"
        (place / ACTION).write_bytes(b"changed 0")
        (place / contents.SURFACE).write_bytes(b"changed 1")


def test_removal_keeps_what_the_user_changed(place, files):
    put(place, files)
    (place / ACTION).write_bytes(b"mine now")
    gone, kept = install.remove(place)
    assert kept == [ACTION]
    assert ACTION not in gone
    assert (place / ACTION).read_bytes() == b"mine now"


def test_files_that_were_copied_by_hand_are_taken_as_the_user_s(place, files):
    (place / ACTION).parent.mkdir(parents=True)
    (place / ACTION).write_bytes(b"an old version")
    put(place, files)
    assert tree(place)[f"{ACTION}.yours"] == b"an old version"


@pytest.mark.parametrize("step", ["rename", "replace", "write_bytes", "mkdir"])
@pytest.mark.parametrize("first", [True, False])
def test_a_folder_that_can_t_be_written_stays_as_it_was(place, files, monkeypatch, step, first):
    if not first:
        put(place, {**files, ACTION: b"-- older\n"})
    before = tree(place)
    whole = getattr(Path, step)

    def refuse(self, *args, **kwargs):
        # The last path of each step, so that all that comes before has happened.
        if ".Punchin.new" in str(self) or (step == "mkdir" and self.name == "OSC"):
            raise PermissionError(13, "Permission denied", str(self))
        return whole(self, *args, **kwargs)

    made = install.plan(place, files)
    monkeypatch.setattr(Path, step, refuse)
    with pytest.raises(PermissionError):
        install.install(made)
    monkeypatch.undo()
    assert tree(place) == before


def test_an_installation_that_was_cut_off_is_mended(place, files):
    put(place, files)
    scripts = place / contents.SCRIPTS
    (scripts / "my own.lua").write_text("mine")
    scripts.rename(scripts.with_name(".Punchin.old"))
    put(place, {**files, ACTION: b"-- two\n"})
    have = tree(place)
    assert have[ACTION] == b"-- two\n"
    assert have[f"{contents.SCRIPTS}/my own.lua"] == b"mine"
    assert not any("/.Punchin" in p for p in have)


def test_a_manifest_can_t_reach_beyond_our_folder(place, files):
    put(place, files)
    (place / install.MANIFEST).write_text(
        '{"files": {"reaper.ini": "x", "Scripts/Punchin/../../reaper.ini": "x"}}'
    )
    assert install.manifest(place) == {}
    install.remove(place)
    assert (place / "reaper.ini").is_file()


def test_a_linked_folder_is_refused(place, files, tmp_path):
    (place / "Scripts").mkdir()
    (place / contents.SCRIPTS).symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(PunchinError, match="is a link"):
        install.plan(place, files)


# -- what the scripts are told ---------------------------------------------------------------------

WORDS = [
    "C:\\Program Files\\Python\\python.exe",
    'a "quoted" word',
    "日本",
    "tab\there",
    "line\nend",
]


@pytest.mark.parametrize("lua", ["lua53", "lua54"])
def test_the_facts_are_read_by_lua_as_they_were_told(lua):
    state = importlib.import_module(f"lupa.{lua}").LuaRuntime()
    told = state.execute(contents.facts(WORDS, Path("C:\\Users\\Jürgen\\punchin")))
    assert list(told.command.values()) == WORDS
    assert told.home == str(Path("C:\\Users\\Jürgen\\punchin"))


# -- the command -----------------------------------------------------------------------------------


def punchin(*words, cwd, **env):
    own = {k: v for k, v in os.environ.items() if not k.startswith(("PUNCHIN", "XDG", "PYTHON"))}
    return subprocess.run(
        words, env={**own, **env}, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S
    )


def test_a_real_installation(place, tmp_path):
    command = [sys.executable, "-m", "bridge", "install", "reaper"]
    told = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PUNCHIN_HOME": str(tmp_path / "jobs")}
    done = punchin(*command, "--to", str(place), cwd=tmp_path, **told)
    assert done.returncode == 0, done.stderr
    assert "punchin_Install actions.lua" in done.stdout
    assert all(f"Punchin: {action}" in done.stdout for action in KEYS)
    have = tree(place)
    for path in SCRIPTS.rglob("*.lua"):
        name = path.relative_to(SCRIPTS).as_posix()
        assert (f"{contents.SCRIPTS}/{name}" in have) == (name != "Punchin.lua")
    facts = importlib.import_module("lupa.lua54").LuaRuntime().execute(have[contents.FACTS])
    assert facts.home == str(tmp_path / "jobs")
    # What the scripts run, without the variables of this shell and from anywhere.
    ran = punchin(*facts.command.values(), "status", "--json", cwd="/")
    assert f"no daemon is running in {tmp_path / 'jobs'}" in ran.stdout
    again = punchin(*command, "--to", str(place), cwd=tmp_path, **told)
    assert "up to date" in again.stdout
    away = punchin(*command, "--to", str(place), "--remove", cwd=tmp_path, **told)
    assert away.returncode == 0, away.stderr
    assert [p for p in tree(place) if p != "reaper.ini"] == []


def test_a_rehearsal_changes_nothing(place, capsys):
    before = tree(place)
    assert main(["install", "reaper", "--to", str(place), "--dry-run"]) == 0
    assert "would write" in capsys.readouterr().out
    assert tree(place) == before
    assert main(["install", "reaper", "--to", str(place)]) == 0
    before = tree(place)
    capsys.readouterr()
    assert main(["install", "reaper", "--to", str(place), "--remove", "--dry-run"]) == 0
    assert "would remove" in capsys.readouterr().out
    assert tree(place) == before


def test_where_nothing_can_be_written_the_command_says_what_to_do(place, capsys):
    (place / "Scripts").write_text("a file where a folder must be")
    assert main(["install", "reaper", "--to", str(place)]) == 1
    told = capsys.readouterr().err
    assert "error 401" in told
    assert "make it writable" in told


def test_removal_without_an_installation(place, capsys):
    assert main(["install", "reaper", "--to", str(place), "--remove"]) == 1
    assert "nothing to remove" in capsys.readouterr().err


def test_every_key_belongs_to_an_action_and_none_twice():
    assert len(set(KEYS.values())) == len(KEYS)
    for action in KEYS:
        assert (SCRIPTS / f"punchin_{action}.lua").is_file(), action
