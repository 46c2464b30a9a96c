"""Opens a model: which checkpoints lie there, where they run, and what is loaded at once."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping

from bridge import places
from daemon.engines.acestep import placement as placing
from daemon.engines.acestep.beside import Beside
from daemon.engines.acestep.graphs import steps_for
from daemon.engines.acestep.latents.own import MOST_BYTES, Own
from daemon.engines.acestep.latents.stored import Store, mark_of
from daemon.engines.acestep.loading import load_checkpoint, load_shared
from daemon.engines.acestep.models.folders import Found
from daemon.engines.acestep.models.home import models_at
from daemon.engines.acestep.models.numbers import numbers_in
from daemon.engines.acestep.parts import Checkpoint, Placement
from daemon.engines.acestep.residence import Residence
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.solving import ways_for
from daemon.engines.acestep.speed import speed_for
from daemon.engines.acestep.tasks import needed
from daemon.engines.base import Port

_KEPT = "cache/acestep"
"""Where latents of own results are kept, in Punchin's data folder."""
_log = logging.getLogger("punchin.acestep")


def open_session(model: str | None, port: Port, environ: Mapping[str, str] = os.environ) -> Session:
    """Load the checkpoint or the folder of checkpoints `model`; None means the folder of models.

    Raises 301, 302, 303, 304.
    """
    home = models_at(model, environ)
    first = needed("repaint", home.checkpoints)
    wishes = placing.wishes_from(environ)
    has = placing.machine(wishes.device)
    placement = placing.choose(wishes, has, numbers_in(first))
    _log.info("%s on %s", first.folder, placing.describe(placement))
    placing.take(placement)
    placing.keep_budget(placement)
    placing.use_cores(placement)
    port.progress(0.1, "loading")
    shared = load_shared(first, placement)
    port.progress(0.4, "loading")
    # A session that ran out of memory has other parts take turns, those still to be loaded too.
    residence = _residence(lambda: session.placement, placement, has, first)
    beside = Beside(placement, home.language_models, home.separators)
    store = Store(places.home() / _KEPT, places.home() / "jobs", mark_of(shared.vae), MOST_BYTES)
    speed = speed_for(placement.device, environ)
    session = Session(
        placement,
        shared,
        home.checkpoints,
        residence.get,
        beside,
        own=Own(MOST_BYTES, store),
        loaded=residence.loaded,
        ways=ways_for(placement.device),
        speed=speed,
        steps=steps_for(speed, placement.device),
    )
    residence.arrived, residence.leaving = session.loras.arrive, session.left
    session.checkpoint_for("repaint")
    port.progress(1.0, "ready")
    return session


def _residence(
    now: Callable[[], Placement], placement: Placement, has: placing.Machine, first: Found
) -> Residence:
    """Return the residence of checkpoints in what the device has left beside what they share."""

    def load(found: Found) -> Checkpoint:
        return load_checkpoint(found, now())

    def size_of(found: Found) -> int:
        return numbers_in(found).checkpoint * placement.transformer_dtype.itemsize

    free = has.free_bytes["cpu" if placement.offload else str(placement.device)]
    room = free if placement.offload else min(free, placement.budget_bytes or free)
    taken = placing.needed(placement, numbers_in(first)) - size_of(first)
    return Residence(load, size_of, room - max(0, taken) - placing.WORK)
