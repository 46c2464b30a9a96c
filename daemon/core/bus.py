"""The event bus: who hears what.

A listener is anything that can be sent a message: a UDP address, a TCP connection, a mailbox file.
Job events go to the job's followers (its sender, and whoever resent it) until it ends, and to every
subscriber; each listener hears each event once. Nothing here waits: a listener that can't keep up
drops its own (UDP) or is closed by its frontend (TCP).

Threads: the control loop's thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol

LEASE_S = 120.0


class Listener(Protocol):
    """Where messages can be sent. `key` is equal for two listeners that are the same client."""

    @property
    def key(self) -> Hashable:
        """Identity of the client."""

    def send(self, address: str, *args: Any, instead: tuple[Any, ...] | None = None) -> None:
        """Send one message; never raises, never waits.

        `instead`: the arguments for a listener whose packets can't hold `args`.
        """

    @property
    def leased(self) -> bool:
        """Whether a subscription lapses when the client is silent (UDP)."""


class Bus:
    """Followers of jobs and subscribers of all jobs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._followers: dict[str, dict[Hashable, Listener]] = {}
        self._subscribers: dict[Hashable, Listener] = {}
        self._heard: dict[Hashable, tuple[Hashable, float]] = {}

    def follow(self, job_id: str, listener: Listener) -> None:
        """Send this job's later events to `listener`."""
        self._followers.setdefault(job_id.lower(), {})[listener.key] = listener

    def unfollow(self, job_id: str) -> None:
        """Forget who follows a job that has ended."""
        self._followers.pop(job_id.lower(), None)

    def subscribe(self, client: Hashable, listener: Listener) -> None:
        """Send the events of all jobs to `listener`; `client` keeps the lease alive."""
        self._subscribers[listener.key] = listener
        self._heard[listener.key] = (client, self._clock())

    def unsubscribe(self, client: Hashable) -> None:
        """End the subscriptions that this client made."""
        for key, (owner, _) in list(self._heard.items()):
            if owner == client or key == client:
                self._subscribers.pop(key, None)
                self._heard.pop(key, None)

    def heard_from(self, client: Hashable) -> None:
        """Renew the leases of a client that has just said something."""
        if not self._heard:
            return
        for key, (owner, _) in self._heard.items():
            if owner == client or key == client:
                self._heard[key] = (owner, self._clock())

    def forget(self, client: Hashable) -> None:
        """Drop a client whose connection is gone."""
        self.unsubscribe(client)
        for followers in self._followers.values():
            followers.pop(client, None)

    def audience(self, job_id: str) -> list[Listener]:
        """Return a job's followers and all subscribers, each once."""
        return list({**self.subscribers(), **self._followers.get(job_id.lower(), {})}.values())

    def subscribers(self) -> dict[Hashable, Listener]:
        """Return those whose lease still runs; lapsed ones are forgotten."""
        now = self._clock()
        for key, listener in list(self._subscribers.items()):
            if listener.leased and now - self._heard[key][1] > LEASE_S:
                del self._subscribers[key], self._heard[key]
        return dict(self._subscribers)
