"""Where models lie: `models.folder` of the settings, else `models` in Punchin's data folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bridge import places


def models_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of models, which may not exist yet."""
    told = environ.get("PUNCHIN_MODELS_FOLDER")
    return Path(told).expanduser() if told else places.home() / "models"
