"""From Python's values to the arguments of a message, and back from a reply."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.protocol.check import known_keys
from bridge.protocol.commands import PREFIX
from bridge.protocol.errors import NAMES, PunchinError, error
from bridge.protocol.kinds import PATH
from bridge.protocol.ops import KEY, OP
from bridge.protocol.packets import Message


def new_id() -> str:
    """Return a fresh job id: `cli-<UTC time>-<random>`.

    The client chooses ids, so that a request can be sent again after a lost connection without
    running twice.
    """
    return f"cli-{time.strftime('%y%m%d-%H%M%S', time.gmtime())}-{os.urandom(4).hex()}"


def absolute(path: str | os.PathLike[str]) -> str:
    """Return a path as the daemon needs it; a URL stays itself, for the daemon to refuse."""
    text = os.fspath(path)
    return text if not text or "://" in text else os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111


def job_args(id_: str, source: Any, keys: Mapping[str, Any]) -> list[Any]:
    """Return `id [source] (key value)*`; keys that are None are left out. Raises 102."""
    known_keys(keys)
    head = [id_] if source is None else [id_, absolute(source)]
    return head + pairs(keys)


def pairs(keys: Mapping[str, Any]) -> list[Any]:
    """Return `key value key value …` without the keys that are None."""
    given = {name: value for name, value in keys.items() if value is not None}
    return [part for name, value in given.items() for part in (name, key_value(name, value))]


def key_value(name: str, value: Any) -> Any:
    """Return one key's value for the wire: paths absolute, lists as the key's text form."""
    if KEY[name].kind is PATH and value != "":
        return absolute(value)
    if name == "tempomap" and not isinstance(value, str):
        return json.dumps([list(row) for row in value])
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(map(str, value))
    return value


def bundle_messages(messages: Iterable[tuple[str, Sequence[Any]]]) -> list[Message]:
    """Return messages ready for a bundle: full addresses, a fresh id for each job's `*`."""
    full = [(address_of(address), list(args)) for address, args in messages]
    for address, args in full:
        if address.removeprefix(PREFIX) in OP and args[:1] == ["*"]:
            args[0] = new_id()
    return full


def given(*values: Any) -> list[Any]:
    """Return positional arguments up to the first that is None."""
    return list(values[: values.index(None)] if None in values else values)


def remote_error(code: Any, name: Any, message: Any) -> PunchinError:
    """Return the exception for an error that the daemon told; unknown numbers become 500."""
    if code in NAMES:
        return error(int(code), str(message))
    return error(500, f"{name} ({code}): {message}")


def address_of(command: str) -> str:
    """Return `/punchin/<command>`; what begins with a slash is an address already."""
    return command if command.startswith("/") else PREFIX + command


def json_args(args: Sequence[Any]) -> Any:
    """Return the value of a reply whose only argument is JSON. Raises 500."""
    try:
        return json.loads(args[0])
    except (IndexError, TypeError, ValueError):
        raise error(500, "the daemon's reply is no JSON: restart it with punchin quit") from None
