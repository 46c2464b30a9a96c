"""What the engine would do on this machine with the models that are here, before it does it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep import placement as placing
from daemon.engines.acestep.models.home import models_at
from daemon.engines.acestep.models.numbers import numbers_in
from daemon.engines.acestep.tasks import needed


def outlook(model: str | None, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return names of what is here, and in words where it would run; no weights are read.

    `trouble` is empty, or the error that a load would end with.
    """
    told: dict[str, Any] = {"checkpoints": [], "beside": [], "placement": "", "trouble": ""}
    try:
        home = models_at(model, environ)
        told["checkpoints"] = [found.name for found in home.checkpoints]
        told["beside"] = [p.name for p in (*home.language_models, *home.separators)]
        weights = numbers_in(needed("repaint", home.checkpoints))
        wishes = placing.wishes_from(environ)
        chosen = placing.choose(wishes, placing.machine(wishes.device), weights)
        told["placement"] = placing.describe(chosen)
    except PunchinError as e:
        told["trouble"] = e.message
    return told
