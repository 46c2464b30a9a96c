"""`punchin describe [WORD]`: the command table, from the table itself; needs no daemon."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from bridge.cli import show
from bridge.cli.parser import Parser
from bridge.protocol.check import signature
from bridge.protocol.commands import COMMANDS, EVENTS
from bridge.protocol.describe import describe
from bridge.protocol.errors import ERRORS
from bridge.protocol.kinds import Kind
from bridge.protocol.ops import KEYS
from bridge.version import VERSION

Row = tuple[str, str]


def build(name: str) -> Parser:
    """Return the parser."""
    parser = Parser(name, "Prints commands, keys, events and errors.")
    parser.add_argument("word", nargs="?", default="", help="only the rows that contain this")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the table; exit code 1 when nothing contains the word."""
    if args.json:
        show.dump(describe(VERSION))
        return 0
    found = False
    for title, rows in _tables():
        kept = [r for r in rows if args.word.lower() in " ".join(r).lower()]
        if kept:
            print(f"{title}:" if not found else f"\n{title}:")
            found = True
            _print(kept)
    if not found:
        show.complain(f"nothing in the table contains {args.word!r}: see punchin describe")
    return int(not found)


def _tables() -> Iterator[tuple[str, list[Row]]]:
    yield (
        "commands",
        [(f"{c.address} {_arguments(signature(c))}".strip(), c.summary) for c in COMMANDS],
    )
    yield "keys", [(k.name, f"{k.meaning} · {_facts(k.kind)}") for k in KEYS]
    yield (
        "events",
        [(" ".join([e.address, *(a.name for a in e.args)]), e.summary) for e in EVENTS],
    )
    yield "errors", [(f"{e.code} {e.name}", e.meaning) for e in ERRORS]


def _arguments(text: str) -> str:
    return "" if text == "no arguments" else text


def _facts(kind: Kind) -> str:
    return " · ".join(dict.fromkeys(f for f in (kind.name, kind.range, kind.unit) if f))


def _print(rows: list[Row]) -> None:
    width = min(44, max(len(left) for left, _ in rows))
    for left, right in rows:
        print(f"  {left:<{width}}  {right}")
