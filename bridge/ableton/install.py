"""Puts the Remote Script into Live's User Library, brings it up to date, takes it away again.

`plan` compares and changes nothing. `installed.json` beside the script says which files were put
there, where the daemon's home is, and, when the user wrote it, which buttons there are; that part
is kept. Files of others in the folder are never touched.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol.errors import error
from bridge.version import VERSION

SOURCE = Path(__file__).parent / "Punchin"
SETTINGS = "installed.json"


@dataclass(frozen=True)
class Plan:
    """What an installation would change, names of files in `folder`."""

    folder: Path
    contents: Mapping[str, bytes]
    written: tuple[str, ...]
    dropped: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        """Whether anything differs."""
        return bool(self.written or self.dropped)


def target(library: Path) -> Path:
    """Return the script's folder in a User Library. Raises error 401 when it is a link."""
    folder = library / "Remote Scripts" / "Punchin"
    if folder.is_symlink():
        raise error(401, f"{folder} is a link: remove it, then install again")
    return folder


def plan(library: Path, home: Path) -> Plan:
    """Compare the installation with what is there. Raises error 401."""
    folder = target(library)
    before = _settings(folder)
    contents = {path.name: path.read_bytes() for path in sorted(SOURCE.glob("*.py"))}
    settings: dict[str, Any] = {"version": VERSION, "home": str(home), "files": [*contents]}
    if "buttons" in before:
        settings["buttons"] = before["buttons"]
    text = json.dumps(settings, indent=1, ensure_ascii=False) + "\n"
    contents[SETTINGS] = text.encode("utf-8")
    written = [name for name, new in contents.items() if _read(folder / name) != new]
    old = [name for name in _ours(before) if name not in contents]
    dropped = [name for name in old if (folder / name).exists()]
    return Plan(folder, contents, tuple(written), tuple(dropped))


def install(made: Plan) -> None:
    """Carry a plan out: each file whole, the settings last. Raises OSError."""
    made.folder.mkdir(parents=True, exist_ok=True)
    for name in made.written:
        draft = made.folder / f".{name}.draft"
        draft.write_bytes(made.contents[name])
        draft.replace(made.folder / name)
    for name in made.dropped:
        (made.folder / name).unlink(missing_ok=True)
    shutil.rmtree(made.folder / "__pycache__", ignore_errors=True)


def installed(library: Path) -> list[Path]:
    """Return the files that an installation put there. Raises error 401."""
    folder = target(library)
    names = [*_ours(_settings(folder)), SETTINGS]
    return [folder / name for name in names if (folder / name).is_file()]


def remove(library: Path) -> list[Path]:
    """Take the installation away; return the files that went. Raises OSError, error 401."""
    gone = installed(library)
    for path in gone:
        path.unlink()
    folder = target(library)
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    with contextlib.suppress(OSError):  # not empty: somebody else keeps something there
        folder.rmdir()
    return gone


def _settings(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / SETTINGS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _ours(settings: Mapping[str, Any]) -> list[str]:
    """Return the file names of a manifest that can only lie in the script's own folder."""
    names = settings.get("files")
    names = names if isinstance(names, list) else []
    return [n for n in names if isinstance(n, str) and n.endswith(".py") and Path(n).name == n]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
