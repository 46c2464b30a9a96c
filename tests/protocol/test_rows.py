"""Every row of the table, with random arguments, through real packets."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol import check
from bridge.protocol.commands import COMMANDS, Command
from bridge.protocol.errors import PunchinError
from bridge.protocol.kinds import Kind
from bridge.protocol.ops import KEYS, Key
from bridge.protocol.packets import decode, encode

PLAIN = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=60)
ID = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,61}[A-Za-z0-9]", fullmatch=True).filter(
    lambda text: text[:3].lower() not in ("con", "prn", "aux", "nul", "com", "lpt")
)
METRE = st.builds("{}/{}".format, st.integers(1, 32), st.sampled_from([1, 2, 4, 8, 16, 32]))
MAP_ROW = st.tuples(
    st.floats(-1e6, 1e6), st.floats(20, 400), st.integers(1, 32),
    st.sampled_from([1, 2, 4, 8, 16, 32]), st.integers(0, 1),
)  # fmt: skip
MAP = st.lists(MAP_ROW, min_size=1, max_size=4, unique_by=lambda row: row[0]).map(json.dumps)
FORMS = {
    "text": PLAIN,
    "word": PLAIN,
    "tag": PLAIN,
    "path": PLAIN,
    "id": ID,
    "job id": ID | st.just("*"),
    "slot": ID,
    "job reference": ID | st.builds("{}:{}".format, ID, st.integers(1, 8)),
    "metre": METRE,
    "key name": st.builds("{} {}".format, st.sampled_from(["C", "F#", "Bb"]), st.just("minor")),
    "tempo map": MAP,
    "chords": st.lists(st.sampled_from(["C", "F#m", "Bb7", "Gsus4"]), min_size=1).map(" | ".join),
    "lora path": st.from_regex(r"/[a-z]{1,9}", fullmatch=True),
    "loras": st.lists(
        st.builds(
            "/{}.safetensors={}".format,
            st.from_regex(r"[a-z]{1,9}", fullmatch=True),
            st.floats(0, 4),
        ),
        min_size=1,
        max_size=8,
    ).map("|".join),
    "unit": st.sampled_from([1, 2, 4, 8, 16, 32]),
}


def legal(kind: Kind) -> st.SearchStrategy[Any]:
    """Return values of a kind, as a client would send them."""
    if kind.name in FORMS:
        return FORMS[kind.name]
    if kind.choices:
        one = st.sampled_from(kind.choices)
        return (
            st.lists(one, min_size=1, unique=True).map(",".join) if "comma" in kind.range else one
        )
    assert kind.low is not None
    assert kind.high is not None
    if kind.osc in "ih":
        return st.integers(math.ceil(kind.low), math.floor(kind.high))
    if kind.osc == "d":
        return st.floats(kind.low, kind.high, exclude_min=kind.range.startswith("over"))
    width = struct.unpack("f", struct.pack("f", kind.low))[0]
    return st.floats(width, kind.high, width=32)


def illegal(kind: Kind) -> st.SearchStrategy[Any]:
    """Return values that no client should send."""
    wrong: st.SearchStrategy[Any] = st.none()
    if kind.osc == "s":
        wrong |= st.integers(-9, 9) | st.floats(-9, 9)
        if kind.choices:
            wrong |= st.sampled_from(["", ",", "no such word", "drums;bass"])
        elif kind.name not in ("text", "word", "tag", "path"):
            wrong |= st.sampled_from(["", "#", "a b c/", "[[0]]"])
        return wrong
    assert kind.high is not None
    return wrong | st.sampled_from(["1", "", math.nan, math.inf, float(kind.high) * 2 + 1])


def through_packets(address: str, args: list[Any], tags: str = "") -> list[Any]:
    (group,) = decode(encode(address, args, tags))
    ((back, values),) = group.messages
    assert back == address
    return values


ROWS = [row for row in COMMANDS if row.args and not row.keys]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.address)
@given(data=st.data())
@settings(deadline=None, max_examples=12)
def test_legal_arguments_come_back_as_they_were(row: Command, data: st.DataObject) -> None:
    least = sum(not a.optional for a in row.args)
    used = row.args[: data.draw(st.integers(least, len(row.args)))]
    sent = [data.draw(legal(a.kind)) for a in used]
    expected = {a.name: a.kind.convert(v) for a, v in zip(used, sent, strict=True)}
    own = "".join(a.kind.osc for a in used)
    assert check.arguments(row, through_packets(row.address, sent)) == expected
    assert check.arguments(row, through_packets(row.address, sent, own)) == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.address)
@given(data=st.data())
@settings(deadline=None, max_examples=12)
def test_one_illegal_argument_is_a_numbered_error(row: Command, data: st.DataObject) -> None:
    args = [data.draw(legal(a.kind)) for a in row.args]
    at = data.draw(st.integers(0, len(args) - 1))
    args[at] = data.draw(illegal(row.args[at].kind).filter(lambda v: v is not None))
    with pytest.raises(PunchinError) as caught:
        check.arguments(row, through_packets(row.address, args))
    assert caught.value.code in (101, 103, 104)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
@given(data=st.data())
@settings(deadline=None, max_examples=12)
def test_legal_and_illegal_values_of_every_key(key: Key, data: st.DataObject) -> None:
    row = check.command("/punchin/repaint")
    good = data.draw(legal(key.kind))
    call = check.job_call(row, through_packets(row.address, ["a", "/x.wav", key.name, good]))
    check.known_keys(call.keys)
    shaped = check.shape_keys(call.keys)
    check.limit_keys(shaped)
    assert shaped == {key.name: key.kind.convert(good)}
    bad = data.draw(illegal(key.kind).filter(lambda v: v is not None))
    call = check.job_call(row, through_packets(row.address, ["a", key.name, bad]))
    with pytest.raises(PunchinError) as caught:
        check.limit_keys(check.shape_keys(call.keys))
    assert caught.value.code in (101, 103)
    assert caught.value.message.startswith(f"{key.name}: ")


@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_many_keys_in_any_order_are_the_same_request(data: st.DataObject) -> None:
    row = check.command("/punchin/extend")
    keys = data.draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=12))
    pairs = [(key.name, data.draw(legal(key.kind))) for key in keys]
    other = data.draw(st.permutations(pairs))
    first, second = (
        check.as_sent(
            check.job_call(row, through_packets(row.address, ["a", *(v for p in ps for v in p)]))
        )
        for ps in (pairs, other)
    )
    assert first == second
