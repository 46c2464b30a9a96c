"""The generated reference and Lua module: fresh, complete, and loadable."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.protocol.check import signature
from bridge.protocol.commands import COMMANDS, EVENTS
from bridge.protocol.errors import ERRORS
from bridge.protocol.ops import KEYS, OPS
from bridge.protocol.render import __main__ as render
from bridge.protocol.render import reference
from bridge.protocol.render.lua import content, literal, module


def test_the_files_in_the_checkout_are_fresh() -> None:
    assert render.stale(render.ROOT) == [], "run python -m bridge.protocol.render"


def test_check_tells_stale_and_missing_files(tmp_path: Path, capsys: Any) -> None:
    assert render.main(["--check"], tmp_path) == 1
    assert render.main([], tmp_path) == 0
    assert render.main(["--check"], tmp_path) == 0
    page = tmp_path / "docs/osc.md"
    page.write_text(page.read_text("utf-8") + "x", "utf-8")
    capsys.readouterr()
    assert render.main(["--check"], tmp_path) == 1
    told = capsys.readouterr().err
    assert "docs/osc.md" in told
    assert "protocol.lua" not in told


def test_every_row_is_in_the_reference() -> None:
    page = reference.reference()
    for row in COMMANDS:
        assert f"| `{row.address}` | `{signature(row)}` |" in page
        for arg in row.args:
            assert f"`{arg.name}`" in page
    for key in KEYS:
        assert f"| `{key.name}` | `{key.kind.osc}`" in page
    for event in EVENTS:
        assert f"| `{event.address}` |" in page
    for op in OPS:
        assert f"| `{op.name}` | {op.does} |" in page
    for row_ in ERRORS:
        assert f"| {row_.code} | {row_.name} | {row_.meaning} |" in page


def test_every_table_is_asked_for_once_and_nothing_is_left_to_fill_in() -> None:
    asked = reference.tables_named(reference.TEMPLATE.read_text("utf-8"))
    assert sorted(asked) == sorted(reference._TABLES)
    page = reference.reference()
    assert "{{" not in page
    assert "<!-- table" not in page


def test_every_table_row_has_as_many_cells_as_its_head() -> None:
    width = None
    for line in reference.reference().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else None
        if width is not None and cells is not None:
            assert cells == width, line
        width = cells


def test_links_inside_the_reference_lead_to_headings() -> None:
    page = reference.reference()
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-")
        for h in re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    }
    links = re.findall(r"\]\(#([^)]+)\)", page)
    assert len(links) == 10
    assert set(links) <= anchors


@pytest.mark.parametrize("version", ["lupa.lua53", "lupa.lua54"])
def test_the_lua_module_holds_what_the_table_holds(version: str) -> None:
    lua = importlib.import_module(version).LuaRuntime(unpack_returned_tuples=True)
    before = set(lua.globals())
    table = lua.execute(module())
    assert set(lua.globals()) == before, "the module makes a global"
    assert _plain(table) == _listless(content())


def _plain(value: Any) -> Any:
    """Lua data as Python data; sequences become dicts from 1, as Lua itself has it."""
    if hasattr(value, "items"):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _listless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _listless(v) for k, v in value.items()}
    if isinstance(value, list):
        return {i: _listless(v) for i, v in enumerate(value, 1)}
    return value


@pytest.mark.parametrize("text", ['say "hi"', "back\\slash", "two\nlines", "½ café 🎹", "[[x]]"])
def test_lua_texts_come_back(text: str) -> None:
    from lupa.lua54 import LuaRuntime

    assert LuaRuntime().execute(f"return {literal(text)}") == text


def test_lua_words_are_quoted_as_keys() -> None:
    from lupa.lua54 import LuaRuntime

    table = LuaRuntime().execute(f"return {literal({'end': 1, 'a-b': 2, 'start': 3, 7: 4})}")
    assert dict(table.items()) == {"end": 1, "a-b": 2, "start": 3, 7: 4}


def test_what_lua_lacks_is_refused() -> None:
    with pytest.raises(TypeError):
        literal(None)
