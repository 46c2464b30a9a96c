"""docs/ableton.md says what is there."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.ableton.Punchin import buttons, names

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ableton.md").read_text("utf-8")


def section(title):
    return re.split(r"^## ", PAGE.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def test_ten_steps_and_the_first_says_what_the_region_is():
    steps = re.findall(
        r"^(\d+)\. (.*(?:\n   .*)*)", section("Ten steps to the first repaint"), re.M
    )
    assert [int(n) for n, _ in steps] == list(range(1, 11))
    for word in ("no time selection inside a clip", "loop brace", "arrangement loop"):
        assert word in steps[0][1].replace("**", "")


def test_the_table_of_buttons_is_the_script_s():
    rows = re.findall(r"^\| (\d+)[^|]*\| (\w+) \|", section("Buttons"), re.M)
    assert [(int(n), action) for n, action in rows] == [
        (b.number, b.action) for b in buttons.layout({})
    ]
    assert f"channel {buttons.CHANNEL}" in section("Buttons")


def test_every_order_in_the_table_is_one_and_every_op_is_there():
    first = [row.split("|")[1] for row in section("Orders in names").splitlines() if "|" in row]
    shown = [text for cell in first for text in re.findall(r"`([^`]+)`", cell)]
    orders = [names.read(text) for text in shown]
    assert all(orders), shown
    assert {order.op for order in orders} == set(names.OPS)
    for stem in names.STEMS:
        assert f"`{stem}`" in section("Orders in names")


def test_the_list_of_sections_is_whole():
    titles = re.findall(r"^## (.+)$", PAGE, re.M)
    links = re.findall(r"^- \[(.+)\]\(#(.+)\)$", PAGE, re.M)
    assert [title for title, _ in links] == titles
    for title, anchor in links:
        assert anchor == re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_messages_that_the_page_explains_are_the_script_s():
    folder = ROOT / "bridge" / "ableton" / "Punchin"
    source = re.sub(
        r'"\s*\n\s*f?"', "", "\n".join(p.read_text("utf-8") for p in folder.glob("*.py"))
    )
    rows = [row.split("|")[1].strip() for row in section("When something is wrong").splitlines()
            if row.startswith("| ")]  # fmt: skip
    said = [r for r in rows if r not in ("it says", "---") and "…" not in r and "list of" not in r]
    assert len(said) >= 8
    for text in said:
        assert text.split(",")[0] in source, text
