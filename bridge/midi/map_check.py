"""Checks the messages of a map against the command table, before any control is moved.

A word such as `$value` is tried at both ends of its scale and between them, where it is no whole
number; the words about jobs stand for an id or a take that is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bridge.midi.maps import WORDS, Control, Message, filled
from bridge.protocol import check
from bridge.protocol.commands import Command
from bridge.protocol.errors import error

_BETWEEN = 0.3717  # no whole number in any scale that somebody would write
_TRIED = {"$job": "job-1", "$open": "job-1", "$take": 1, "$next": 1}


def check_messages(control: Control) -> None:
    """Raise the numbered error of the first message that could not be sent."""
    for address, args in control.messages:
        row = check.command(address)
        _known_words(args, control)
        for tried in _trials(control):
            _check(row, [filled(a, tried) for a in args])


def starts_job(messages: Sequence[Message]) -> bool:
    """Whether one of the messages asks for a job."""
    rows = (check.command(address) for address, _ in messages)
    return any(row.op or row.address == "/punchin/do" for row in rows)


def with_slot(message: Message, slot: str) -> Message:
    """Return a job's message with a slot, unless it has one or can't: a sweep is then one job."""
    address, args = message
    if not check.command(address).op or "slot" in args:
        return message
    return address, (*args, "slot", slot)


def _known_words(args: Sequence[Any], control: Control) -> None:
    for arg in args:
        if isinstance(arg, str) and arg.startswith("$") and arg not in WORDS:
            raise error(101, f"no word {arg[:40]}: use one of {', '.join(WORDS)}")
        if arg == "$cycle" and not control.cycle:
            raise error(101, "$cycle stands for values that are missing: give cycle = [ … ]")


def _trials(control: Control) -> Iterator[dict[str, Any]]:
    low, high = control.scale
    for value in (low, high, round(low + (high - low) * _BETWEEN, 4)):
        for step in control.cycle or (0,):
            tried = round(value) if control.round else value
            yield {**_TRIED, "$value": tried, "$cycle": step}


def _check(row: Command, args: Sequence[Any]) -> None:
    if row.op:
        call = check.job_call(row, args)
        if call.id != "*":
            raise error(104, "a control starts many jobs: give * as the id")
        _check_keys(call.keys)
    elif row.keys:
        _check_keys({k: v for k, v in check.pairs(args).items() if v != ""}, set(args[0::2]))
    elif not check.clears(row, args):
        check.arguments(row, args)


def _check_keys(keys: Any, names: Any = ()) -> None:
    check.known_keys({*keys, *names})
    check.limit_keys(check.shape_keys(keys))
