"""From the arguments of a message to checked values, by the rows of the command table."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.protocol.commands import COMMAND, Arg, Command
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.ops import KEY, KEYS

_COMPARED = 80  # characters of a wrong name that are looked at for a likely one


@dataclass(frozen=True)
class JobCall:
    """A job as it was asked for: checked id, source and keys as they arrived.

    `keys` holds raw values; `shape_keys` and `limit_keys` check them in the contract's order.
    """

    op: str
    id: str
    source: str | None
    keys: Mapping[str, Any] = field(default_factory=dict)


def command(address: str) -> Command:
    """Return the row of `address`. Raises 100."""
    row = COMMAND.get(address)
    if row:
        return row
    if any(c in address for c in "*?[]{}"):
        raise error(
            100, f"{address[:80]} is a pattern: patterns are not expanded, name one address"
        )
    close = difflib.get_close_matches(address[:_COMPARED], COMMAND, 1)
    hint = f"did you mean {close[0]}?" if close else "ask /punchin/describe for the commands"
    raise error(100, f"no command {address[:80]}: {hint}")


def arguments(row: Command, args: Sequence[Any]) -> dict[str, Any]:
    """Return the positional arguments of a row without keys, by name. Raises 101, 103, 104, 106."""
    least = sum(not a.optional for a in row.args)
    if not least <= len(args) <= len(row.args):
        raise error(101, f"{row.address} takes {signature(row)}, got {len(args)}: send those")
    shaped = {a.name: _named(a, a.kind.shape, v) for a, v in zip(row.args, args, strict=False)}
    for arg in row.args:
        if arg.name in shaped:
            _named(arg, arg.kind.limit, shaped[arg.name])
    return shaped


def signature(row: Command) -> str:
    """Return the arguments of a row for people: `id [port]`."""
    words = [f"[{a.name}]" if a.optional else a.name for a in row.args]
    if row.keys:
        words.append("(key value)*")
    return " ".join(words) or "no arguments"


def clears(row: Command, args: Sequence[Any]) -> bool:
    """Whether the message is the single empty string that clears a value."""
    return row.clears and list(args) == [""]


def job_call(row: Command, args: Sequence[Any]) -> JobCall:
    """Split `id [source] (key value)*`. Raises 104 for the id, 101 (or 102) for the rest."""
    if not args:
        raise error(104, f"{row.address} needs an id first: send a new one, or *")
    id_, rest = row.args[0].kind.convert(args[0]), list(args[1:])
    first, keys = rest[: len(rest) % 2], pairs(rest[len(rest) % 2 :])
    if first and not isinstance(first[0], str):
        known_keys(keys)  # an unknown key is told before a source of the wrong kind
    source = row.args[1].kind.shape(first[0]) if first else None
    return JobCall(row.op, id_, source or None, keys)


def pairs(args: Sequence[Any]) -> dict[str, Any]:
    """Return `key value key value …` as raw values by key. Raises 101."""
    if len(args) % 2:
        raise error(101, "keys and values come in pairs: the last key has no value")
    names = args[0::2]
    if not all(isinstance(n, str) for n in names):
        raise error(101, "a key's name is a text: send key, value, key, value")
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise error(101, f"the key {twice[:40]!r} is given twice: send it once")
    return dict(zip(names, args[1::2], strict=True))


def known_keys(names: Iterable[str]) -> None:
    """Raise 102 for a key that the table lacks, naming the nearest one."""
    for name in names:
        if name not in KEY:
            raise error(102, f"no key {name[:40]!r}: did you mean {nearest(name)!r}?")


def nearest(name: str) -> str:
    """Return the known key that looks most like `name`."""
    return max(
        (key.name for key in KEYS),
        key=lambda known: difflib.SequenceMatcher(None, name[:_COMPARED].lower(), known).ratio(),
    )


def shape_keys(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return each value as its key's type. Raises 101, 106."""
    return {name: _named(KEY[name], KEY[name].kind.shape, value) for name, value in raw.items()}


def limit_keys(shaped: Mapping[str, Any]) -> None:
    """Raise 103 for the first value outside its range."""
    for name, value in shaped.items():
        _named(KEY[name], KEY[name].kind.limit, value)


def as_sent(call: JobCall) -> str:
    """Return the text that tells a resend from a conflict: types converted, keys in any order.

    A value that can't be converted, or a key that does not exist, stands for itself: such a request
    was never accepted, so it can only conflict.
    """
    keys = {name: _converted(name, value) for name, value in call.keys.items()}
    return json.dumps([call.op, call.source, keys], sort_keys=True, ensure_ascii=True, default=repr)


def _converted(name: str, value: Any) -> Any:
    try:
        return KEY[name].kind.shape(value)
    except (KeyError, PunchinError):
        return repr(value)


def _named(row: Any, check: Any, value: Any) -> Any:
    """Run one check and put the argument's name before its message."""
    try:
        return check(value)
    except PunchinError as e:
        if e.code == 104:
            raise
        raise error(e.code, f"{row.name}: {e.message}") from None


def describe_arg(arg: Arg) -> dict[str, Any]:
    """Return JSON-ready facts about one argument."""
    return {"name": arg.name, "optional": arg.optional, **arg.kind.as_dict()}
