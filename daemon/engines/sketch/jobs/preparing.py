"""What is done ahead of a job: all that comes before its first sound.

The job is played to nobody, until it would first be heard. By then the studio has listened to the
clip and made sounds of which another seed needs most as well.
"""

from __future__ import annotations

from collections.abc import Callable

from daemon.engines.base import Chunk, Port, Request, Result
from daemon.engines.sketch.jobs.studio import Studio

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
