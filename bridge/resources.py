"""Data folders that travel with Punchin: presets, REAPER scripts, the generated reference.

In a checkout they lie beside the packages, in a wheel under `bridge/data`.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder `name` (`presets`, `reaper_scripts`, `docs`). Raises FileNotFoundError."""
    for place in (_HERE / "data" / name, _HERE.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"Punchin's folder {name!r} is missing: install the package again")
