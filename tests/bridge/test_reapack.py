"""ReaPack: headers, the index made from them, and what its indexer would refuse."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest

from bridge.reaper import header, index, packages
from bridge.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "reaper_scripts" / "Punchin"
ACTIONS = sorted(SCRIPTS.glob("punchin_*.lua"))
# What ReaPack accepts as an address.
ADDRESS = re.compile(r"(?:[a-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[a-f0-9]{2})+", re.IGNORECASE)


def test_the_index_is_up_to_date_and_the_indexer_has_no_complaint(capsys):
    assert index.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("path", ACTIONS, ids=lambda p: p.stem)
def test_an_action_says_what_it_is(path):
    tags = header.read(path.read_text("utf-8"))
    assert tags["description"] == "Punchin: " + path.stem.removeprefix("punchin_")
    assert tags["version"] == VERSION
    assert tags["author"] == "Punchin"
    assert str(tags["about"]).endswith(".")
    assert tags["noindex"] is True, "the package Punchin.lua provides it"


def test_the_index_is_what_reapack_reads():
    tree = ET.fromstring((ROOT / "index.xml").read_bytes())
    assert tree.attrib == {"version": "1", "name": "Punchin"}
    (package,) = tree.findall("category/reapack")
    assert package.get("type") == "script"
    (version,) = package.findall("version")
    assert version.get("name") == VERSION
    have = {}
    for source in version.findall("source"):
        address = source.text or ""
        assert ADDRESS.fullmatch(address)
        name = source.get("file")
        assert unquote(address).endswith(f"/v{VERSION}/reaper_scripts/Punchin/{name}")
        have[name] = source.get("main")
    assert {n for n, main in have.items() if main == "main"} == {p.name for p in ACTIONS}
    lib = {f"lib/{p.name}" for p in (SCRIPTS / "lib").glob("*.lua")} - {"lib/installed.lua"}
    assert {n for n, main in have.items() if main is None} == lib
    about = package.findtext("metadata/description") or ""
    assert about.startswith("{\\rtf1")
    assert about.count("{") == about.count("}")


def test_an_index_for_this_machine(tmp_path):
    made = tmp_path / "index.xml"
    assert index.main(["--url", f"{ROOT.as_uri()}/$path", "--to", str(made)]) == 0
    for source in ET.fromstring(made.read_bytes()).iter("source"):
        assert Path(unquote((source.text or "").removeprefix("file://"))).is_file()


def test_a_released_version_has_its_date(tmp_path):
    root = folder(tmp_path, cat__a_lua="-- @version 1.2\n")
    assert "time=" not in index.make(root)[0]
    (root / "CHANGELOG.md").write_text("# Changes\n\n## 1.2 (2026-11-20)\n\n- all\n")
    tree = ET.fromstring(index.make(root)[0])
    assert tree.find("category/reapack/version").get("time") == "2026-11-20T00:00:00Z"


def test_a_header_is_read_as_the_indexer_reads_it():
    text = "\n".join((
        "-- @description One",
        "-- version: 1.2",
        "-- @provides",
        "--   a.lua",
        "--",
        "--   [main] b.lua",
        "--",
        "-- @noindex",
        "",
        "-- @author too late",
    ))  # fmt: skip
    assert header.read(text) == {
        "description": "One",
        "version": "1.2",
        "provides": "a.lua\n\n[main] b.lua",
        "noindex": True,
    }


def folder(tmp_path, **files):
    (tmp_path / packages.CONFIG).write_text("--name Test\n-U https://host.example/$path\n-i left\n")
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_lua", ".lua")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_files_at_the_top_and_ignored_ones_are_no_packages(tmp_path):
    root = folder(tmp_path, top_lua="nothing", left__a_lua="nothing", cat__a_lua="-- @version 1\n")
    found, complaints = packages.find(root, packages.config(root).ignored)
    assert [(p.category, p.name) for p in found] == [("cat", "a.lua")]
    assert complaints == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- nothing", "@version is missing"),
        ("-- @version one", "@version is missing or does not begin with a digit"),
        ("-- @description late\n\n-- @version 1", "@version is missing"),
        ("-- @version 1\n-- @author A\n--   B", "@author must have a value on one line"),
        ("-- @version 1\n-- @provides missing.lua", "file not found 'missing.lua'"),
        ("-- @version 1\n-- @provides [mian] b.lua", "unknown option 'mian'"),
        ("-- @version 1\n-- @provides", "@provides has no value"),
        ("-- @version 1\n-- @metapackage", "no sources found"),
        ("-- @version 1\n-- @metapackage yes", "@metapackage can't have a value"),
        ("-- @version 1\n-- @provides b.lua", "cat/b.lua conflicts with"),
        ("-- @version 1\n-- @provides\n--   .\n--   a.lua", "duplicate file cat/a.lua"),
    ],
)
def test_what_the_indexer_refuses(tmp_path, text, complaint):
    root = folder(tmp_path, cat__a_lua=text + "\n", cat__b_lua="-- @version 1\n")
    complaints = packages.find(root)[1]
    assert len(complaints) == 1
    assert complaint in complaints[0]


@pytest.mark.parametrize(
    "text",
    [
        "--name A:B -U https://h/$path",
        "--name abc -U https://h/$path",
        "--name Test -U https://h/x",
    ],
)
def test_a_bad_configuration_is_refused(tmp_path, text):
    (tmp_path / packages.CONFIG).write_text(text)
    with pytest.raises(packages.Complaint):
        packages.config(tmp_path)


def test_a_stale_index_is_told(tmp_path, capsys):
    old = tmp_path / "index.xml"
    old.write_text("<index/>")
    assert index.main(["--check", "--to", str(old)]) == 1
    assert "python -m bridge.reaper.index" in capsys.readouterr().err
