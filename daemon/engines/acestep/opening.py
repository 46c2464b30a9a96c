"""Opens a model: which checkpoints lie there, where they run, and what is loaded at once."""

from __future__ import annotations

from pathlib import Path

import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.loading import load_checkpoint, load_shared
from daemon.engines.acestep.models.folders import Found, look
from daemon.engines.acestep.parts import Checkpoint, Placement
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.tasks import needed
from daemon.engines.base import Port


def open_session(model: str | None, port: Port) -> Session:
    """Load the checkpoint or the folder of checkpoints `model`. Raises 302, 303, 304."""
    if model is None:
        raise error(302, "no model is named: punchin models pull turbo, or serve with --model DIR")
    home = look(Path(model))
    placement = Placement(torch.device("cpu"), torch.float32, torch.float32)
    port.progress(0.1, "loading")
    first = needed("repaint", home.checkpoints)
    held: dict[str, Checkpoint] = {}

    def load(found: Found) -> Checkpoint:
        if found.name not in held:
            held[found.name] = load_checkpoint(found, placement)
        return held[found.name]

    session = Session(placement, load_shared(first, placement), home.checkpoints, load)
    port.progress(0.4, "loading")
    session.checkpoint_for("repaint")
    port.progress(1.0, "ready")
    return session
