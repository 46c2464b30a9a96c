"""Checks of messages by the rows: order of errors, hints, and what counts as a resend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol import check
from bridge.protocol.commands import COMMAND, COMMANDS, Command
from bridge.protocol.errors import PunchinError

REPAINT = COMMAND["/punchin/repaint"]


def failure(run: Callable[..., Any], *args: Any) -> PunchinError:
    with pytest.raises(PunchinError) as caught:
        run(*args)
    return caught.value


def sent(*args: Any, row: Command = REPAINT) -> str:
    return check.as_sent(check.job_call(row, args))


# -- commands ------------------------------------------------------------------------------------


def test_every_address_finds_its_row() -> None:
    assert all(check.command(row.address) is row for row in COMMANDS)
    assert len(COMMAND) == len(COMMANDS)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("/punchin/repain", "/punchin/repaint"),
        ("/punchin/Status", "/punchin/status"),
        ("/live/song/get/tempo", "describe"),
        ("/punchin/*", "pattern"),
        ("/punchin/{jobs,job}", "pattern"),
        ("/punchin/jo?", "pattern"),
        ("/" + "x" * 100_000, "describe"),
    ],
)
def test_unknown_commands(address: str, hint: str) -> None:
    e = failure(check.command, address)
    assert e.code == 100
    assert hint in e.message
    assert len(e.message) < 300


# -- positional arguments ------------------------------------------------------------------------


def test_arguments_come_back_by_name() -> None:
    row = COMMAND["/punchin/tempo"]
    assert check.arguments(row, [120]) == {"bpm": 120.0}
    assert check.arguments(row, [120, 3.0, 4]) == {"bpm": 120.0, "beats": 3, "unit": 4}


@pytest.mark.parametrize(
    ("address", "args", "code", "word"),
    [
        ("tempo", [], 101, "bpm [beats] [unit]"),
        ("tempo", [120, 4, 4, 4], 101, "got 4"),
        ("tempo", ["fast"], 101, "bpm:"),
        ("tempo", [10], 103, "bpm:"),
        ("tempo", [10, "x"], 101, "beats:"),
        ("tempo", [120, 4, 5], 103, "unit:"),
        ("job", ["../x"], 104, "id"),
        ("lyrics", ["x" * 262_145], 106, "text:"),
        ("status", [1], 101, "no arguments"),
        ("gain", [99], 103, "gain:"),
    ],
)
def test_wrong_arguments(address: str, args: list[Any], code: int, word: str) -> None:
    e = failure(check.arguments, COMMAND[f"/punchin/{address}"], args)
    assert e.code == code
    assert word in e.message


def test_shape_is_checked_before_range_over_all_arguments() -> None:
    assert failure(check.arguments, COMMAND["/punchin/tempo"], [1e9, "x"]).code == 101


def test_one_empty_string_clears_only_where_the_row_says_so() -> None:
    assert check.clears(COMMAND["/punchin/region"], [""])
    assert check.clears(COMMAND["/punchin/key"], ("",))
    assert not check.clears(COMMAND["/punchin/region"], ["", ""])
    assert not check.clears(COMMAND["/punchin/region"], [])
    assert not check.clears(COMMAND["/punchin/prompt"], [""])
    assert check.arguments(COMMAND["/punchin/prompt"], [""]) == {"text": ""}


def test_signatures() -> None:
    assert check.signature(REPAINT) == "id [source] (key value)*"
    assert check.signature(COMMAND["/punchin/notify"]) == "on [port]"
    assert check.signature(COMMAND["/punchin/reset"]) == "no arguments"


# -- jobs ----------------------------------------------------------------------------------------


def test_an_odd_count_after_the_id_means_a_source() -> None:
    call = check.job_call(REPAINT, ["a", "/x.wav", "start", 1, "end", 2])
    assert (call.op, call.id, call.source) == ("repaint", "a", "/x.wav")
    assert call.keys == {"start": 1, "end": 2}
    call = check.job_call(REPAINT, ["*", "start", 1, "end", 2])
    assert (call.id, call.source) == ("*", None)
    assert check.job_call(REPAINT, ["a"]).keys == {}
    assert check.job_call(REPAINT, ["a", ""]).source is None


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        ([], 104, "id"),
        ([7, "/x.wav"], 104, "id"),
        (["nul", "/x.wav"], 104, "Windows"),
        (["a", 3], 101, "text"),
        (["a", "/x.wav", 3, "start"], 101, "key"),
        (["a", "start", 1, "start", 2], 101, "twice"),
        (["a", "x" * 9999, 1, "x" * 9999, 2], 101, "twice"),
    ],
)
def test_malformed_jobs(args: list[Any], code: int, word: str) -> None:
    e = failure(check.job_call, REPAINT, args)
    assert e.code == code
    assert word in e.message
    assert len(e.message) < 300


def test_pairs_need_a_value_each() -> None:
    assert failure(check.pairs, ["bpm"]).code == 101
    assert failure(check.pairs, [1, 2]).code == 101
    assert check.pairs([]) == {}


@pytest.mark.parametrize(
    ("name", "near"),
    [("promt", "prompt"), ("SEED", "seed"), ("tempo", "tempomap"), ("startframe", "start_frame")],
)
def test_unknown_keys_name_the_nearest(name: str, near: str) -> None:
    e = failure(check.known_keys, ["start", name])
    assert e.code == 102
    assert repr(near) in e.message


def test_unknown_keys_that_can_not_be_printed() -> None:
    for name in ("", "\ud800", "\n", "x" * 100_000):
        e = failure(check.known_keys, [name])
        assert e.code == 102
        e.message.encode("utf-8")
        assert len(e.message) < 300


def test_keys_are_shaped_then_limited() -> None:
    shaped = check.shape_keys({"takes": 9, "meter": "3/4"})
    assert shaped == {"takes": 9, "meter": "3/4"}
    e = failure(check.limit_keys, shaped)
    assert (e.code, e.message.startswith("takes:")) == (103, True)
    assert failure(check.shape_keys, {"takes": 9, "bpm": "x"}).message.startswith("bpm:")
    assert failure(check.shape_keys, {"tag": "x" * 1025}).code == 106


# -- resends -------------------------------------------------------------------------------------


def test_the_order_of_keys_and_the_form_of_numbers_do_not_matter() -> None:
    first = sent("a", "/x.wav", "start", 8, "end", 16.0, "takes", 1, "seed", 8)
    assert first == sent("a", "/x.wav", "seed", 8.0, "takes", True, "end", 16, "start", 8.0)
    assert sent("a", "start", 0.0) == sent("a", "start", -0.0)
    assert sent("a", "meter", "4/4") == sent("a", "meter", " 04/4")
    assert sent("a", "key", "Am") == sent("a", "key", "A minor")
    assert sent("a", "stems", "drums,bass") == sent("a", "stems", "drums, bass")
    map_ = "[[0,120,4,4]]"
    assert sent("a", "tempomap", map_) == sent("a", "tempomap", "[[0.0, 120, 4, 4, 0]]")


@pytest.mark.parametrize(
    "other",
    [
        ("a", "/y.wav", "start", 1, "end", 2),
        ("a", "start", 1, "end", 2),
        ("a", "/x.wav", "start", 1, "end", 2.001),
        ("a", "/x.wav", "start", 1, "end", 2, "tag", ""),
        ("a", "/x.wav", "start", 1, "end", "2"),
        ("a", "/x.wav", "start", 1, "ende", 2),
    ],
)
def test_other_arguments_are_told_apart(other: tuple[Any, ...]) -> None:
    assert sent("a", "/x.wav", "start", 1, "end", 2) != sent(*other)


def test_another_op_is_another_request() -> None:
    assert sent("a", "/x.wav") != sent("a", "/x.wav", row=COMMAND["/punchin/cover"])


_raw = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary()
_keys = st.sampled_from(["start", "takes", "seed", "tag", "meter", "stems", "wrong", "tempomap"])


@given(pairs=st.lists(st.tuples(_keys, _raw), unique_by=lambda p: p[0]), data=st.data())
@settings(deadline=None, max_examples=100)
def test_as_sent_takes_anything_in_any_order(
    pairs: list[tuple[str, Any]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(pairs))
    first = sent("a", *(v for pair in pairs for v in pair))
    assert first == sent("a", *(v for pair in shuffled for v in pair))
