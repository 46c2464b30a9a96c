"""`describe`: the whole table as JSON. And the table itself: consistent with itself."""

from __future__ import annotations

import json
import re
import string

import pytest

from bridge.protocol.commands import COMMANDS, EVENT, EVENTS, PREFIX, PROTOCOL, TERMINAL
from bridge.protocol.describe import describe
from bridge.protocol.errors import ERRORS, NAMES, PunchinError, error
from bridge.protocol.ops import ALL, DAEMON_KEYS, KEY, KEYS, OP, OPS

DESCRIBED = json.loads(json.dumps(describe("1.2.3"), allow_nan=False))


def test_the_description_is_json_and_complete() -> None:
    assert DESCRIBED["protocol"] == PROTOCOL
    assert DESCRIBED["version"] == "1.2.3"
    assert [c["address"] for c in DESCRIBED["commands"]] == [row.address for row in COMMANDS]
    assert [o["op"] for o in DESCRIBED["ops"]] == [op.name for op in OPS]
    assert [k["key"] for k in DESCRIBED["keys"]] == [key.name for key in KEYS]
    assert [e["address"] for e in DESCRIBED["events"]] == [row.address for row in EVENTS]
    assert [e["code"] for e in DESCRIBED["errors"]] == [row.code for row in ERRORS]


def test_arguments_are_described_with_type_and_range() -> None:
    by_address = {c["address"]: c for c in DESCRIBED["commands"]}
    bpm, beats, unit = by_address["/punchin/tempo"]["args"]
    assert (bpm["type"], bpm["low"], bpm["high"], bpm["optional"]) == ("f", 20, 400, False)
    assert bpm["unit"] == "quarter notes per minute"
    assert (beats["name"], beats["optional"], unit["optional"]) == ("beats", True, True)
    assert by_address["/punchin/repaint"]["keys"] is True
    keys = {k["key"]: k for k in DESCRIBED["keys"]}
    assert keys["format"]["choices"] == ["source", "wav16", "wav24", "wav32f", "flac"]
    assert keys["track"]["ops"] == ["layer"]


def test_every_reply_is_a_message_of_the_table() -> None:
    assert {row.reply for row in COMMANDS if row.reply} <= set(EVENT)
    assert set(TERMINAL) <= set(EVENT)


def test_addresses_are_unique_and_plain() -> None:
    addresses = [row.address for row in (*COMMANDS, *EVENTS)]
    assert len(set(addresses)) == len(addresses)
    for address in addresses:
        assert address.startswith(PREFIX)
        assert re.fullmatch(r"[a-z_./]+", address)


def test_optional_arguments_come_last() -> None:
    for row in COMMANDS:
        optional = [a.optional for a in row.args]
        assert optional == sorted(optional), row.address


def test_needs_of_ops_are_keys() -> None:
    words = {word for op in OPS for need in op.needs for word in need.split("|")}
    assert words - {"source"} <= set(KEY)
    assert set(OP) == ALL
    for op in OPS:
        for need in op.needs:
            for word in set(need.split("|")) - {"source"}:
                assert op.name in KEY[word].ops, (op.name, word)


def test_keys_name_known_ops_and_the_daemons_keys_exist() -> None:
    assert all(key.ops <= ALL and key.ops for key in KEYS)
    assert set(KEY) >= DAEMON_KEYS


def test_summaries_are_one_line_for_people() -> None:
    texts = [r.summary for r in (*COMMANDS, *EVENTS)] + [k.meaning for k in KEYS]
    for text in texts:
        assert text
        assert text == text.strip()
        assert "\n" not in text
        assert not text.endswith(".")


def test_errors_are_unique_ordered_and_named_for_the_wire() -> None:
    codes = [row.code for row in ERRORS]
    assert codes == sorted(set(codes))
    for row in ERRORS:
        assert set(row.name) <= set(string.ascii_lowercase + "-")
        raised = error(row.code, "line one\nline two")
        assert (raised.code, raised.name, raised.message) == (
            row.code,
            row.name,
            "line one line two",
        )
        assert raised.as_dict() == {"code": row.code, "name": row.name, "message": raised.message}
    assert len(set(NAMES.values())) == len(NAMES)


def test_an_unknown_number_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError):
        PunchinError(199, "x")
