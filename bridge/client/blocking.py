"""The blocking client.

    with Client() as client:
        client.tempo(96)
        job = client.bgm("take3.wav", prompt="brushed drums, upright bass")
        for file in job.wait().files:
            print(file.role, file.path)

Threads: a client may be shared; see `bridge.client.link`. Callbacks run on the thread that waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Unpack

from bridge.client.flight import Flight
from bridge.client.job import Job
from bridge.client.keys import AnyKeys
from bridge.client.link import Link, OnEvent
from bridge.client.ops import OnProgress, Ops
from bridge.client.query import Query
from bridge.client.values import Result
from bridge.client.wire import absolute, address_of, bundle_messages, given, json_args, pairs

Transport = Literal["tcp", "udp"]


class Client(Ops[Job]):
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
        self._link = Link(host, port, transport == "tcp", home, timeout, reconnect)
        self._link.on_event = on_event

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Jobs go on."""
        self._link.close()

    # -- jobs ------------------------------------------------------------------------------------

    def _job(self, address: str, args: Sequence[Any], on_progress: OnProgress) -> Job:
        with self._link.guard:
            flight = self._link.session.start(address, args)
            flight.on_progress = on_progress
        self._link.flush()
        return self._handle(flight)

    def _handle(self, flight: Flight) -> Job:
        return Job(flight, self._wait, self._cancel)

    def _wait(self, flight: Flight, timeout: float | None) -> Result:
        if not self._link.until(lambda: flight.ended, timeout):
            raise TimeoutError(f"job {flight.id} has not ended within {timeout:g} s: wait again")
        return flight.outcome()

    def _cancel(self, flight: Flight) -> None:
        if not flight.ended:
            with self._link.guard:
                self._link.session.cancel(flight.id)
            self._link.flush()

    def bundle(self, messages: Iterable[tuple[str, Sequence[Any]]]) -> list[Job]:
        """Send messages that are applied with nothing between them; return handles of their jobs.

        A message is an address and its arguments; a job's id `*` is replaced by a fresh one. Raises
        what is wrong with the messages that start no job.
        """
        with self._link.guard:
            flights, query = self._link.session.bundle(bundle_messages(messages))
        self._answer(query)
        return [self._handle(flight) for flight in flights]

    def cancel(self, id: str = "*") -> None:
        """Cancel a job of any client and wait for its end; `*`: all jobs, without waiting."""
        if id == "*":
            self._tell("/punchin/cancel", ["*"])
            return
        with self._link.guard:
            query = self._link.session.cancel(id)
        self._answer(query)

    def accept(self, id: str, take: int = 1) -> None:
        """Make a take the chosen one, for everyone."""
        self._ask("/punchin/accept", [id, take], "/punchin/chosen", id)

    def forget(self, id: str) -> None:
        """Remove an ended job's folder."""
        self._ask("/punchin/forget", [id], "/punchin/forgotten", id)

    def job(self, id: str) -> dict[str, Any]:
        """Return one job, as `job.json` holds it."""
        return self._json("job", [id], id)

    def jobs(self) -> Any:
        """Return running, waiting and recent jobs."""
        return self._json("jobs")

    def sync(self, timeout: float | None = None) -> None:
        """Wait until every job that this client asked for has ended."""
        with self._link.guard:
            n = self._link.session.number()
            query = self._link.session.ask("/punchin/sync", [n], "/punchin/synced", n)
        self._link.answer(query, timeout)

    # -- context ---------------------------------------------------------------------------------

    def region(
        self,
        source: str | Path,
        start: float,
        end: float,
        clip_start: float | None = None,
        clip_end: float | None = None,
    ) -> None:
        """Set the selected part of a file and the part that the clip shows, in seconds."""
        spans = given(start, end, clip_start, clip_end)
        self._tell("/punchin/region", [absolute(source), *spans])

    def tempo(self, bpm: float, beats: int | None = None, unit: int | None = None) -> None:
        """Set quarter notes per minute, and the metre."""
        self._tell("/punchin/tempo", given(bpm, beats, unit))

    def lyrics(self, text: str, language: str | None = None) -> None:
        """Set the words; an empty text clears them."""
        self._tell("/punchin/lyrics", given(text, language))

    def prompt(self, text: str) -> None:
        """Set what it should sound like; an empty text clears it."""
        self._tell("/punchin/prompt", [text])

    def key(self, name: str) -> None:
        """Set the musical key, as `C# minor`; an empty text clears it."""
        self._tell("/punchin/key", [name])

    def set(self, **keys: Unpack[AnyKeys]) -> None:
        """Set defaults for later jobs; an empty text clears a key."""
        self._tell("/punchin/set", pairs(keys))

    def reset(self) -> None:
        """Clear the whole context."""
        self._tell("/punchin/reset")

    def context(self) -> dict[str, Any]:
        """Return what the daemon knows of the DAW."""
        return self._json("context")

    # -- server ----------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return state, engine, device, queue, memory, disk, health, uptime."""
        return self._json("status")

    def player(self) -> dict[str, Any]:
        """Return what plays, how, and where the DAW's transport is."""
        return self._json("player")

    def version(self) -> tuple[int, str]:
        """Return the protocol's number and the daemon's version."""
        protocol, version = self._ask("/punchin/version", [], "/punchin/version.reply")
        return protocol, version

    def describe(self) -> dict[str, Any]:
        """Return the daemon's command table."""
        return self._json("describe")

    def presets(self) -> Any:
        """Return the presets for tasks and styles."""
        return self._json("presets")

    def engine(self, name: str, model: str | Path | None = None) -> Job:
        """Change the engine, in turn with the jobs; `none` frees the GPU."""
        with self._link.guard:
            args = given(name, None if model is None else absolute(model))
            flight = self._link.session.start("/punchin/engine", args, "engine")
        self._link.flush()
        return self._handle(flight)

    def notify(self, on_event: OnEvent) -> None:
        """Call `on_event` with the events of all jobs while this client waits; None ends that."""
        self._link.on_event = on_event
        self._link.session.subscribed = on_event is not None
        self._tell("/punchin/notify", [int(on_event is not None)])

    def listen(self, seconds: float | None = None) -> None:
        """Wait and hand events to the callbacks, for ever when `seconds` is None."""
        self._link.until(lambda: False, seconds)

    def send(self, command: str, *args: Any) -> None:
        """Send any message and expect nothing; replies come to `on_event`."""
        with self._link.guard:
            self._link.session.say(address_of(command), args)
        self._link.flush()

    def tell(self, command: str, *args: Any) -> None:
        """Send any message that has no reply, and raise what is wrong with it."""
        self._tell(address_of(command), args)

    def quit(self) -> None:
        """Stop the daemon; open jobs are cancelled."""
        self._ask("/punchin/quit", [], "/punchin/done", "quit")
        self.close()

    # -- asking ----------------------------------------------------------------------------------

    def _tell(self, address: str, args: Sequence[Any] = ()) -> None:
        with self._link.guard:
            query = self._link.session.tell(address, args)
        self._answer(query)

    def _ask(
        self, address: str, args: Sequence[Any], reply: str, match: Any = None
    ) -> Sequence[Any]:
        with self._link.guard:
            query = self._link.session.ask(address, args, reply, match)
        return self._answer(query)

    def _json(self, name: str, args: Sequence[Any] = (), match: Any = None) -> Any:
        address = address_of(name)
        return json_args(self._ask(address, args, f"{address}.reply", match))

    def _answer(self, query: Query) -> Sequence[Any]:
        return self._link.answer(query, self._link.timeout_s)
