"""Where Live keeps the User Library, whose `Remote Scripts` it loads scripts from.

Live writes the place into `Library.cfg` (XML: a `UserLibrary` with `ProjectPath`, `ProjectName`),
one for each version; the one written last counts. Without it the usual places are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path

from bridge.protocol.errors import error

MARK = "Ableton Folder Info"  # a folder that Live puts into each library
NAME = "User Library"
_ASK = (
    "in Live's browser, right-click User Library under Places > Show in Finder/Explorer, then"
    " name that folder with --to"
)


def find(system: str, user_home: Path, env: Mapping[str, str]) -> Path:
    """Return the User Library on `darwin` or `win32` (`sys.platform`). Raises error 200."""
    for library in (*_written(system, user_home, env), *usual(system, user_home, env)):
        if library.is_dir():
            return library
    raise error(200, f"no User Library of Live found: start Live once; or, {_ASK}")


def told(place: Path) -> Path:
    """Return the User Library that the user named, also by a folder in it. Raises error 200."""
    whole = place.expanduser().absolute()
    if whole.name == "Punchin" and whole.parent.name == "Remote Scripts":
        whole = whole.parent
    if whole.name == "Remote Scripts":
        whole = whole.parent
    if not whole.is_dir():
        raise error(200, f"there is no folder {whole}: {_ASK}")
    return whole


def usual(system: str, user_home: Path, env: Mapping[str, str]) -> list[Path]:
    """Return where Live creates the User Library unless told otherwise, likeliest first."""
    if system == "darwin":
        return [user_home / "Music" / "Ableton" / NAME]
    if system != "win32":
        return []
    homes = [Path(env[n]) for n in ("USERPROFILE", "OneDrive") if env.get(n)] or [user_home]
    return [home / "Documents" / "Ableton" / NAME for home in homes]


def _written(system: str, user_home: Path, env: Mapping[str, str]) -> Iterator[Path]:
    """Return the libraries that Live's own settings name, of the version used last first."""
    if system == "darwin":
        base = user_home / "Library" / "Preferences" / "Ableton"
    elif system == "win32":
        base = Path(env.get("APPDATA") or user_home / "AppData" / "Roaming") / "Ableton"
    else:
        return
    found = [*base.glob("Live */Library.cfg"), *base.glob("Live */Preferences/Library.cfg")]
    for path in sorted(found, key=lambda p: p.stat().st_mtime, reverse=True):
        yield from _named_in(path)


def _named_in(settings: Path) -> Iterator[Path]:
    try:
        text = settings.read_text("utf-8", "replace")
    except OSError:
        return
    block = re.search(r"<UserLibrary>(.*?)</UserLibrary>", text, re.S)
    inside = block[1] if block else ""
    path = re.search(r'<ProjectPath Value="([^"]+)"', inside)
    name = re.search(r'<ProjectName Value="([^"]+)"', inside)
    if not path:
        return
    whole = Path(unescape(path[1]))
    deeper = whole / (unescape(name[1]) if name else NAME)
    # Live loads scripts from the deeper one; older settings name the library itself.
    yield from sorted((deeper, whole), key=lambda p: not (p / MARK).is_dir())
