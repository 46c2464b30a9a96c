"""Packets: messages and bundles there and back, and what hostile bytes get."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol import packets
from bridge.protocol.commands import COMMANDS, EVENTS
from bridge.protocol.errors import PunchinError
from bridge.protocol.packets import DATAGRAM, FRAME, Group, decode, encode, encode_bundle, parts

NOW = 1_800_000_000.0
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
VALUE = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXT
)  # fmt: skip


def refusal(packet: bytes) -> PunchinError:
    with pytest.raises(PunchinError) as caught:
        decode(packet, NOW)
    assert caught.value.code == 101
    return caught.value


def time_tag(delay_s: float) -> int:
    return int((NOW + 2_208_988_800 + delay_s) * 2**32)


# -- messages ------------------------------------------------------------------------------------


@given(args=st.lists(VALUE, max_size=12))
@settings(deadline=None, max_examples=100)
def test_values_survive_the_packet(args: list[Any]) -> None:
    (group,) = decode(encode("/punchin/x", args))
    assert group == Group((("/punchin/x", args),))
    assert [type(v) for v in group.messages[0][1]] == [type(v) for v in args]


@pytest.mark.parametrize(("tag", "value"), [("i", 7), ("h", 7), ("f", 0.5), ("d", 0.1), ("s", "x")])
def test_tags_can_be_told(tag: str, value: Any) -> None:
    packet = encode("/a", [value], tag)
    assert b"," + tag.encode() in packet
    assert decode(packet)[0].messages[0][1] == [value]


def test_a_float_stays_a_double_and_a_long_integer_stays_whole() -> None:
    (group,) = decode(encode("/a", [0.1, 2**40, math.inf]))
    assert group.messages[0][1] == [0.1, 2**40, math.inf]


def test_a_message_without_type_tags_has_no_arguments() -> None:
    assert decode(b"/punchin/version\0\0\0\0") == [Group((("/punchin/version", []),))]


def test_texts_lose_only_what_osc_can_not_carry() -> None:
    (group,) = decode(encode("/a\0b", ["x\0y", "\ud800z", "Ö🎹"]))
    assert group.messages == (("/ab", ["xy", "?z", "Ö🎹"]),)


@pytest.mark.parametrize(
    ("value", "tags"), [(2**63, ""), (2**31, "i"), ("x", "i"), (None, ""), ([1], ""), (1, "?")]
)
def test_what_can_not_be_sent_is_a_numbered_error(value: Any, tags: str) -> None:
    with pytest.raises(PunchinError) as caught:
        encode("/a", [value], tags)
    assert caught.value.code == 101


# -- bundles -------------------------------------------------------------------------------------


def messages(*names: str) -> list[bytes]:
    return [encode(name, [i]) for i, name in enumerate(names)]


def test_a_bundle_is_one_group_in_order() -> None:
    packet = encode_bundle(messages("/c", "/a", "/b"))
    assert decode(packet) == [Group((("/c", [0]), ("/a", [1]), ("/b", [2])))]


def test_an_empty_bundle_is_nothing() -> None:
    assert decode(encode_bundle([])) == []


@pytest.mark.parametrize(
    ("ahead_s", "delay_s"), [(-3600, 0), (-0.5, 0), (0.5, 0.5), (59.5, 59.5), (61, 0), (1e6, 0)]
)
def test_time_tags(ahead_s: float, delay_s: float) -> None:
    (group,) = decode(encode_bundle(messages("/a"), time_tag(ahead_s)), NOW)
    assert group.delay_s == pytest.approx(delay_s, abs=1e-6)


@pytest.mark.parametrize("tag", [0, 1, 2**64 - 1])
def test_extreme_time_tags_mean_now(tag: int) -> None:
    assert decode(encode_bundle(messages("/a"), tag), NOW)[0].delay_s == 0


def test_nested_bundles_keep_their_order_and_their_own_time() -> None:
    later = encode_bundle(messages("/later", "/too"), time_tag(2))
    same = encode_bundle(messages("/same"))
    packet = encode_bundle([*messages("/first"), same, later, *messages("/last")])
    now, then, last = decode(packet, NOW)
    assert [m[0] for m in now.messages] == ["/first", "/same"]
    assert [m[0] for m in then.messages] == ["/later", "/too"]
    assert (now.delay_s, last.delay_s) == (0, 0)
    assert then.delay_s == pytest.approx(2, abs=1e-6)
    assert last.messages == (("/last", [0]),)


def nested(depth: int) -> bytes:
    packet = encode("/deep", [])
    for _ in range(depth):
        packet = encode_bundle([packet])
    return packet


def test_deep_nesting_is_refused() -> None:
    assert decode(nested(17)) == [Group((("/deep", []),))]
    assert "nested" in refusal(nested(18)).message
    assert refusal(nested(2000)).code == 101


def test_a_full_frame_of_messages_is_read_in_linear_work() -> None:
    message = encode("/a", [])
    count = (FRAME - 16) // (len(message) + 4)
    (group,) = decode(encode_bundle([message] * count))
    assert len(group.messages) == count > 80_000


# -- damage --------------------------------------------------------------------------------------

DAMAGED = {
    "nothing": b"",
    "zeros": bytes(64),
    "text": b"GET / HTTP/1.1\r\n\r\n\r\n",
    "no padding": b"/abc",
    "odd length": b"/a\0\0,i\0\0\0\0\0",
    "no comma": b"/a\0\0i\0\0\0\0\0\0\1",
    "missing value": b"/a\0\0,i\0\0",
    "missing text": b"/a\0\0,s\0\0",
    "open text": b"/a\0\0,s\0\0abcd",
    "unknown tag": b"/a\0\0,X\0\0",
    "a million unknown tags": b"/a\0\0," + b"z" * 1_000_003 + bytes(4),
    "too many arguments": b"/a\0\0," + b"T" * 2047 + bytes(4),
    "open array": b"/a\0\0,[[\0",
    "closed array": b"/a\0\0,]\0\0",
    "blob beyond the end": b"/a\0\0,b\0\0\x7f\xff\xff\xff",
    "blob of negative size": b"/a\0\0,b\0\0\xff\xff\xff\xff",
    "not UTF-8": b"/\xff\xfe\0,\0\0\0",
    "bundle without time": b"#bundle\0",
    "bundle cut in size": b"#bundle\0" + bytes(7) + b"\1" + b"\0\0",
    "bundle element beyond the end": b"#bundle\0" + bytes(7) + b"\1" + b"\0\0\0\x40/a\0\0",
    "bundle element of no size": b"#bundle\0" + bytes(7) + b"\1" + bytes(4),
    "bundle element of negative size": b"#bundle\0" + bytes(7) + b"\1" + b"\xff" * 4,
    "bundle element of odd size": b"#bundle\0" + bytes(7) + b"\1" + b"\0\0\0\3/a\0",
    "bundle of nonsense": b"#bundle\0" + bytes(7) + b"\1" + b"\0\0\0\4xxxx",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_packets(name: str, caplog: pytest.LogCaptureFixture) -> None:
    refusal(DAMAGED[name])
    assert caplog.records == []


@given(packet=st.binary(max_size=300))
@settings(deadline=None, max_examples=250)
def test_random_bytes_get_101_or_are_read(packet: bytes) -> None:
    for prefix in (b"", b"/a\0\0,", b"#bundle\0"):
        read_or_refuse(prefix + packet)


ROWS = [encode(row.address, [1, 2.5, "text", True]) for row in COMMANDS]


@given(data=st.data(), cut=st.integers(0, 3), flips=st.lists(st.integers(0, 10**6), max_size=6))
@settings(deadline=None, max_examples=250)
def test_mutated_packets_get_101_or_are_read(
    data: st.DataObject, cut: int, flips: list[int]
) -> None:
    picked = data.draw(st.lists(st.sampled_from(ROWS), min_size=1, max_size=3))
    packet = bytearray(encode_bundle(picked) if len(picked) > 1 else picked[0])
    for flip in flips:
        packet[flip % len(packet)] ^= 1 << (flip // len(packet)) % 8
    read_or_refuse(bytes(packet[: len(packet) - cut * 4]))


def read_or_refuse(packet: bytes) -> None:
    try:
        groups = decode(packet, NOW)
    except PunchinError as e:
        refused = e
    else:
        assert all(
            isinstance(m[0], str) and 0 <= g.delay_s <= 60 for g in groups for m in g.messages
        )
        return
    assert refused.code == 101


# -- parts ---------------------------------------------------------------------------------------


@given(
    text=st.text(st.characters(exclude_categories=("Cs",)), max_size=300), most=st.integers(4, 64)
)
@settings(deadline=None, max_examples=100)
def test_parts_join_to_the_same_text(text: str, most: int) -> None:
    pieces = [args for _, args in parts("x", text, most)]
    assert "".join(p[3] for p in pieces) == text
    assert [p[1] for p in pieces] == list(range(len(pieces)))
    assert {p[2] for p in pieces} == {len(pieces)}
    assert all(len(p[3].encode()) <= most for p in pieces)


@pytest.mark.parametrize("letter", ["x", "é", "音", "🎹", "\x01"])
def test_no_part_exceeds_a_datagram(letter: str) -> None:
    longest = max(
        len(encode(address, args)) for address, args in parts("describe.reply", letter * 50_000)
    )
    assert DATAGRAM // 2 < longest <= DATAGRAM


# -- every row through real packets --------------------------------------------------------------


@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_every_event_can_be_packed_with_its_own_tags(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(EVENTS))
    samples = {"i": st.integers(0, 9), "h": st.integers(), "s": TEXT}
    real = st.floats(0, 1, width=32)
    args = [data.draw(samples.get(a.kind.osc, real)) for a in row.args]
    packet = encode(row.address, args, "".join(a.kind.osc for a in row.args))
    assert decode(packet)[0].messages == ((row.address, args),)


def test_the_frame_limit_is_a_mebibyte() -> None:
    assert packets.FRAME == 1024 * 1024
    assert struct.calcsize(">I") == 4
