"""Handles of a job: `Job` for the blocking client, `AsyncJob` for asyncio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bridge.client.flight import Flight
from bridge.client.values import File, Progress, Result


class Handle:
    """What is known of a job without asking; `id` may be given to any other client."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight

    @property
    def id(self) -> str:
        """The job's id."""
        return self._flight.id

    @property
    def state(self) -> str:
        """`asked` until the daemon answered, then `queued running done failed cancelled`."""
        return self._flight.state

    @property
    def ended(self) -> bool:
        """Whether the job is done, failed or cancelled."""
        return self._flight.ended

    @property
    def position(self) -> int:
        """Place in the queue when it was accepted; 0 is next."""
        return self._flight.position

    @property
    def progress(self) -> Progress:
        """The latest progress."""
        return self._flight.progress

    @property
    def files(self) -> list[File]:
        """Files written so far; with several takes the first ones come early."""
        return list(self._flight.files.values())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state}>"


class Job(Handle):
    """A job of the blocking client."""

    def __init__(
        self,
        flight: Flight,
        wait: Callable[[Flight, float | None], Result],
        cancel: Callable[[Flight], None],
    ) -> None:
        super().__init__(flight)
        self._wait = wait
        self._cancel = cancel

    def wait(self, timeout: float | None = None) -> Result:
        """Wait for the end, at most `timeout` seconds, and return the result.

        Raises PunchinError when it failed or was refused, Cancelled, TimeoutError (the job goes
        on), NoDaemon when the connection stays lost.
        """
        return self._wait(self._flight, timeout)

    def cancel(self) -> None:
        """Ask for the end; `wait` then raises Cancelled, unless the job ended before."""
        self._cancel(self._flight)


class AsyncJob(Handle):
    """A job of the asyncio client. Cancelling a task that waits does not cancel the job."""

    def __init__(
        self,
        flight: Flight,
        wait: Callable[[Flight, float | None], Awaitable[Result]],
        cancel: Callable[[Flight], None],
    ) -> None:
        super().__init__(flight)
        self._wait = wait
        self._cancel = cancel

    async def wait(self, timeout: float | None = None) -> Result:
        """As `Job.wait`."""
        return await self._wait(self._flight, timeout)

    def cancel(self) -> None:
        """As `Job.cancel`."""
        self._cancel(self._flight)
