"""`punchin install ableton`: finding the User Library, installing, updating, removing."""

from __future__ import annotations

import json

import pytest

from bridge.ableton import install, library
from bridge.cli.main import main
from bridge.protocol.errors import PunchinError

CFG = """<?xml version="1.0" encoding="UTF-8"?><Ableton><ContentLibrary><UserLibrary>
<LibraryProject Id="0"><ProjectName Value="{name}" /><ProjectPath Value="{path}" />
</LibraryProject></UserLibrary></ContentLibrary></Ableton>"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path / "home"))
    made = tmp_path / "User Library"
    made.mkdir()
    return made


def run(*words):
    return main(["install", "ableton", *map(str, words)])


def files(place):
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


def test_install_says_what_to_do_in_live(place, capsys, tmp_path):
    assert run("--to", place) == 0
    said = capsys.readouterr().out
    assert "Settings > Link, Tempo & MIDI" in said
    assert "Punchin" in said
    folder = place / "Remote Scripts" / "Punchin"
    for source in install.SOURCE.glob("*.py"):
        assert (folder / source.name).read_bytes() == source.read_bytes()
    assert json.loads((folder / "installed.json").read_text())["home"] == str(tmp_path / "home")
    assert run("--to", folder) == 0
    assert "up to date" in capsys.readouterr().out


def test_the_installed_script_finds_home_and_its_library(place, monkeypatch, tmp_path):
    from bridge.ableton.Punchin import places

    run("--to", place)
    folder = str(place / "Remote Scripts" / "Punchin")
    assert places.home(environ={}, folder=folder) == str(tmp_path / "home")
    assert places.user_library(folder) == str(place)
    assert places.results_folder("", folder) == str(place / "Samples" / "Punchin")


def test_update_replaces_what_differs_and_keeps_the_buttons(place, capsys):
    run("--to", place)
    folder = place / "Remote Scripts" / "Punchin"
    (folder / "osc.py").write_text("old")
    settings = json.loads((folder / "installed.json").read_text())
    settings["files"].append("gone.py")
    settings["buttons"] = {"channel": 3}
    (folder / "installed.json").write_text(json.dumps(settings))
    (folder / "gone.py").write_text("an older version's")
    (folder / "mine.py").write_text("the user's own")
    capsys.readouterr()
    assert run("--to", place, "--dry-run") == 0
    rehearsed = capsys.readouterr().out
    assert "would write" in rehearsed
    assert "would remove" in rehearsed
    assert (folder / "osc.py").read_text() == "old"
    assert run("--to", place) == 0
    assert "updated" in capsys.readouterr().out
    assert (folder / "osc.py").read_bytes() == (install.SOURCE / "osc.py").read_bytes()
    assert not (folder / "gone.py").exists()
    assert (folder / "mine.py").exists()
    assert json.loads((folder / "installed.json").read_text())["buttons"] == {"channel": 3}


def test_remove_takes_only_what_was_put_there(place, capsys):
    run("--to", place)
    folder = place / "Remote Scripts" / "Punchin"
    (folder / "mine.py").write_text("the user's own")
    assert run("--to", place, "--remove", "--dry-run") == 0
    assert len(files(place)) > 10
    assert run("--to", place, "--remove") == 0
    assert files(place) == ["Remote Scripts/Punchin/mine.py"]
    capsys.readouterr()
    assert run("--to", place, "--remove") == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_a_manifest_can_name_nothing_outside_the_folder(place):
    run("--to", place)
    folder = place / "Remote Scripts" / "Punchin"
    precious = place / "precious.py"
    precious.write_text("keep me")
    settings = json.loads((folder / "installed.json").read_text())
    settings["files"] += ["../../precious.py", str(precious)]
    (folder / "installed.json").write_text(json.dumps(settings))
    run("--to", place, "--remove")
    assert precious.exists()


@pytest.mark.parametrize("named", ["library", "parent"])
def test_live_s_own_settings_say_where_the_library_is(tmp_path, named):
    moved = tmp_path / "Drive & Co" / "User Library"
    (moved / "Ableton Folder Info").mkdir(parents=True)
    base = tmp_path / "Library" / "Preferences" / "Ableton" / "Live 12.1"
    base.mkdir(parents=True)
    path = moved.parent if named == "parent" else moved
    text = CFG.format(name="User Library", path=str(path).replace("&", "&amp;"))
    (base / "Library.cfg").write_text(text)
    assert library.find("darwin", tmp_path, {}) == moved


def test_the_usual_places(tmp_path):
    mac = tmp_path / "Music" / "Ableton" / "User Library"
    mac.mkdir(parents=True)
    assert library.find("darwin", tmp_path, {}) == mac
    profile = tmp_path / "OneDrive" / "Documents" / "Ableton" / "User Library"
    profile.mkdir(parents=True)
    env = {"USERPROFILE": str(tmp_path / "nobody"), "OneDrive": str(tmp_path / "OneDrive")}
    assert library.find("win32", tmp_path, env) == profile


def test_without_a_library_it_says_how_to_name_one(tmp_path, capsys):
    with pytest.raises(PunchinError) as caught:
        library.find("linux", tmp_path, {})
    assert caught.value.code == 200
    assert "--to" in str(caught.value)
    assert run("--to", tmp_path / "nowhere") == 1
    assert "--to" in capsys.readouterr().err


def test_a_linked_folder_is_left_alone(place, tmp_path, capsys):
    (place / "Remote Scripts").mkdir()
    (tmp_path / "checkout").mkdir()
    (place / "Remote Scripts" / "Punchin").symlink_to(tmp_path / "checkout")
    assert run("--to", place) == 1
    assert "is a link" in capsys.readouterr().err
