"""The whole table as plain data: the answer to `/punchin/describe`."""

from __future__ import annotations

from typing import Any

from bridge.protocol.check import describe_arg
from bridge.protocol.commands import COMMANDS, EVENTS, PROTOCOL
from bridge.protocol.errors import ERRORS
from bridge.protocol.ops import KEYS, OPS


def describe(version: str) -> dict[str, Any]:
    """Return commands, ops, keys, events and errors, JSON-ready."""
    return {
        "protocol": PROTOCOL,
        "version": version,
        "commands": [
            {
                "address": row.address,
                "section": row.section,
                "summary": row.summary,
                "args": [describe_arg(a) for a in row.args],
                "keys": row.keys,
                "clears": row.clears,
                "reply": row.reply or None,
                "available": row.available,
            }
            for row in COMMANDS
        ],
        "ops": [{"op": op.name, "summary": op.does, "needs": list(op.needs)} for op in OPS],
        "keys": [
            {"key": key.name, "summary": key.meaning, "ops": sorted(key.ops), **key.kind.as_dict()}
            for key in KEYS
        ],
        "events": [
            {"address": e.address, "summary": e.summary, "args": [describe_arg(a) for a in e.args]}
            for e in EVENTS
        ],
        "errors": [{"code": e.code, "name": e.name, "summary": e.meaning} for e in ERRORS],
    }  # fmt: skip
