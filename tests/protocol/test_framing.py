"""Framing on TCP: any chunking gives the same packets, for both framings."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.errors import PunchinError
from bridge.protocol.framing import Framer, sized, slip
from bridge.protocol.packets import FRAME

# Bytes that SLIP must escape are frequent.
BODY = st.lists(
    st.sampled_from([0xC0, 0xDB, 0xDC, 0xDD, 0, 1, 0x2F, 0xFF]), min_size=1, max_size=30
)
PACKETS = st.lists(BODY.map(bytes), min_size=1, max_size=6)


def chunked(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(c % (len(stream) + 1) for c in cuts)})
    return [stream[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("frame", [sized, slip])
@given(packets=PACKETS, cuts=st.lists(st.integers(0, 10_000), max_size=12))
@settings(deadline=None, max_examples=80)
def test_any_chunking_equals_one_shot(frame: object, packets: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(frame, packets))  # type: ignore[call-overload]
    framer = Framer()
    assert [p for chunk in chunked(stream, cuts) for p in framer.feed(chunk)] == packets
    assert Framer().feed(stream) == packets


@pytest.mark.parametrize("frame", [sized, slip])
def test_byte_by_byte(frame: object) -> None:
    framer, packet = Framer(), bytes(range(256))
    got = [p for i in frame(packet) for p in framer.feed(bytes([i]))]  # type: ignore[operator]
    assert got == [packet]


@pytest.mark.parametrize("frame", [sized, slip])
def test_an_answer_is_framed_like_the_question(frame: object) -> None:
    framer = Framer()
    framer.feed(frame(b"/a\0\0"))  # type: ignore[operator]
    assert framer.frame(b"\xc0/b\0") == frame(b"\xc0/b\0")  # type: ignore[operator]


def test_an_answer_before_any_question_has_a_length() -> None:
    assert Framer().frame(b"/a\0\0") == b"\0\0\0\4/a\0\0"


def test_empty_frames_are_skipped() -> None:
    assert Framer().feed(bytes(8) + sized(b"/a\0\0")) == [b"/a\0\0"]
    assert Framer().feed(b"\xc0\xc0\xc0" + slip(b"/a\0\0") + b"\xc0") == [b"/a\0\0"]


def test_slip_without_a_second_end_byte() -> None:
    assert Framer().feed(b"\xc0/a\0\0\xc0/b\0\0\xc0") == [b"/a\0\0", b"/b\0\0"]


@pytest.mark.parametrize(
    ("plain", "coded"),
    [
        (b"\xc0", b"\xdb\xdc"),
        (b"\xdb", b"\xdb\xdd"),
        (b"\xdb\xdc", b"\xdb\xdd\xdc"),
        (b"\xdb\xdd\xc0", b"\xdb\xdd\xdd\xdb\xdc"),
    ],
)
def test_slip_escapes(plain: bytes, coded: bytes) -> None:
    assert slip(plain) == b"\xc0" + coded + b"\xc0"
    assert Framer().feed(slip(plain)) == [plain]


@pytest.mark.parametrize("frame", [sized, slip])
def test_a_packet_of_one_mebibyte_passes(frame: object) -> None:
    packet = b"\xc0" * FRAME
    assert Framer().feed(frame(packet)) == [packet]  # type: ignore[operator]


def test_over_a_mebibyte_is_refused_from_its_length_alone() -> None:
    with pytest.raises(PunchinError) as caught:
        Framer().feed(struct.pack(">I", FRAME + 1))
    assert caught.value.code == 106


@pytest.mark.parametrize(
    "stream",
    [
        sized(b"/a\0\0") + sized(b"/b\0\0") + struct.pack(">I", FRAME + 1) + b"/a\0\0",
        slip(b"/a\0\0") + slip(b"/b\0\0") + slip(b"x" * (FRAME + 1)),
    ],
    ids=["length", "SLIP"],
)
@pytest.mark.parametrize("chunk", [5, 1000, 4 * FRAME])
def test_what_came_before_a_frame_too_large_is_not_lost(stream: bytes, chunk: int) -> None:
    framer = Framer()
    packets: list[bytes] = []
    refused: list[int] = []
    for at in range(0, len(stream), chunk):
        try:
            packets += framer.feed(stream[at : at + chunk])
        except PunchinError as e:
            refused.append(e.code)
    with pytest.raises(PunchinError):
        framer.feed(b"/")
    assert packets == [b"/a\0\0", b"/b\0\0"]
    assert set(refused) <= {106}


def test_what_is_no_osc_stream_at_all_is_refused() -> None:
    with pytest.raises(PunchinError) as caught:
        Framer().feed(b"GET / HTTP/1.1\r\n")
    assert caught.value.code == 106


def test_slip_over_a_mebibyte_is_refused() -> None:
    with pytest.raises(PunchinError) as caught:
        Framer().feed(slip(b"x" * (FRAME + 1)))
    assert caught.value.code == 106


def test_slip_without_an_end_does_not_grow_without_limit() -> None:
    framer = Framer()
    framer.feed(b"\xc0" + b"x" * (2 * FRAME))
    with pytest.raises(PunchinError) as caught:
        framer.feed(b"xx")
    assert caught.value.code == 106


@given(data=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400), max_size=8))
@settings(deadline=None, max_examples=80)
def test_random_bytes_give_packets_or_106(data: bytes, cuts: list[int]) -> None:
    for stream in (data, b"\xc0" + data):
        framer = Framer()
        try:
            for chunk in chunked(stream, cuts):
                framer.feed(chunk)
        except PunchinError as e:
            refused = e.code
        else:
            refused = 106
        assert refused == 106
