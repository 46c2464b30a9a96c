"""Where things lie on this machine: the daemon's home, and where results are put for Live.

The same rules as the daemon's. What the installer knew is in `installed.json` beside this file:
`{"home", "command", "buttons"}`, each of them optional.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT_MARK = "Ableton Project Info"  # the folder that Live puts into each of its projects
MOST_PARENTS = 4


def installed(folder: str = HERE) -> dict[str, Any]:
    """Return what the installer wrote down; an empty dict where it is missing or damaged."""
    found = read_json(os.path.join(folder, "installed.json"))
    return found if isinstance(found, dict) else {}


def home(environ: Any = os.environ, platform: str = sys.platform, folder: str = HERE) -> str:
    """Return the daemon's home folder: `$PUNCHIN_HOME`, the installer's, else the usual place."""
    told = environ.get("PUNCHIN_HOME") or installed(folder).get("home")
    if told:
        return os.path.abspath(os.path.expanduser(str(told)))
    user = os.path.expanduser("~")
    if platform == "win32":
        return os.path.join(environ.get("LOCALAPPDATA") or user, "punchin")
    if platform == "darwin":
        return os.path.join(user, "Library", "Application Support", "punchin")
    return os.path.join(
        environ.get("XDG_DATA_HOME") or os.path.join(user, ".local", "share"), "punchin"
    )


def read_json(path: str) -> Any:
    """Return a file's JSON, None where it is missing, damaged or just being replaced."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def job_file(home_: str, job_id: str) -> str:
    """Return the path of a job's `job.json`."""
    return os.path.join(home_, "jobs", job_id, "job.json")


def stamp(path: str) -> Any:
    """Return what changes when a file is replaced, None where there is none."""
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def user_library(folder: str = HERE) -> str | None:
    """Return Live's User Library, in whose `Remote Scripts` this script lies."""
    scripts = os.path.dirname(folder)
    return os.path.dirname(scripts) if os.path.basename(scripts) == "Remote Scripts" else None


def results_folder(set_file: str, folder: str = HERE) -> str | None:
    """Return where a set's results belong: its project's samples, else the User Library's.

    None where neither is known: results then stay in the daemon's home.
    """
    base = _project(set_file) or user_library(folder)
    return os.path.join(base, "Samples", "Punchin") if base else None


def _project(set_file: str) -> str | None:
    place = os.path.dirname(set_file) if set_file else ""
    for _ in range(MOST_PARENTS):
        if place and os.path.isdir(os.path.join(place, PROJECT_MARK)):
            return place
        place = os.path.dirname(place)
    return None


def allowed(path: str, roots: Any) -> bool:
    """Whether a path lies, links resolved, in one of the folders `roots`."""
    real = os.path.realpath(path)
    return any(_inside(real, os.path.realpath(root)) for root in roots if root)


def _inside(path: str, root: str) -> bool:
    try:
        return os.path.commonpath([path, root]) == root
    except ValueError:  # different drives
        return False
