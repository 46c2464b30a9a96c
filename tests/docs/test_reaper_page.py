"""docs/reaper.md says what there is: every action with its key, real messages, real commands."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.protocol.commands import COMMANDS
from bridge.reaper.keys import KEYS

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "reaper_scripts" / "Punchin"
PAGE = (ROOT / "docs" / "reaper.md").read_text("utf-8")
NAMES = {p.stem.removeprefix("punchin_") for p in SCRIPTS.glob("punchin_*.lua")}


def section(title):
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title):
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_action_is_listed_with_its_key():
    listed = {row[0]: row[1].strip("`–") for row in rows("The actions")}
    assert set(listed) == NAMES
    assert {name: key for name, key in listed.items() if key} == KEYS
    assert f"shows {len(NAMES)} entries" in section("A check in ten minutes")


def test_there_are_ten_steps():
    steps = re.findall(r"^(\d+)\. ", section("Ten steps to the first repaint"), re.MULTILINE)
    assert steps == [str(n) for n in range(1, 11)]


def test_the_messages_are_those_of_the_scripts():
    lua = "\n".join(p.read_text("utf-8") for p in SCRIPTS.rglob("*.lua"))
    quoted = [
        row[0].strip('"') for row in rows("When something is wrong") if row[0].startswith('"')
    ]
    assert len(quoted) > 8
    for text in quoted:
        # A word that the script fills in may stand for any.
        found = (
            text in lua or text.replace("No time is selected:", "No time is selected: drag") in lua
        )
        assert found, text


def test_the_addresses_exist():
    known = {c.address for c in COMMANDS}
    named = set(re.findall(r"(?<!~)(/punchin/[a-z/_]+[a-z])", PAGE))
    assert named
    assert named <= known


# Names in italics that are REAPER's or another program's own.
FOREIGN = {
    "Add python.exe to PATH", "Run", "Add…", "Yes", "Delete", "OSC (Open Sound Control)",
    "Device IP/port [send only]", "Options > Loop points linked to time selection",
    "Options > Show REAPER resource path", "Actions > Running scripts",
    "Script: punchin_Repaint time selection.lua",
}  # fmt: skip
SHORT = {"Repaint": "Repaint time selection", "Retake": "Retake selected item"}


def test_every_action_that_is_named_exists():
    named = set(re.findall(r"(?<![*\w])\*([A-Z][^*\n]+)\*(?!\*)", PAGE)) - FOREIGN
    assert "Import finished jobs" in named
    for name in named:
        assert SHORT.get(name, name.removesuffix("…").split(" > ")[0]) in NAMES, name


def test_every_link_leads_somewhere():
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    }
    for target in re.findall(r"\]\(#([^)]+)\)", PAGE):
        assert target in anchors
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE):
        assert (ROOT / "docs" / target).exists()
