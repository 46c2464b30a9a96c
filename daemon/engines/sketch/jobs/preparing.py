"""What is done ahead of a job: all that comes before its first sound.

The job is played to nobody, until it would first be heard. By then the studio has listened to the
clip and made sounds of which another seed needs most as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.protocol.kinds import SEED_MAX
from daemon.engines.base import Chunk, Port, Request, Result
from daemon.engines.sketch.jobs.studio import Studio

_SEEDS = 8
_NOTHING_NEW = 2  # seeds in a row without a new sound, after which hardly any is left to make
_SHARE_OF_BANK = 0.75  # that may be used; beyond it new sounds would push out others
Perform = Callable[[Studio, Request, Port], Result]


class _Enough(Exception):
    """The job has come to its first sound."""


class _Unheard:
    """The port of a job that nobody hears."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def check(self) -> None:
        """Raise `Cancelled` once something else is wanted."""
        self._port.check()

    def progress(self, fraction: float, stage: str) -> None:
        """Give way as `check` does."""
        self._port.check()

    def emit(self, chunk: Chunk) -> None:
        """End the preparation."""
        raise _Enough


def until_heard(perform: Perform, studio: Studio, request: Request, port: Port) -> None:
    """Perform the request as far as its first sound. Raises `Cancelled`."""
    try:
        perform(studio, request, _Unheard(port))
    except _Enough:
        return


@dataclass
class Others:
    """A request that is performed with other seeds as well: how many were, and how many in vain."""

    request: Request
    seeds: int = 0
    vain: int = 0

    @property
    def left(self) -> bool:
        """Whether further seeds may bring new sounds."""
        return self.seeds < _SEEDS and self.vain < _NOTHING_NEW


def other_seeds(perform: Perform, studio: Studio, others: Others, port: Port) -> None:
    """Perform the request so with some other seeds, while they make new sounds."""
    bank, request = studio.bank, others.request
    while others.left and bank.share < _SHARE_OF_BANK:
        made, seed = bank.made, (request.seed + others.seeds + 1) % (SEED_MAX + 1)
        until_heard(perform, studio, replace(request, seed=seed), port)
        others.seeds += 1
        others.vain = 0 if bank.made > made else others.vain + 1
