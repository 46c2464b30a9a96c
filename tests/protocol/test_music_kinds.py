"""Kinds that know music: metres, keys, tempo maps."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.protocol import kinds as k
from bridge.protocol.errors import PunchinError
from bridge.protocol.kinds import Kind


def code(kind: Kind, value: Any) -> int:
    with pytest.raises(PunchinError) as caught:
        kind.convert(value)
    message = caught.value.message
    assert message
    assert "\n" not in message
    return caught.value.code


@pytest.mark.parametrize(
    ("given_", "value"), [("4/4", "4/4"), (" 6/8 ", "6/8"), ("07/008", "7/8"), ("32/32", "32/32")]
)
def test_legal_metres(given_: str, value: str) -> None:
    assert k.METRE.convert(given_) == value


@pytest.mark.parametrize(
    ("value", "number"),
    [("4", 101), ("4/", 101), ("", 101), ("4/4/4", 101), ("-3/4", 101), ("4.0/4", 101), (4, 101)]
    + [("٤/٤", 101), ("0/4", 103), ("33/4", 103), ("4/3", 103), ("4/0", 103), ("4/64", 103)],
)
def test_illegal_metres(value: Any, number: int) -> None:
    assert code(k.METRE, value) == number


@pytest.mark.parametrize(
    ("given_", "value"),
    [
        ("C", "C major"), ("c# minor", "C# minor"), ("Am", "A minor"), ("AM", "A major"),
        ("bb", "Bb major"), ("BBmin", "Bb minor"), ("Eb Maj", "Eb major"),
        (" f# MINOR ", "F# minor"),
    ],
)  # fmt: skip
def test_legal_keys(given_: str, value: str) -> None:
    assert k.KEY_NAME.convert(given_) == value
    assert k.KEY_NAME.convert(value) == value


@pytest.mark.parametrize("value", ["", "H", "C##", "C dorian", "C minor 7", "A mın", "minor", 3])
def test_illegal_keys(value: Any) -> None:
    assert code(k.KEY_NAME, value) == 101


def test_a_tempo_map_is_ordered_and_filled_up() -> None:
    rows = k.TEMPO_MAP.convert("[[4, 90.5, 3, 4], [0, 120, 4, 4, 1], [8, 60, 6, 8, 0]]")
    assert rows == ((0.0, 120.0, 4, 4, 1), (4.0, 90.5, 3, 4, 0), (8.0, 60.0, 6, 8, 0))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 101), ("nope", 101), ("{}", 101), ("[]", 101), ("[[]]", 101), ("[1]", 101),
        ("[[0,120,4]]", 101), ("[[0,120,4,4,0,0]]", 101), ("[[0,120,4.5,4]]", 101),
        ('[["0",120,4,4]]', 101), ("[[0,NaN,4,4]]", 101), ("[[0,Infinity,4,4]]", 101),
        ("[[0,1e400,4,4]]", 101),
        (f"[[{10**400},120,4,4]]", 101), ("[[0,120,4,4],[0,60,4,4]]", 101),
        (f"[[{'9' * 5000},120,4,4]]", 101), ("[" * 100_000, 101), (b"[[0,120,4,4]]", 101),
        ("[[0,10,4,4]]", 103), ("[[0,401,4,4]]", 103), ("[[0,120,0,4]]", 103),
        ("[[0,120,4,5]]", 103), ("[[0,120,-4,4]]", 103), ("[[0,120,4,4]]" + " " * 2**18, 106),
    ],
    ids=lambda v: str(v)[:24],
)  # fmt: skip
def test_illegal_tempo_maps(text: Any, number: int) -> None:
    assert code(k.TEMPO_MAP, text) == number
