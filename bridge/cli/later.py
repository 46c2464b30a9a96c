"""Commands of the contract that this version answers with error 301."""

from __future__ import annotations

import argparse

from bridge.cli.commands import COMMANDS
from bridge.cli.parser import Parser
from bridge.protocol.errors import error

_INSTEAD = {
    "devices": "this version plays nothing itself: play the files that a job leaves",
    "midi": "this version has no MIDI maps: send the messages with punchin send or any OSC client",
}


def build(name: str) -> Parser:
    """Return a parser that takes whatever follows."""
    about = f"{COMMANDS[name].summary}: not in this version."
    # No word is an option, so that every form of the command gets the same answer.
    parser = Parser(name, about, prefix_chars="\0", add_help=False)
    parser.add_argument("words", nargs="*")
    parser.set_defaults(run=run, command=name)
    return parser


def run(args: argparse.Namespace) -> int:
    """Raise 301, saying what to do instead."""
    raise error(301, _INSTEAD[args.command])
