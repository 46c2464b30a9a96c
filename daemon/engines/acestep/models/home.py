"""Where models lie: `models.folder` of the settings, else `models` in Punchin's data folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bridge import places
from bridge.protocol.errors import error
from daemon.engines.acestep.models.folders import Home, look


def models_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of models, which may not exist yet."""
    told = environ.get("PUNCHIN_MODELS_FOLDER")
    return Path(told).expanduser() if told else places.home() / "models"


def models_at(model: str | None, environ: Mapping[str, str]) -> Home:
    """Return what lies at `model`, None for the folder of models. Raises 302, 303."""
    if model is not None:
        return look(Path(model))
    folder = models_home(environ)
    if not folder.is_dir():
        raise error(302, "no model is here: punchin models pull turbo, or serve with --model DIR")
    return look(folder)
