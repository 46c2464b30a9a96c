"""Puts the scripts into REAPER's resource folder, brings them up to date, takes them away again.

`plan` compares and changes nothing. `install` is whole or not at all: the new folder is filled
under another name, then the two change places. A manifest in it says what was put there, and with
which content. A file of ours that the user has changed is replaced all the same, because scripts of
two versions don't work together; the user's stays beside it as `<name>.yours`. Files of others are
kept. `remove` takes away only what is still as it was put there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.protocol.errors import error
from bridge.reaper.contents import SCRIPTS, SURFACE

MANIFEST = f"{SCRIPTS}/installed.json"


@dataclass(frozen=True)
class Plan:
    """What an installation would change; paths are below `folder`, with `/`."""

    folder: Path
    contents: Mapping[str, bytes]
    written: tuple[str, ...]
    dropped: tuple[str, ...]
    yours: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        """Whether anything differs."""
        return bool(self.written or self.dropped)


def plan(folder: Path, contents: Mapping[str, bytes]) -> Plan:
    """Compare an installation with what is there. Raises error 401 for a linked folder."""
    if (folder / SCRIPTS).is_symlink():
        raise error(401, f"{folder / SCRIPTS} is a link: remove it, then install again")
    before = manifest(folder) or {}
    have = {path: _read(folder / path) for path in {*contents, *before}}
    written = [p for p, new in contents.items() if have[p] != new]
    dropped = [p for p in before if p not in contents and have[p] is not None]
    changed = [p for p in (*written, *dropped) if have[p] is not None]
    yours = [p for p in changed if _digest(have[p] or b"") != before.get(p)]
    return Plan(folder, contents, *(tuple(sorted(x)) for x in (written, dropped, yours)))


def install(made: Plan) -> None:
    """Carry a plan out, whole or not at all. Raises OSError."""
    target = made.folder / SCRIPTS
    new, old = target.with_name(".Punchin.new"), target.with_name(".Punchin.old")
    _mend(target, old)
    surface = made.folder / SURFACE
    draft = surface.with_name(".Punchin.new")
    try:
        _fill(made, new)
        if SURFACE in made.yours:
            _keep_beside(surface)
        surface.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(made.contents[SURFACE])
        _change_places(target, new, old, draft, surface)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        with contextlib.suppress(OSError):
            draft.unlink()
    shutil.rmtree(old, ignore_errors=True)


def _mend(target: Path, old: Path) -> None:
    """Bring back what an installation that was cut off in its last step had moved away."""
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _fill(made: Plan, new: Path) -> None:
    """Make the new folder: what others put there, the user's versions, ours, the manifest."""
    shutil.rmtree(new, ignore_errors=True)
    target = made.folder / SCRIPTS
    if target.exists():
        shutil.copytree(target, new, ignore_dangling_symlinks=True)
    else:
        new.mkdir(parents=True)
    for path in made.yours:
        if path != SURFACE:
            _keep_beside(new / _below(path))
    for path in made.dropped:
        (new / _below(path)).unlink(missing_ok=True)
    for path, content in made.contents.items():
        if path != SURFACE:
            (new / _below(path)).parent.mkdir(parents=True, exist_ok=True)
            (new / _below(path)).write_bytes(content)
    digests = {path: _digest(content) for path, content in made.contents.items()}
    text = json.dumps({"files": digests}, indent=1, sort_keys=True)
    (new / _below(MANIFEST)).write_text(text + "\n", "utf-8")


def _keep_beside(path: Path) -> None:
    """Copy the user's version of a file to the first free `<name>.yours`."""
    for number in range(1, 1000):
        other = path.with_name(f"{path.name}.yours" + (f"-{number}" if number > 1 else ""))
        if not other.exists():
            shutil.copy2(path, other)
            return


def _change_places(target: Path, new: Path, old: Path, draft: Path, surface: Path) -> None:
    had = target.exists()
    if had:
        target.rename(old)
    try:
        new.rename(target)
        draft.replace(surface)
    except OSError:
        if target.exists():
            target.rename(new)
        if had:
            old.rename(target)
        raise


def remove(folder: Path) -> tuple[list[str], list[str]]:
    """Take an installation away; return the files that went, and those the user has changed.

    Raises error 401 when there is none, OSError when a file can't be removed.
    """
    files = manifest(folder)
    if files is None:
        raise error(401, f"nothing to remove: {folder / MANIFEST} is missing; install again first")
    gone, kept = [], []
    for path, digest in sorted(files.items()):
        have = _read(folder / path)
        if have is not None and _digest(have) != digest:
            kept.append(path)
        elif have is not None:
            (folder / path).unlink()
            gone.append(path)
    (folder / MANIFEST).unlink()
    for place in (folder / SCRIPTS / "lib", folder / SCRIPTS):
        with contextlib.suppress(OSError):  # not empty: the user keeps something there
            place.rmdir()
    return gone, kept


def manifest(folder: Path) -> dict[str, str] | None:
    """Return path and digest of each file that was installed, None where nothing was."""
    try:
        files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        return {p: str(d) for p, d in files.items() if _is_ours(p)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_ours(path: str) -> bool:
    """Whether a path of a manifest lies where an installation may write at all."""
    inside = path.startswith(f"{SCRIPTS}/") and ".." not in path.split("/")
    return inside or path == SURFACE


def _below(path: str) -> str:
    return path.removeprefix(f"{SCRIPTS}/")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
