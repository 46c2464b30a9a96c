"""`punchin send ADDRESS ARG…`: any message, and the replies that come soon."""

from __future__ import annotations

import argparse
import re
from typing import Any

from bridge.cli import show
from bridge.cli.connect import client
from bridge.cli.parser import Parser, add_connection
from bridge.client.values import Event

_TYPED = re.compile(r"([ihfd]):(.+)", re.DOTALL)
# `s:\music` is a Windows path, not the text `\music`.
_TEXT = re.compile(r"s:(?![\\/])(.*)", re.DOTALL)


def build(name: str) -> Parser:
    """Return the parser."""
    parser = Parser(
        name,
        "Sends one message and prints the replies. A number is sent as int or double, anything "
        "else as text; s:5 sends the text 5, f:5 the number 5.0.",
    )
    parser.add_argument("address", metavar="ADDRESS", help="/punchin/status, or just status")
    parser.add_argument("args", nargs="*", metavar="ARG")
    parser.add_argument("--wait", type=float, default=0.5, help="seconds to wait for replies")
    add_connection(parser)
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Send, print what comes; exit code 1 when an error came."""
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        if args.json:
            show.dump({"address": event.address, "args": list(event.args)})
        else:
            print(event.address, *event.args, flush=True)

    with client(args, hear) as daemon:
        daemon.send(args.address, *map(guess, args.args))
        daemon.listen(args.wait)
    return int(any(e.name in ("error", "failed") for e in heard))


def guess(word: str) -> Any:
    """Return a word as int, float or text; a prefix `i: h: f: d: s:` says which."""
    if text := _TEXT.fullmatch(word):
        return text[1]
    typed = _TYPED.fullmatch(word)
    if typed:
        value = _number(typed[2])
        if value is not None:
            return int(value) if typed[1] in "ih" else float(value)
    value = _number(word)
    return word if value is None else value


def _number(word: str) -> int | float | None:
    for make in (int, float):
        try:
            return make(word)
        except ValueError:
            continue
    return None
