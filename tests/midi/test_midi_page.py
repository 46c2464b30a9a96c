"""docs/midi.md says what the maps are: every field, word, setting, and the pads where they are."""

import re
from pathlib import Path

import pytest

from bridge.midi import map_entry, map_file, maps
from daemon.core.schema import ROWS

PAGE = (Path(__file__).parents[2] / "docs" / "midi.md").read_text("utf-8")
CODE = set(re.findall(r"`([^`\n]+)`", PAGE))


@pytest.mark.parametrize("name", [*map_entry._FIELDS, *map_file._TOP, *maps.WORDS])
def test_every_field_and_word_is_explained(name):
    assert name in CODE or f"[[{name}]]" in CODE or f"[{name}]" in CODE


def test_every_mode_and_state_is_explained():
    for word in (*maps.MODES["cc"], *maps.MOVES, *maps.CURVES):
        assert word in CODE
    for word in maps.LED_STATES:
        assert re.search(rf"\b{word}\b", PAGE)


def test_the_settings_are_named():
    for row in ROWS:
        if row.section == "midi" and row.key != "backend":
            assert re.search(rf"`{row.key}`|\b{row.key} = ", PAGE), row.name


def test_the_pads_are_where_the_table_has_them():
    told = re.findall(r"\| (\d\d) \**([a-z0-9 ]+?)\**(?= \|)", PAGE.replace("| |", "|"))
    cells = {int(n): name for n, name in told}
    cells |= {int(n): name for n, name in re.findall(r"(\d\d) \**([a-z0-9 ]+?)\** \|", PAGE)}
    pads = {c.trigger.number: c.name for c in map_file.load("pads-16").controls if not c.layer}
    assert {n: cells.get(n) for n in pads} == pads


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_the_settings_in_the_examples_are_right(block, tmp_path):
    from daemon.core.settings import load

    path = tmp_path / "punchin.toml"
    path.write_text(block)
    assert load(path, {}).midi.input == ("Launchpad",)
