"""`punchin <command>`: finds the command, loads its module, turns errors into exit codes.

A command's module has `build(name)`, which returns its parser; the parser's default `run` takes the
parsed arguments and returns the exit code: 0 done, 1 failed, 2 usage.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import sys
from importlib import import_module
from typing import Any

from bridge.cli.commands import COMMANDS, Entry
from bridge.client.values import NoDaemon
from bridge.protocol.errors import PunchinError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: list[str]) -> int:
    """Run one client command; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _command(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; Python would complain again when it flushes at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _command(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(overview())
        return DONE if argv else USAGE
    if argv[0] in ("-V", "--version"):
        from bridge.version import VERSION

        print(f"punchin {VERSION}")
        return DONE
    entry = COMMANDS.get(argv[0])
    if not entry or not entry.module:
        return _unknown(argv[0])
    return _run(entry, argv)


def _run(entry: Entry, argv: list[str]) -> int:
    try:
        args = import_module(f"bridge.cli.{entry.module}").build(argv[0]).parse_args(argv[1:])
    except SystemExit as leave:  # argparse has printed what there is to say
        return int(leave.code or 0)
    try:
        return int(args.run(args))
    except (PunchinError, NoDaemon, TimeoutError) as e:
        return _failed(e, getattr(args, "json", False))
    except KeyboardInterrupt:
        return INTERRUPTED


def _failed(reason: Exception, as_json: bool) -> int:
    from bridge.cli import show

    if as_json:
        show.dump({"error": show.failure(reason)})
    show.complain(show.failure_line(reason))
    return FAILED


def _unknown(name: str) -> int:
    close = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean {close[0]}?" if close else "see punchin --help"
    print(f"punchin: no command {name!r}: {hint}", file=sys.stderr)
    return USAGE


def overview() -> str:
    """Return the help of `punchin` itself."""
    lines = [
        "usage: punchin COMMAND …",
        "",
        "Re-records just the selected bars, with a music model.",
    ]
    width = max(map(len, COMMANDS))
    for group in dict.fromkeys(e.group for e in COMMANDS.values()):
        rows = [(n, e) for n, e in COMMANDS.items() if e.group == group]
        lines += ["", f"{group}:", *(f"  {n:<{width}}  {e.summary}" for n, e in rows)]
    lines += [
        "",
        "punchin COMMAND --help shows a command's options; punchin --version the version.",
    ]
    return "\n".join(lines)


def everything() -> dict[str, Any]:
    """Return the parser of every command, by name."""
    return {
        name: import_module(f"bridge.cli.{entry.module}").build(name)
        for name, entry in COMMANDS.items()
        if entry.module
    }
