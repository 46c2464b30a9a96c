"""Where Punchin keeps its things, and who answers there.

`<home>` holds jobs, mailbox and `daemon.json`; the configuration folder holds settings and presets.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import platformdirs


def home() -> Path:
    """Return `$PUNCHIN_HOME`, else the user's data folder for Punchin."""
    told = os.environ.get("PUNCHIN_HOME")
    if told:
        return Path(told).expanduser().absolute()
    if os.name == "posix" and os.environ.get("XDG_DATA_HOME") and not _is_mac():
        return Path(os.environ["XDG_DATA_HOME"]) / "punchin"
    return Path(platformdirs.user_data_dir("punchin", appauthor=False))


def config() -> Path:
    """Return the folder for `punchin.toml` and the user's presets (`$PUNCHIN_CONFIG` overrides)."""
    told = os.environ.get("PUNCHIN_CONFIG")
    if told:
        return Path(told).expanduser().absolute()
    return Path(platformdirs.user_config_dir("punchin", appauthor=False))


def _is_mac() -> bool:
    return os.uname().sysname == "Darwin"


def read_daemon(home_: Path | None = None) -> dict[str, Any] | None:
    """Return what `daemon.json` says, None when there is none or it is damaged."""
    try:
        found = json.loads(((home_ or home()) / "daemon.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"pid", "host", "port"} <= found.keys() else None
