"""How the Lua files are written: both Luas take them, only REAPER's functions are called."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from fake_api import FOREIGN
from fake_strict import signatures

ROOT = Path(__file__).parents[2] / "reaper_scripts" / "Punchin"
ACTIONS = sorted(ROOT.glob("*.lua"))
LIB = sorted((ROOT / "lib").glob("*.lua"))
FILES = [*ACTIONS, *LIB]
MOST_LINES = 300

# Functions of REAPER that 6.09 does not have: asked for before they are called.
NEWER = {
    "AddRegionOrMarker", "GetNumRegionsOrMarkers", "GetRegionOrMarker",
    "GetRegionOrMarkerInfo_Value", "GetSetRegionOrMarkerInfo_String", "InsertTrackInProject",
    "PCM_Source_BuildPeaks", "SetRegionOrMarkerInfo_Value", "set_action_options",
    "Main_SaveProjectEx", "GetMediaFileMetadata",
}  # fmt: skip
# Blocks the window, shows its own dialogs, or is marked as not to be used any more.
UNWANTED = {"Main_SaveProject", "RenderFileSection", "GetProjectPath", "Undo_BeginBlock"}

both = pytest.mark.parametrize("lua", ["lua53", "lua54"])
every = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)

_COMPILES = """
return function(source)
  local chunk, why = load(source, "=chunk", "t", {})
  return chunk ~= nil, why
end
"""


def code_of(path):
    """Return a file without its comments and texts."""
    text = path.read_text("utf-8")
    text = re.sub(r"--\[(=*)\[.*?\]\1\]", "", text, flags=re.S)
    out, at = [], 0
    pattern = re.compile(
        r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|--[^\n]*|\[(=*)\[.*?\]\1\]', re.S
    )
    for found in pattern.finditer(text):
        out.append(text[at : found.start()])
        out.append("" if found[0].startswith("--") else '""')
        at = found.end()
    return "".join(out) + text[at:]


@both
@every
def test_it_compiles(lua, path):
    runtime = importlib.import_module(f"lupa.{lua}").LuaRuntime()
    ok, why = runtime.execute(_COMPILES)(path.read_bytes())
    assert ok, why


@every
def test_it_is_short_and_has_no_tabs(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert "\t" not in text
    assert "\r" not in text
    assert not re.search(r"[ \t]+$", text, re.M)
    assert text.endswith("\n")


@pytest.mark.parametrize("path", LIB, ids=lambda path: path.name)
def test_a_module_is_no_action_and_says_what_it_is(path):
    first, second, *_ = path.read_text("utf-8").splitlines()
    assert first == "-- @noindex"
    assert second.startswith("-- ")


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.name)
def test_an_action_has_the_tags_that_reapack_reads(path):
    lines = path.read_text("utf-8").splitlines()
    tags = [m[1] for line in lines if (m := re.match(r"-- @(\w+)", line))]
    assert tags[:3] == ["description", "version", "author"]
    assert {"about", "noindex"} & set(tags)
    last_tag = max(i for i, line in enumerate(lines) if line.startswith("-- @"))
    assert all(line.startswith("--") for line in lines[: last_tag + 1]), "a gap ends the header"


def calls(path):
    return set(re.findall(r"\breaper\.(\w+)", code_of(path)))


@every
def test_only_functions_that_reaper_has_are_called(path):
    for name in calls(path):
        known = name in signatures() or name in FOREIGN or name.startswith("ImGui_")
        assert known, f"reaper.{name} does not exist"
        assert name not in UNWANTED, f"reaper.{name} is not for us"


def is_asked_for(code, name):
    """Whether a file looks whether a function is there: `if reaper.X`, `not reaper.X`, …"""
    return re.search(rf"(?:if|not|or|and|=)\s+reaper\.{name}\b(?!\s*\()", code) is not None


@every
def test_newer_functions_and_extensions_are_asked_for_first(path):
    code = code_of(path)
    guards = {"GetRegionOrMarker", "GetRegionOrMarkerInfo_Value", "GetSetRegionOrMarkerInfo_String"}
    for name in calls(path) & (NEWER | FOREIGN):
        asked = "GetNumRegionsOrMarkers" if name in guards else name
        assert is_asked_for(code, asked), f"reaper.{name} is not in every REAPER"


@every
def test_nothing_waits(path):
    """No call that keeps REAPER's window waiting."""
    code = code_of(path)
    assert "os.execute" not in code
    assert "io.popen" not in code
    for found in re.findall(r"ExecProcess\([^\n]*", code):
        assert re.search(r",\s*-[12]\)", found), found
