"""`punchin install reaper [--to FOLDER] [--remove] [--dry-run]`: what is said and done."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bridge import places, resources
from bridge.client.launch import environment
from bridge.protocol.errors import error
from bridge.reaper import contents, folder, install
from bridge.reaper.keys import KEYS


def run(args: argparse.Namespace) -> int:
    """Install, update or remove; return the exit code. Raises error 200, 401."""
    if args.to:
        place = folder.told(Path(args.to))
    else:
        place = folder.find(sys.platform, Path.home(), os.environ)
    try:
        told = _remove(place, args.dry_run) if args.remove else _install(place, args.dry_run)
    except OSError as e:
        what = e.filename or place
        raise error(
            401, f"{what} can't be written ({e.strerror}): make it writable, or close REAPER first"
        ) from None
    print("\n".join(told))
    return 0


def _install(place: Path, rehearsal: bool) -> list[str]:
    made = install.plan(place, _contents(place))
    had = install.manifest(place) is not None
    if not made.is_needed:
        return [f"up to date: {len(made.contents)} files in {place / contents.SCRIPTS}"]
    if rehearsal:
        return [
            *(f"would write {place / path}" for path in made.written),
            *(f"would remove {place / path}" for path in made.dropped),
            *(f"would keep your version of {path} beside it" for path in made.yours),
        ]
    install.install(made)
    said = [f"{'updated' if had else 'installed'} {len(made.written)} files in {place}"]
    said += [f"your version of {path} is kept beside it as .yours" for path in made.yours]
    return said + (_AFTER_UPDATE if had else _first_steps(place))


_AFTER_UPDATE = [
    "If REAPER is open, start it again: the listener that runs in it is still the old one.",
    "New actions appear after you run the action Punchin: Install actions again.",
]


def _first_steps(place: Path) -> list[str]:
    width = max(map(len, KEYS.values()))
    return [
        "Once, in REAPER:",
        "  1. Actions > Show action list… (the key ?), then New action > Load ReaScript…",
        f"  2. choose {place / contents.SCRIPTS / 'punchin_Install actions.lua'}",
        "  3. double-click it in the list: all of Punchin's actions are there now",
        "  4. give them keys: select an action, Add… under Shortcuts. Suggested:",
        *(f"       {key:<{width}}  Punchin: {action}" for action, key in KEYS.items()),
        "undo it with: punchin install reaper --remove",
    ]


def _remove(place: Path, rehearsal: bool) -> list[str]:
    if rehearsal:
        return [f"would remove {place / path}" for path in sorted(install.manifest(place) or {})]
    gone, kept = install.remove(place)
    return [
        f"removed {len(gone)} files from {place}",
        *(f"kept {place / path}: you have changed it" for path in kept),
        "In REAPER's action list the actions are still named: type punchin, select them, Delete.",
    ]


def _contents(place: Path) -> dict[str, bytes]:
    scripts = resources.folder("reaper_scripts") / "Punchin"
    surface = resources.folder("presets") / "reaper" / "Punchin.ReaperOSC"
    variables = {**environment(), "PUNCHIN_HOME": str(places.home())}
    search = [p for p in variables.pop("PYTHONPATH", "").split(os.pathsep) if p]
    launcher = contents.launcher(variables, list(dict.fromkeys(search)))
    command = [sys.executable, str(place / contents.LAUNCHER)]
    return contents.contents(scripts, surface, command, places.home(), launcher)
