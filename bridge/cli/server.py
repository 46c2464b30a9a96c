"""Commands that ask the daemon one thing: `status`, `jobs`, `job`, `cancel`, `start`, `quit` …"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from bridge.cli import show
from bridge.cli.commands import COMMANDS
from bridge.cli.connect import client
from bridge.cli.parser import Parser, add_connection, converter
from bridge.client.wire import absolute
from bridge.protocol import kinds


def build(name: str) -> Parser:
    """Return the parser of one command."""
    summary = COMMANDS[name].summary
    parser = Parser(name, f"{summary[0].upper()}{summary[1:]}.")
    _ARGUMENTS.get(name, lambda _: None)(parser)
    if name != "start":
        add_connection(parser)
    parser.set_defaults(run=_RUN[name])
    return parser


def _id(parser: Parser, kind: kinds.Kind = kinds.ID) -> None:
    parser.add_argument("id", type=converter(kind), help=kind.range)


def _take(parser: Parser) -> None:
    _id(parser)
    parser.add_argument("take", type=int, nargs="?", default=1, help="1-8, default 1")


def _engine(parser: Parser) -> None:
    parser.add_argument("name", help="the engine; none frees the GPU")
    parser.add_argument("model", nargs="?", type=absolute, help="path of the model")


def _serve(parser: Parser) -> None:
    parser.add_argument("--port", help="the port; 0 takes a free one")
    parser.add_argument("--engine", help="the engine to begin with")
    parser.add_argument("--model", type=absolute, help="path of its model")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


_ARGUMENTS: dict[str, Callable[[Parser], None]] = {
    "job": _id,
    "forget": _id,
    "cancel": lambda parser: _id(parser, kinds.JOB_ID),
    "accept": _take,
    "engine": _engine,
    "start": _serve,
}


def _start(args: argparse.Namespace) -> int:
    from bridge.client.launch import launch, running

    told = running()
    if not told:
        options = {"--port": args.port, "--engine": args.engine, "--model": args.model}
        words = [w for k, v in options.items() if v is not None for w in (k, v)]
        told = launch(arguments=tuple(words))
    if args.json:
        show.dump(told)
    else:
        print(f"punchin daemon: pid {told['pid']}, port {told['port']}")
    return 0


def _answer(ask: str, people: Callable[[Any], None]) -> Callable[[argparse.Namespace], int]:
    """Return a command that prints what a method of the client returns."""

    def run(args: argparse.Namespace) -> int:
        with client(args) as daemon:
            wanted = [args.id] if "id" in args else []
            found = getattr(daemon, ask)(*wanted)
        if args.json:
            show.dump(found)
        else:
            people(found)
        return 0

    return run


def _job_list(found: Any) -> None:
    jobs = found.get("jobs", []) if isinstance(found, dict) else found
    for job in jobs:
        print(show.job_row(job))
    if not jobs:
        print("no jobs")


def _preset_list(found: Any) -> None:
    for group, presets in found.items():
        if presets:
            print(f"{group}:")
        rows = [
            (_preset_name(p), p.get("description") or "; ".join(p.get("mistakes", ())))
            for p in presets
        ]
        width = max((len(name) for name, _ in rows), default=0)
        for name, about in rows:
            print(f"  {name:<{width}}  {about}".rstrip())


def _preset_name(preset: Any) -> str:
    return str(preset.get("name") or preset.get("path", ""))


def _order(give: Callable[[Any, argparse.Namespace], Any]) -> Callable[[argparse.Namespace], int]:
    """Return a command that orders something and is silent when it was done."""

    def run(args: argparse.Namespace) -> int:
        with client(args) as daemon:
            give(daemon, args)
        if args.json:
            show.dump({"ok": True})
        return 0

    return run


_RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "start": _start,
    "status": _answer("status", show.facts),
    "context": _answer("context", show.facts),
    "player": _answer("player", show.facts),
    "presets": _answer("presets", _preset_list),
    "job": _answer("job", show.facts),
    "jobs": _answer("jobs", _job_list),
    "cancel": _order(lambda daemon, args: daemon.cancel(args.id)),
    "forget": _order(lambda daemon, args: daemon.forget(args.id)),
    "accept": _order(lambda daemon, args: daemon.accept(args.id, args.take)),
    "engine": _order(lambda daemon, args: daemon.engine(args.name, args.model).wait()),
    "quit": _order(lambda daemon, args: daemon.quit()),
}
