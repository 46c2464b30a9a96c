"""Bytes into messages: running status, real-time bytes anywhere, damage."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.midi.events import event_of
from bridge.midi.stream import SYSEX_MOST, Stream


def cut(*data):
    return [m.hex() for m in Stream().feed(bytes(data))]


def test_running_status_is_kept():
    assert cut(0x90, 60, 100, 61, 101, 60, 0) == ["903c64", "903d65", "903c00"]
    assert cut(0xC3, 5, 6) == ["c305", "c306"]


def test_a_clock_byte_inside_a_message_is_told_first_and_breaks_nothing():
    assert cut(0xB0, 7, 0xF8, 64, 0xF8, 65) == ["f8", "b00740", "f8"]
    assert cut(0xF0, 1, 0xFA, 2, 0xF7) == ["fa", "f00102f7"]


def test_system_messages_end_running_status():
    assert cut(0x90, 60, 1, 0xF2, 3, 4, 60, 1) == ["903c01", "f20304"]
    assert cut(0x90, 60, 1, 0xF6, 60, 1) == ["903c01", "f6"]
    assert cut(0x90, 60, 1, 0xF4, 60, 1) == ["903c01"]


def test_a_truncated_sysex_is_dropped_and_the_next_message_is_whole():
    assert cut(0xF0, 1, 2, 3, 0x90, 60, 1) == ["903c01"]
    assert cut(0xF0, 1, 0xF0, 2, 0xF7) == ["f002f7"]
    assert cut(0xF7, 1, 2, 0x90, 1, 2) == ["900102"]


def test_an_endless_sysex_takes_no_memory_and_hides_nothing_after_it():
    stream = Stream()
    assert stream.feed(b"\xf0" + b"\x01" * (3 * SYSEX_MOST)) == []
    assert len(stream._bytes) <= SYSEX_MOST
    assert stream.feed(b"\xf7\x90\x3c\x01") == [b"\x90\x3c\x01"]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
@settings(deadline=None, max_examples=150)
def test_any_bytes_in_any_portions_give_the_same_whole_messages(data, cuts):
    stream, found, at = Stream(), [], 0
    for end in [*sorted(min(c, len(data)) for c in cuts), len(data)]:
        found += stream.feed(data[at:end])
        at = end
    assert found == Stream().feed(data)
    for message in found:
        assert message[0] >= 0x80
        inner = message[1:-1] if message[0] == 0xF0 else message[1:]
        assert all(b < 0x80 for b in inner)
        event_of(message)


def test_events():
    assert vars(event_of(b"\x99\x24\x7f", "pad")) == {
        "kind": "note", "channel": 10, "number": 36, "value": 127, "port": "pad"
    }  # fmt: skip
    assert event_of(b"\x80\x24\x40").value == 0
    assert event_of(b"\xe0\x00\x40").value == 8192
    assert (event_of(b"\xc1\x05").number, event_of(b"\xc1\x05").value) == (5, 5)
    assert event_of(b"\xd0\x05") is None
    assert event_of(b"\xf8") is None
