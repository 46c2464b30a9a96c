"""`punchin watch`: the events of all jobs, a line each, until Ctrl-C."""

from __future__ import annotations

import argparse

from bridge.cli import show
from bridge.cli.connect import client
from bridge.cli.parser import Parser, add_connection
from bridge.client.values import Event


def build(name: str) -> Parser:
    """Return the parser."""
    parser = Parser(name, "Prints the events of all jobs until Ctrl-C.")
    add_connection(parser)
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Print events until Ctrl-C."""
    with client(args) as daemon:
        daemon.notify(_as_json if args.json else _as_line)
        show.complain("watching all jobs; Ctrl-C ends it")
        try:
            daemon.listen()
        except KeyboardInterrupt:
            return 0
    return 0


def _as_json(event: Event) -> None:
    show.dump({"event": event.name, "args": list(event.args)})


def _as_line(event: Event) -> None:
    print(event.name, *map(show.word, event.args), flush=True)
