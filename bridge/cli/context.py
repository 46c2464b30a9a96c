"""`punchin region|tempo|lyrics …`, `set`, `reset`, `play`, `swap` …: messages without a reply.

Arguments and options come from the command table.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bridge.cli import show
from bridge.cli.commands import context_rows
from bridge.cli.connect import client
from bridge.cli.parser import Parser, add_connection, add_key, converter, helped
from bridge.client.wire import pairs
from bridge.protocol.check import known_keys, signature
from bridge.protocol.commands import COMMAND, PREFIX, Command
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.ops import KEY, KEYS


def build(name: str) -> Parser:
    """Return the parser of one message."""
    row = COMMAND[context_rows().get(name, PREFIX + name)]
    parser = Parser(name, _about(row), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(run=run, row=row, parser=parser, file=None)
    parser.usage = " ".join(filter(None, (parser.prog, _usage(row), "[options]")))
    parser.add_argument("values", nargs="*", metavar=_usage(row), help=argparse.SUPPRESS)
    add_connection(parser)
    if name == "lyrics":
        parser.add_argument("--file", type=Path, help="read the words from this UTF-8 file")
    if row.keys:
        group = parser.add_argument_group("keys")
        for key in KEYS:
            add_key(group, key)
    return parser


def _usage(row: Command) -> str:
    return "KEY VALUE" if row.keys else signature(row).upper().replace("NO ARGUMENTS", "")


def _about(row: Command) -> str:
    lines = [f"{row.summary[0].upper()}{row.summary[1:]}.", ""]
    for arg in row.args:
        left = " (may be left out)" if arg.optional else ""
        lines.append(f"  {arg.name:<12} {helped(arg.kind.name, arg.kind)}{left}")
    if row.clears or row.address.endswith(("/lyrics", "/prompt")):
        lines += ["", "An empty text clears it."]
    return "\n".join(lines).replace("%%", "%").rstrip()


def run(args: argparse.Namespace) -> int:
    """Send the message; say what is wrong with it."""
    try:
        told = _arguments(args)
    except (PunchinError, argparse.ArgumentTypeError) as e:
        print(f"{args.parser.prog}: {e}", file=show.sys.stderr)
        return 2
    with client(args) as daemon:
        daemon.tell(args.row.address, *told)
    return 0


def _arguments(args: argparse.Namespace) -> list[Any]:
    row: Command = args.row
    if row.keys:
        return _pairs(args)
    words = _words(args)
    if row.clears and words == [""]:
        return words
    least = sum(not a.optional for a in row.args)
    if not least <= len(words) <= len(row.args):
        raise error(101, f"takes {signature(row)}, got {len(words)} arguments: see --help")
    return [_value(a.name, converter(a.kind), w) for a, w in zip(row.args, words, strict=False)]


def _words(args: argparse.Namespace) -> list[str]:
    if not args.file:
        return list(args.values)
    try:
        return [args.file.read_text("utf-8"), *args.values]
    except (OSError, UnicodeDecodeError) as e:
        raise error(201, f"{args.file} can't be read ({e}): give a UTF-8 text file") from None


def _value(name: str, convert: Any, word: str) -> Any:
    try:
        return convert(word)
    except argparse.ArgumentTypeError as e:
        raise argparse.ArgumentTypeError(f"{name}: {e}") from None


def _pairs(args: argparse.Namespace) -> list[Any]:
    """Return `KEY VALUE …` and `--key value …` as keys and values."""
    given = {k.removeprefix("key_"): v for k, v in vars(args).items() if k.startswith("key_")}
    words = args.values
    if len(words) % 2:
        raise error(101, f"{words[-1]!r} has no value: give KEY VALUE pairs")
    names = [w.replace("-", "_") for w in words[::2]]
    known_keys(names)
    for name, word in zip(names, words[1::2], strict=True):
        given[name] = _value(name, converter(KEY[name].kind), word) if word else ""
    if not any(v is not None for v in given.values()):
        raise error(101, "nothing to set: give KEY VALUE pairs")
    return pairs(given)
