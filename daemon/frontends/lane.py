"""The lane: requests about jobs are handled one after the other, in the order in which they came.

So a `cancel` that follows a `repaint` finds its job, although accepting one means a durable write.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bridge.protocol.errors import PunchinError, error
from daemon.core.bus import Listener

_log = logging.getLogger(__name__)


class Lane:
    """A queue of requests and the task that handles them."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[
            tuple[Callable[[], Awaitable[None]], str, Listener, asyncio.Future[None]]
        ] = asyncio.Queue()
        self._closed = False

    def put(
        self, work: Callable[[], Awaitable[None]], address: str, listener: Listener
    ) -> asyncio.Future[None]:
        """Queue a request; the future is done once it has been answered."""
        answered = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((work, address, listener, answered))
        return answered

    def close(self) -> None:
        """Let the request that is being handled be the last."""
        self._closed = True

    async def run(self) -> None:
        """Handle requests until `close`; cancel this to stop."""
        while not self._closed:
            work, address, listener, answered = await self._queue.get()
            try:
                await work()
            except PunchinError as e:
                refuse(listener, address, e)
            except Exception:
                _log.exception("%s failed", address)
                refuse(listener, address, error(500, "Punchin made a mistake: see its log"))
            if not answered.done():
                answered.set_result(None)


def refuse(listener: Listener, address: str, problem: PunchinError) -> None:
    """Send `/punchin/error`, the answer to a request that belongs to no job."""
    listener.send("/punchin/error", problem.code, problem.name, address, problem.message)
