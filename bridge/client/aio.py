"""The asyncio client: as `Client`, with `await` before everything that waits for an answer.

    async with AsyncClient() as client:
        await client.tempo(96)
        job = client.bgm("take3.wav", prompt="brushed drums, upright bass")
        for file in (await job.wait()).files:
            print(file.role, file.path)

The ops return their handle at once. Callbacks run on the loop's thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Unpack

from bridge.client.aio_link import AsyncLink
from bridge.client.blocking import Transport
from bridge.client.flight import Flight
from bridge.client.job import AsyncJob
from bridge.client.keys import AnyKeys
from bridge.client.link import OnEvent
from bridge.client.ops import OnProgress, Ops
from bridge.client.query import Query
from bridge.client.values import Result
from bridge.client.wire import absolute, address_of, bundle_messages, given, json_args, pairs


class AsyncClient(Ops[AsyncJob]):
    """Talks to the daemon at `host` and `port`, by default to the one that `daemon.json` names.

    `home`: where to look for `daemon.json`. `timeout`: seconds to wait for an answer that needs no
    work. `reconnect`: seconds to wait for a daemon that restarts while a job is under way. Methods
    raise PunchinError, TimeoutError or NoDaemon.
    """

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        transport: Transport = "tcp",
        home: Path | None = None,
        timeout: float = 10.0,
        reconnect: float = 15.0,
        on_event: OnEvent = None,
    ) -> None:
        self._link = AsyncLink(host, port, transport == "tcp", home, timeout, reconnect)
        self._link.on_event = on_event

    async def __aenter__(self) -> AsyncClient:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def connect(self) -> None:
        """Connect; `async with` does it."""
        await self._link.open()

    def close(self) -> None:
        """Close the connection. Jobs go on."""
        self._link.close()

    # -- jobs ------------------------------------------------------------------------------------

    def _job(self, address: str, args: Sequence[Any], on_progress: OnProgress) -> AsyncJob:
        flight = self._link.session.start(address, args)
        flight.on_progress = on_progress
        self._link.flush()
        return self._handle(flight)

    def _handle(self, flight: Flight) -> AsyncJob:
        return AsyncJob(flight, self._wait, self._cancel)

    async def _wait(self, flight: Flight, timeout: float | None) -> Result:
        if not await self._link.until(lambda: flight.ended, timeout):
            raise TimeoutError(f"job {flight.id} has not ended within {timeout:g} s: wait again")
        return flight.outcome()

    def _cancel(self, flight: Flight) -> None:
        if not flight.ended:
            self._link.session.cancel(flight.id)
            self._link.flush()

    async def bundle(self, messages: Iterable[tuple[str, Sequence[Any]]]) -> list[AsyncJob]:
        """Send messages that are applied with nothing between them; return handles of their jobs.

        A message is an address and its arguments; a job's id `*` is replaced by a fresh one. Raises
        what is wrong with the messages that start no job.
        """
        flights, query = self._link.session.bundle(bundle_messages(messages))
        await self._answer(query)
        return [self._handle(flight) for flight in flights]

    async def cancel(self, id: str = "*") -> None:
        """Cancel a job of any client and wait for its end; `*`: all jobs, without waiting."""
        if id == "*":
            await self._tell("/punchin/cancel", ["*"])
            return
        query = self._link.session.cancel(id)
        await self._answer(query)

    async def accept(self, id: str, take: int = 1) -> None:
        """Make a take the chosen one, for everyone."""
        await self._ask("/punchin/accept", [id, take], "/punchin/chosen", id)

    async def forget(self, id: str) -> None:
        """Remove an ended job's folder."""
        await self._ask("/punchin/forget", [id], "/punchin/forgotten", id)

    async def job(self, id: str) -> dict[str, Any]:
        """Return one job, as `job.json` holds it."""
        return await self._json("job", [id], id)

    async def jobs(self) -> Any:
        """Return running, waiting and recent jobs."""
        return await self._json("jobs")

    async def sync(self, timeout: float | None = None) -> None:
        """Wait until every job that this client asked for has ended."""
        n = self._link.session.number()
        query = self._link.session.ask("/punchin/sync", [n], "/punchin/synced", n)
        await self._link.answer(query, timeout)

    # -- context ---------------------------------------------------------------------------------

    async def region(
        self,
        source: str | Path,
        start: float,
        end: float,
        clip_start: float | None = None,
        clip_end: float | None = None,
    ) -> None:
        """Set the selected part of a file and the part that the clip shows, in seconds."""
        spans = given(start, end, clip_start, clip_end)
        await self._tell("/punchin/region", [absolute(source), *spans])

    async def tempo(self, bpm: float, beats: int | None = None, unit: int | None = None) -> None:
        """Set quarter notes per minute, and the metre."""
        await self._tell("/punchin/tempo", given(bpm, beats, unit))

    async def lyrics(self, text: str, language: str | None = None) -> None:
        """Set the words; an empty text clears them."""
        await self._tell("/punchin/lyrics", given(text, language))

    async def prompt(self, text: str) -> None:
        """Set what it should sound like; an empty text clears it."""
        await self._tell("/punchin/prompt", [text])

    async def key(self, name: str) -> None:
        """Set the musical key, as `C# minor`; an empty text clears it."""
        await self._tell("/punchin/key", [name])

    async def set(self, **keys: Unpack[AnyKeys]) -> None:
        """Set defaults for later jobs; an empty text clears a key."""
        await self._tell("/punchin/set", pairs(keys))

    async def reset(self) -> None:
        """Clear the whole context."""
        await self._tell("/punchin/reset")

    async def context(self) -> dict[str, Any]:
        """Return what the daemon knows of the DAW."""
        return await self._json("context")

    # -- server ----------------------------------------------------------------------------------

    async def status(self) -> dict[str, Any]:
        """Return state, engine, device, queue, memory, disk, health, uptime."""
        return await self._json("status")

    async def player(self) -> dict[str, Any]:
        """Return what plays, how, and where the DAW's transport is."""
        return await self._json("player")

    async def version(self) -> tuple[int, str]:
        """Return the protocol's number and the daemon's version."""
        protocol, version = await self._ask("/punchin/version", [], "/punchin/version.reply")
        return protocol, version

    async def describe(self) -> dict[str, Any]:
        """Return the daemon's command table."""
        return await self._json("describe")

    async def presets(self) -> Any:
        """Return the presets for tasks and styles."""
        return await self._json("presets")

    def engine(self, name: str, model: str | Path | None = None) -> AsyncJob:
        """Change the engine, in turn with the jobs; `none` frees the GPU."""
        args = given(name, None if model is None else absolute(model))
        flight = self._link.session.start("/punchin/engine", args, "engine")
        self._link.flush()
        return self._handle(flight)

    async def notify(self, on_event: OnEvent) -> None:
        """Call `on_event` with the events of all jobs while this client waits; None ends that."""
        self._link.on_event = on_event
        self._link.session.subscribed = on_event is not None
        await self._tell("/punchin/notify", [int(on_event is not None)])

    async def listen(self, seconds: float | None = None) -> None:
        """Wait and hand events to the callbacks, for ever when `seconds` is None."""
        await self._link.until(lambda: False, seconds)

    def send(self, command: str, *args: Any) -> None:
        """Send any message and expect nothing; replies come to `on_event`."""
        self._link.session.say(address_of(command), args)
        self._link.flush()

    async def tell(self, command: str, *args: Any) -> None:
        """Send any message that has no reply, and raise what is wrong with it."""
        await self._tell(address_of(command), args)

    async def quit(self) -> None:
        """Stop the daemon; open jobs are cancelled."""
        await self._ask("/punchin/quit", [], "/punchin/done", "quit")
        self.close()

    # -- asking ----------------------------------------------------------------------------------

    async def _tell(self, address: str, args: Sequence[Any] = ()) -> None:
        query = self._link.session.tell(address, args)
        await self._answer(query)

    async def _ask(
        self, address: str, args: Sequence[Any], reply: str, match: Any = None
    ) -> Sequence[Any]:
        query = self._link.session.ask(address, args, reply, match)
        return await self._answer(query)

    async def _json(self, name: str, args: Sequence[Any] = (), match: Any = None) -> Any:
        address = address_of(name)
        return json_args(await self._ask(address, args, f"{address}.reply", match))

    async def _answer(self, query: Query) -> Sequence[Any]:
        return await self._link.answer(query, self._link.timeout_s)
