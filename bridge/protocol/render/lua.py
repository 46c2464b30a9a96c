"""The command table as a Lua module for the REAPER scripts: `lib/protocol.lua`.

Valid Lua 5.3 and 5.4, no globals; the module is one table that the file returns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.protocol.commands import COMMANDS, DEFAULT_PORT, EVENTS, PREFIX, PROTOCOL, TERMINAL, Arg
from bridge.protocol.errors import ERRORS
from bridge.protocol.kinds import Kind
from bridge.protocol.ops import FORMATS, KEYS, OPS, SINKS, STEMS

_HEADER = """\
-- @noindex
-- The Punchin protocol as data: commands, ops, keys, events, errors.
-- Made from the command table by `python -m bridge.protocol.render`; do not edit.

"""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = re.compile(
    "and|break|do|else|elseif|end|false|for|function|goto|if|in|local|nil|not|or|repeat|return"
    "|then|true|until|while"
)


def module() -> str:
    """Return the module's source text."""
    parts = [f"M.{name} = {_block(value)}" for name, value in content().items()]
    return _HEADER + "local M = {}\n\n" + "\n\n".join(parts) + "\n\nreturn M\n"


def content() -> dict[str, Any]:
    """Return what the Lua table holds, as plain Python data (lists become sequences from 1)."""
    return {
        "PROTOCOL": PROTOCOL,
        "PORT": DEFAULT_PORT,
        "PREFIX": PREFIX,
        "TERMINAL": list(TERMINAL),
        "STEMS": list(STEMS),
        "FORMATS": list(FORMATS),
        "SINKS": list(SINKS),
        "OPS": {op.name: {"does": op.does, "needs": list(op.needs)} for op in OPS},
        "OP_ORDER": [op.name for op in OPS],
        "COMMANDS": {
            row.address: {
                "args": [_arg(a) for a in row.args],
                "keys": row.keys,
                "reply": row.reply,
                "available": row.available,
            }
            for row in COMMANDS
        },
        "KEYS": {
            key.name: {**_kind(key.kind), "meaning": key.meaning, "ops": sorted(key.ops)}
            for key in KEYS
        },
        "EVENTS": {e.address: [_arg(a) for a in e.args] for e in EVENTS},
        "ERRORS": {row.code: {"name": row.name, "meaning": row.meaning} for row in ERRORS},
    }


def _arg(arg: Arg) -> dict[str, Any]:
    return {"name": arg.name, "type": arg.kind.osc, "optional": arg.optional}


def _kind(kind: Kind) -> dict[str, Any]:
    facts = kind.as_dict()
    return {k: facts[k] for k in ("type", "unit", "low", "high", "choices") if k in facts}


# -- Python data as Lua text ---------------------------------------------------------------------


def _block(value: Any) -> str:
    """Write a top-level value: tables with one entry a line."""
    if isinstance(value, Mapping):
        rows = [f"  {_key(k)} = {literal(v)}," for k, v in value.items()]
        return "\n".join(["{", *rows, "}"])
    return literal(value)


def literal(value: Any) -> str:
    """Return Lua source for a text, number, truth value, sequence or mapping."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "{" + ", ".join(literal(v) for v in value) + "}"
    raise TypeError(f"no Lua literal for {type(value).__name__}")


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _key(key: Any) -> str:
    if isinstance(key, str) and _NAME.fullmatch(key) and not _RESERVED.fullmatch(key):
        return key
    return f"[{literal(key)}]"
