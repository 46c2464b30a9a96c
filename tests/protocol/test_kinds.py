"""Kinds: what each accepts, refuses, and with which number."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol import kinds as k
from bridge.protocol.commands import COMMANDS, EVENTS
from bridge.protocol.errors import PunchinError
from bridge.protocol.kinds import Kind
from bridge.protocol.ops import KEY, KEYS

ALL_KINDS = [
    *(a.kind for row in COMMANDS for a in row.args),
    *(a.kind for row in EVENTS for a in row.args),
    *(key.kind for key in KEYS),
]
HUGE = 10**400  # beyond every float


def code(kind: Kind, value: Any) -> int:
    with pytest.raises(PunchinError) as caught:
        kind.convert(value)
    message = caught.value.message
    assert message
    assert "\n" not in message
    return caught.value.code


# -- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "given_", "value"),
    [
        (k.BPM, 20, 20.0),
        (k.BPM, 400.0, 400.0),
        (k.SHARE, True, 1.0),
        (k.SHARE, False, 0.0),
        (k.LENGTH, 3600, 3600.0),
        (k.LENGTH, 5e-324, 5e-324),
        (k.SECONDS, -1, -1.0),
        (k.SEED, 2**31 - 1, 2**31 - 1),
        (k.SEED, 8.0, 8),
        (k.FRAME, 2**53, 2**53),
        (k.FRAME, float(2**40), 2**40),
        (k.FLAG, True, 1),
        (k.UNIT, 16.0, 16),
        (k.DECIBEL, -96, -96.0),
    ],
)
def test_legal_numbers(kind: Kind, given_: Any, value: float) -> None:
    converted = kind.convert(given_)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        (k.BPM, 19.999, 103),
        (k.BPM, 400.001, 103),
        (k.BPM, math.nan, 103),
        (k.BPM, math.inf, 103),
        (k.BPM, -math.inf, 103),
        (k.BPM, HUGE, 103),
        (k.BPM, -HUGE, 103),
        (k.BPM, "120", 101),
        (k.BPM, None, 101),
        (k.BPM, [120], 101),
        (k.BPM, b"120", 101),
        (k.LENGTH, 0, 103),
        (k.LENGTH, -0.0, 103),
        (k.BARS, 1024.5, 103),
        (k.SEED, -1, 103),
        (k.SEED, 2**31, 103),
        (k.SEED, 2**63 - 1, 103),
        (k.SEED, 1.5, 101),
        (k.SEED, math.nan, 103),
        (k.SEED, math.inf, 103),
        (k.SEED, HUGE, 103),
        (k.SEED, "1", 101),
        (k.FRAME, 2**53 + 1, 103),
        (k.FLAG, 2, 103),
        (k.FLAG, -1, 103),
        (k.UNIT, 3, 103),
        (k.UNIT, 0, 103),
        (k.UNIT, 64, 103),
        (k.BEATS, 0, 103),
        (k.BEATS, 33, 103),
        (k.DECIBEL, 12.5, 103),
    ],
)
def test_illegal_numbers(kind: Kind, value: Any, number: int) -> None:
    assert code(kind, value) == number


def test_a_number_longer_than_python_writes_out() -> None:
    assert code(k.BPM, 10**5000) == 103
    assert code(k.SEED, -(10**5000)) == 103
    assert code(k.TEXT, 10**5000) == 101
    assert code(k.ID, 10**5000) == 104


def test_an_endless_array_is_refused_in_few_words() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert code(k.BPM, nested) == 101
    assert code(k.TEXT, nested) == 101


def test_a_range_is_written_in_full() -> None:
    assert k.SEED.range == "0 … 2,147,483,647"
    assert k.LENGTH.range == "over 0 … 3,600"
    assert k.SECONDS.range == "-1,000,000 … 1,000,000"


@given(value=st.floats(width=32))
@settings(deadline=None, max_examples=100)
def test_bounds_hold_for_every_float(value: float) -> None:
    if 20 <= value <= 400:
        assert k.BPM.convert(value) == value
    else:
        assert code(k.BPM, value) == 103


# -- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [k.TEXT, k.WORD, k.TAG, k.PATH], ids=lambda kind: kind.name)
def test_texts_of_any_script_pass_unchanged(kind: Kind) -> None:
    for text in ("", "plain", "Ünïcode ♯ 音楽 🎹", "two\nlines\ttab", "a\u0301"):
        assert kind.convert(text) == text


@pytest.mark.parametrize("kind", [k.TEXT, k.WORD, k.TAG, k.PATH], ids=lambda kind: kind.name)
@pytest.mark.parametrize("value", [1, 1.0, True, None, b"x", ["x"], "\ud800", "a\udfffb", "a\0b"])
def test_what_is_no_text(kind: Kind, value: Any) -> None:
    assert code(kind, value) == 101


@pytest.mark.parametrize(("kind", "most"), [(k.TEXT, 262_144), (k.TAG, 1024), (k.WORD, 256)])
def test_texts_are_measured_in_bytes(kind: Kind, most: int) -> None:
    assert kind.convert("x" * most)
    assert kind.convert("é" * (most // 2))
    assert code(kind, "x" * (most + 1)) == 106
    assert code(kind, "é" * (most // 2 + 1)) == 106


@pytest.mark.parametrize("id_", ["a", "7", "A.b-c_d", "x" * 64, "con1", "nulx", "com10"])
def test_legal_ids(id_: str) -> None:
    assert k.ID.convert(id_) == id_
    assert k.JOB_ID.convert(id_) == id_


@pytest.mark.parametrize(
    "id_",
    [
        "", "*", ".a", "_a", "-a", "a.", "a/b", "a\\b", "..", "a b", "é", "a\n", "a\0", "x" * 65,
        "con", "NUL", "Aux", "prn", "com0", "COM9", "lpt1", "con.txt", "nul.a.b",
        "\ud800", 7, 7.0, None, True, ["a"],
    ],
)  # fmt: skip
def test_illegal_ids(id_: Any) -> None:
    assert code(k.ID, id_) == 104


def test_a_star_is_an_id_only_where_one_may_be_chosen() -> None:
    assert k.JOB_ID.convert("*") == "*"
    assert code(k.JOB_ID, "**") == 104


@pytest.mark.parametrize("value", ["", "a b", "../x", "é", 1, None])
def test_illegal_slots(value: Any) -> None:
    assert code(k.SLOT, value) == 101


@pytest.mark.parametrize("value", ["a", "a.b-1", "a:1", "a:8"])
def test_legal_job_references(value: str) -> None:
    assert k.OF.convert(value) == value


@pytest.mark.parametrize(
    ("value", "number"),
    [("a:0", 103), ("a:9", 103), ("a:", 101), ("a:b", 101), ("a:1:1", 101), ("", 101)]
    + [("a:٣", 101), ("a:" + "1" * 5000, 101), ("a:-1", 101), (3, 101), ("*", 101)],
)
def test_illegal_job_references(value: Any, number: int) -> None:
    assert code(k.OF, value) == number


def test_choices() -> None:
    assert KEY["side"].kind.convert("both") == "both"
    assert code(KEY["side"].kind, "Both") == 103
    assert code(KEY["side"].kind, "") == 103
    assert code(KEY["side"].kind, 1) == 101
    stems = KEY["stems"].kind
    assert stems.convert("drums, bass") == ("drums", "bass")
    assert stems.convert("bass,bass,drums") == ("bass", "drums")
    assert code(stems, "drums,,bass") == 101
    assert code(stems, "") == 101
    assert code(stems, "drums,kazoo") == 103


# -- all of them ---------------------------------------------------------------------------------

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.sampled_from([HUGE, -HUGE, "\ud800", "[" * 5000, "4/4", "C", "a:1", "*", "drums,bass"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


@pytest.mark.parametrize(
    "kind", {kind.name: kind for kind in ALL_KINDS}.values(), ids=lambda v: v.name
)
@given(value=_values)
@settings(deadline=None, max_examples=30)
def test_anything_is_either_taken_or_a_numbered_error(kind: Kind, value: Any) -> None:
    try:
        converted = kind.convert(value)
    except PunchinError as e:
        refusal = e
    else:
        json.dumps(converted)
        return
    assert refusal.code in (101, 103, 104, 106)
    assert "\n" not in refusal.message
    assert len(refusal.message.encode("utf-8")) < 600


def test_kinds_of_one_name_are_one_kind() -> None:
    by_name: dict[str, Kind] = {}
    for kind in ALL_KINDS:
        first = by_name.setdefault(kind.name, kind)
        assert (first.osc, first.range, first.unit) == (kind.osc, kind.range, kind.unit)


def test_every_kind_describes_itself_as_json() -> None:
    for kind in ALL_KINDS:
        facts = json.loads(json.dumps(kind.as_dict(), allow_nan=False))
        assert facts["kind"] == kind.name
        assert facts["type"] in "ihfds"
