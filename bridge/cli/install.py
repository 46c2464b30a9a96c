"""`punchin install service|reaper|ableton [--to FOLDER] [--remove] [--dry-run]`."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from bridge import places
from bridge.cli import install_ableton, install_reaper, show
from bridge.cli.parser import Parser
from bridge.client.launch import command, environment, running
from bridge.install import service
from bridge.protocol.errors import error


def build(name: str) -> Parser:
    """Return the parser."""
    parser = Parser(name, "Installs the login service, or the scripts for a DAW.")
    parser.add_argument("what", choices=("service", "reaper", "ableton"))
    parser.add_argument("--to", metavar="FOLDER", help="the DAW's folder, where it is not found")
    parser.add_argument("--remove", action="store_true", help="undo it")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Install or remove, and say what was done."""
    if args.what == "reaper":
        return install_reaper.run(args)
    if args.what == "ableton":
        return install_ableton.run(args)
    place = _place()
    made = service.plan(sys.platform, place)
    try:
        told = _carry_out(made, args)
    except OSError as e:
        raise error(401, f"{made.path} can't be written ({e.strerror}): make it writable") from None
    print("\n".join(told))
    if place.busy and not args.remove:
        show.complain("a daemon runs already: the service takes over at the next login")
    return 0


def _carry_out(made: service.Plan, args: argparse.Namespace) -> list[str]:
    if args.dry_run:
        return service.rehearse(made, args.remove)
    return service.remove(made) if args.remove else service.install(made)


def _place() -> service.Place:
    user = getpass.getuser()
    if sys.platform == "win32":
        user = f"{os.environ.get('USERDOMAIN', '.')}\\{user}"
    elif sys.platform == "darwin":
        user = str(os.getuid())
    return service.Place(
        Path.home(),
        _config(),
        places.home(),
        _windowless(command()),
        environment(),
        user,
        running() is not None,
    )


def _config() -> Path:
    """Return the folder whose parent holds systemd's user units, else Punchin's own."""
    if sys.platform in ("win32", "darwin"):
        return places.config()
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "punchin"


def _windowless(words: list[str]) -> list[str]:
    """Return the command without a console window on Windows."""
    quiet = Path(words[0]).with_name("pythonw.exe")
    return [str(quiet), *words[1:]] if sys.platform == "win32" and quiet.exists() else words
