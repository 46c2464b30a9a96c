"""Where REAPER keeps its resources: the folder with `reaper.ini`, `Scripts` and `OSC`.

A portable REAPER keeps them beside its program; only the user knows where that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bridge.protocol.errors import error

MARK = "reaper.ini"
_ASK_REAPER = "REAPER tells it under Options > Show REAPER resource path in explorer/finder"


def usual(system: str, user_home: Path, env: Mapping[str, str]) -> list[Path]:
    """Return where to look on `linux`, `darwin` or `win32` (`sys.platform`), likeliest first."""
    if system == "win32":
        return [Path(env.get("APPDATA") or user_home / "AppData" / "Roaming") / "REAPER"]
    if system == "darwin":
        return [user_home / "Library" / "Application Support" / "REAPER"]
    bases = [Path(env["XDG_CONFIG_HOME"])] if env.get("XDG_CONFIG_HOME") else []
    return [base / "REAPER" for base in (*bases, user_home / ".config")]


def find(system: str, user_home: Path, env: Mapping[str, str]) -> Path:
    """Return REAPER's resource folder. Raises error 200 when REAPER never ran here."""
    places = usual(system, user_home, env)
    for place in places:
        if (place / MARK).is_file():
            return place
    looked = " or ".join(map(str, places))
    raise error(
        200,
        f"no REAPER found: there is no {MARK} in {looked}; start REAPER once, or name its resource "
        f"folder with --to ({_ASK_REAPER})",
    )


def told(place: Path) -> Path:
    """Return the folder that the user named, absolute. Raises error 200 when it is not REAPER's."""
    whole = place.expanduser().absolute()
    if (whole / MARK).is_file():
        return whole
    raise error(
        200, f"{whole} is not REAPER's: it has no {MARK}; name the right one ({_ASK_REAPER})"
    )
