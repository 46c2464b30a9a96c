"""Fetches packs of the catalogue into the folder of models.

A pack grows in `.incoming` and moves to its place in one step once every file has come and every
sum is right; beside its files lies `punchin-pack.json`, which says what they are. What was cut off
stays in `.incoming`, where nobody takes it for a model, and the next pull goes on with it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.protocol.errors import error
from daemon.engines.acestep.models import remote
from daemon.engines.acestep.models.catalog import PACK, Pack
from daemon.engines.acestep.models.remote import Remote, Tell, digest_of
from daemon.engines.acestep.models.turn import turn

MANIFEST = "punchin-pack.json"
INCOMING = ".incoming"
_SPARE = 200_000_000

Announce = Callable[[str, int], Tell]
"""Hears a file's name and size, and returns what hears how many bytes have come."""


def with_needs(names: list[str]) -> list[Pack]:
    """Return the packs of `names` and what they need, each once. Raises 302 for an unknown name."""
    packs: dict[str, Pack] = {}
    for name in names:
        if name not in PACK:
            raise error(302, f"no model is called {name}: choose one of {', '.join(PACK)}")
        for needed in (name, *PACK[name].needs):
            packs[needed] = PACK[needed]
    return list(packs.values())


def is_here(pack: Pack, home: Path) -> bool:
    """Whether a pack lies in `home`, fetched whole or put there by somebody."""
    return (home / pack.folder).is_dir()


def pull(
    pack: Pack,
    home: Path,
    mirror: str,
    announce: Announce,
    waits: Callable[[str], None] = lambda who: None,
) -> bool:
    """Fetch a pack unless it is there; return whether it was fetched. Raises 302, 303, 400, 401.

    While another process fetches it this one waits, and `waits` hears which process that is.
    """
    if is_here(pack, home):
        return False
    growing = home / INCOMING / pack.folder
    try:
        with turn(growing, waits):
            if is_here(pack, home):
                return False
            _fetch(pack, growing, mirror, announce)
            growing.replace(home / pack.folder)
    except OSError as e:
        raise error(
            401, f"{growing} can't be written ({e}): mend it, or set models.folder"
        ) from None
    return True


def _fetch(pack: Pack, growing: Path, mirror: str, announce: Announce) -> None:
    files = remote.listing(mirror, pack.source)
    _check_against(pack, files)
    growing.mkdir(parents=True, exist_ok=True)
    _check_room(growing, files)
    for file in files:
        tell = announce(f"{pack.folder}/{file.name}", file.size)
        remote.fetch(mirror, pack.source, file, growing / file.name, tell)
    _write_manifest(growing / MANIFEST, pack, files)


def _check_against(pack: Pack, files: tuple[Remote, ...]) -> None:
    """The catalogue's word counts more than the mirror's."""
    told = {file.name: file.sha256 for file in files}
    for name, sha256 in pack.sha256.items():
        if told.get(name) != sha256:
            file = f"{pack.folder}/{name}"
            what = f"lacks {file}" if name not in told else f"has another {file} than was published"
            raise error(303, f"the mirror {what}: set another models.mirror")
    if not any(file.name.endswith(".safetensors") for file in files):
        raise error(303, f"the mirror has no weights of {pack.name}: set another models.mirror")


def _check_room(growing: Path, files: tuple[Remote, ...]) -> None:
    there = sum(p.stat().st_size for p in growing.rglob("*") if p.is_file())
    needed = sum(file.size for file in files) - there + _SPARE
    free = shutil.disk_usage(growing).free
    if needed > free:
        raise error(
            400, f"{needed / 1e9:.1f} GB are needed at {growing.parent.parent} and "
            f"{free / 1e9:.1f} GB are free: make room, or set models.folder"
        )  # fmt: skip


def _write_manifest(file: Path, pack: Pack, files: tuple[Remote, ...]) -> None:
    sums = {f.name: {"size": f.size, "sha256": f.sha256, "git_sha1": f.git_sha1} for f in files}
    source = {"repository": pack.source.repository, "revision": pack.source.revision}
    content = {"pack": pack.name, "licence": pack.licence, **source, "files": sums}
    growing = file.with_suffix(".part")
    growing.write_text(json.dumps(content, indent=2), "utf-8")
    growing.replace(file)


def verify(folder: Path, announce: Announce) -> list[str]:
    """Return in words what is wrong with a pack that was fetched; empty when all is right.

    Raises 303 when `folder` was not fetched.
    """
    try:
        files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        rows = [_row(name, row) for name, row in files.items()]
    except FileNotFoundError:
        raise error(
            303, f"{folder} was not fetched by punchin: there are no sums to go by"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise error(303, f"{folder / MANIFEST} can't be read ({e}): pull it again") from None
    return [wrong for row in rows if (wrong := _wrong(folder, row, announce))]


def _row(name: str, row: dict[str, Any]) -> Remote:
    return Remote(name, name, int(row["size"]), row["sha256"], row["git_sha1"])


def _wrong(folder: Path, row: Remote, announce: Announce) -> str:
    file = folder / row.name
    if not file.is_file():
        return f"{file} is missing"
    tell = announce(f"{folder.name}/{row.name}", row.size)
    return "" if row.matches(digest_of(file, row.size, tell)) else f"{file} is damaged"
