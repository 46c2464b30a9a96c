"""`punchin install ableton [--to FOLDER] [--remove] [--dry-run]`: what is said and done."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bridge import places
from bridge.ableton import install, library
from bridge.protocol.errors import error


def run(args: argparse.Namespace) -> int:
    """Install, update or remove; return the exit code. Raises error 200, 401."""
    if args.to:
        place = library.told(Path(args.to))
    else:
        place = library.find(sys.platform, Path.home(), os.environ)
    try:
        told = _remove(place, args.dry_run) if args.remove else _install(place, args.dry_run)
    except OSError as e:
        what = e.filename or place
        raise error(401, f"{what} can't be written ({e.strerror}): make it writable") from None
    print("\n".join(told))
    return 0


def _install(place: Path, rehearsal: bool) -> list[str]:
    made = install.plan(place, places.home())
    had = (made.folder / install.SETTINGS).is_file()
    if not made.is_needed:
        return [f"up to date: {len(made.contents)} files in {made.folder}"]
    if rehearsal:
        return [
            *(f"would write {made.folder / name}" for name in made.written),
            *(f"would remove {made.folder / name}" for name in made.dropped),
        ]
    install.install(made)
    said = f"{'updated' if had else 'installed'} {len(made.written)} files in {made.folder}"
    return [said, "If Live is open, close it and start it again."] if had else [said, *_STEPS]


_STEPS = [
    "Once, in Live (11.3 or later; start it again if it is open):",
    "  1. Settings > Link, Tempo & MIDI",
    "  2. choose Punchin in a free row under Control Surface",
    "  3. for buttons: choose your controller's port as its Input, and have it send",
    "     notes 36 to 46 on channel 16 (36 is go); without one, name a clip",
    "     `repaint: darker drums!` and press Enter",
    "undo it with: punchin install ableton --remove",
]


def _remove(place: Path, rehearsal: bool) -> list[str]:
    if rehearsal:
        return [f"would remove {path}" for path in install.installed(place)]
    gone = install.remove(place)
    if not gone:
        return [f"nothing to remove: the script is not in {place}"]
    return [f"removed {len(gone)} files from {install.target(place)}"]
