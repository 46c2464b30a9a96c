"""What the installer puts into REAPER's resource folder: paths (with `/`) and bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.reaper import header

SCRIPTS = "Scripts/Punchin"
SURFACE = "OSC/Punchin.ReaperOSC"
FACTS = f"{SCRIPTS}/lib/installed.lua"
LAUNCHER = f"{SCRIPTS}/lib/punchin.py"


def contents(
    scripts: Path, surface: Path, command: Sequence[str], home: Path, launcher: str
) -> dict[str, bytes]:
    """Return every file of an installation by its path below the resource folder.

    `scripts` and `surface` are the folder and the pattern file that travel with Punchin; `command`
    are the words that run `punchin`, `home` is where the daemon keeps its jobs, `launcher` the text
    of the Python file that `command` names.
    """
    found = {
        f"{SCRIPTS}/{path.relative_to(scripts).as_posix()}": path.read_bytes()
        for path in sorted(scripts.rglob("*.lua"))
        if not _is_only_for_reapack(path)
    }
    return {
        **found,
        SURFACE: surface.read_bytes(),
        FACTS: facts(command, home).encode("utf-8"),
        LAUNCHER: launcher.encode("utf-8"),
    }


def _is_only_for_reapack(path: Path) -> bool:
    return bool(header.read(path.read_text("utf-8")).get("metapackage"))


def facts(command: Sequence[str], home: Path) -> str:
    """Return the Lua file that tells the scripts how to run `punchin` and where its home is."""
    words = ", ".join(map(quoted, command))
    return (
        "-- @noindex\n"
        "-- Written by `punchin install reaper`; a later installation writes it again.\n"
        f"return {{command = {{{words}}}, home = {quoted(str(home))}}}\n"
    )


def quoted(text: str) -> str:
    """Return a text as a Lua string literal."""
    safe = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\{ord(c):03d}" if c < " " else c for c in safe) + '"'


def launcher(environment: Mapping[str, str], search: Sequence[str]) -> str:
    """Return a Python file that runs `punchin` with these variables and folders to import from.

    A program with windows does not have the variables of a shell; those that it has go first.
    """
    return (
        '"""Runs the `punchin` that installed these scripts; REAPER\'s scripts call it."""\n'
        "import os\n"
        "import sys\n"
        f"for name, value in {dict(environment)!r}.items():\n"
        "    os.environ.setdefault(name, value)\n"
        f"sys.path[:0] = {list(search)!r}\n"
        "from bridge.entry import main\n"
        "sys.exit(main())\n"
    )
