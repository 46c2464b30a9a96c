"""The dispatcher: a message becomes a checked command, and the command a call of the core.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import json
import logging
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.protocol import check
from bridge.protocol.commands import COMMAND, PREFIX, PROTOCOL, Command
from bridge.protocol.describe import describe
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.packets import Message
from bridge.version import VERSION
from daemon.core.bus import Listener
from daemon.core.capture import Captures
from daemon.core.context import Context, Snapshot
from daemon.core.health import Health
from daemon.core.jobs import ENGINE_JOB
from daemon.core.player import Desk
from daemon.core.ports import Files
from daemon.core.song import OSC, SONG_MESSAGES
from daemon.core.studio import Studio
from daemon.frontends import lora, preview
from daemon.frontends.lane import Lane, refuse

_log = logging.getLogger("punchin.dump")
Arguments = Mapping[str, Any]


class Client:
    """Who sent a message: where replies go, and where a subscription with a port would go.

    `song` is what its words about the transport count as; see `daemon.core.song`.
    """

    def __init__(
        self,
        listener: Listener,
        at_port: Callable[[int], Listener] | None = None,
        song: str = OSC,
    ) -> None:
        self.listener, self.song = listener, song
        self.at_port = at_port or (lambda _port: listener)

    @property
    def key(self) -> Hashable:
        """Identity of the client."""
        return self.listener.key


class Dispatcher:
    """Applies messages.

    `quit_` notes who asked and returns what stops the house in its turn. `changed` hears of every
    change of the context that a job would take note of.
    """

    def __init__(
        self,
        studio: Studio,
        context: Context,
        lane: Lane,
        health: Health,
        files: Files,
        presets: Callable[[], Any],
        quit_: Callable[[Listener], Callable[[], Awaitable[None]]],
        desk: Desk,
        captures: Captures,
        changed: Callable[[Snapshot], None],
    ) -> None:
        self._studio, self._context, self._lane = studio, context, lane
        self._health, self._files, self._presets = health, files, presets
        self._quit, self._desk, self._captures = quit_, desk, captures
        self._changed = changed
        self.dumping = False

    def apply(self, messages: Sequence[Message], client: Client) -> list[asyncio.Future[None]]:
        """Apply messages in order with nothing between them; futures for what is still open."""
        self._studio.bus.heard_from(client.key)
        answers = []
        for address, args in messages:
            if self.dumping:
                _log.info("in  %s %s %.500r", client.key, address, args)
            answer = self._one(address, args, client)
            if answer:
                answers.append(answer)
        return answers

    def _one(
        self, address: str, args: Sequence[Any], client: Client
    ) -> asyncio.Future[None] | None:
        try:
            row = check.command(address)
            if not row.available:
                raise error(301, f"{address} is not in this version: update Punchin when it is")
            if row.op:
                return self._job(row, args, client.listener)
            if row.section == "context":
                return self._tell(row, args, client)
            if row.section == "preview":
                return self._preview(row, args, client)
            return _HANDLERS[address](self, check.arguments(row, args), client)
        except PunchinError as problem:
            refuse(client.listener, address, problem)
        except Exception:
            logging.getLogger(__name__).exception("%s failed", address)
            refuse(client.listener, address, error(500, "Punchin made a mistake: see its log"))
        return None

    def waits_for_sync(self, listener: Listener) -> bool:
        """Whether a `synced` is still owed to this client."""
        return self._studio.barriers.waits(listener)

    # -- jobs --------------------------------------------------------------------------------------

    def _job(self, row: Command, args: Sequence[Any], listener: Listener) -> asyncio.Future[None]:
        snapshot = self._context.snapshot()
        return self._lane.put(
            lambda: self._studio.submit(row, args, snapshot, listener), row.address, listener
        )

    def _do(self, args: Arguments, client: Client) -> asyncio.Future[None] | None:
        if args.get("value", 1) == 0:
            return None
        return self._job(COMMAND[PREFIX + args["op"]], ["*"], client.listener)

    def _in_lane(
        self, address: str, client: Client, call: Callable[[], Any]
    ) -> asyncio.Future[None]:
        async def work() -> None:
            answer = call()
            if answer is not None:
                await answer

        return self._lane.put(work, PREFIX + address, client.listener)

    def _cancel(self, args: Arguments, client: Client) -> asyncio.Future[None]:
        return self._in_lane(
            "cancel", client, lambda: self._studio.cancel(args["id"], client.listener)
        )

    def _accept(self, args: Arguments, client: Client) -> asyncio.Future[None]:
        call = lambda: self._studio.accept(args["id"], args["take"], client.listener)  # noqa: E731
        return self._in_lane("accept", client, call)

    def _forget(self, args: Arguments, client: Client) -> asyncio.Future[None]:
        return self._in_lane(
            "forget", client, lambda: self._studio.forget(args["id"], client.listener)
        )

    def _jobs(self, _args: Arguments, client: Client) -> asyncio.Future[None]:
        return self._in_lane("jobs", client, lambda: self._studio.jobs(client.listener))

    def _job_reply(self, args: Arguments, client: Client) -> asyncio.Future[None]:
        return self._in_lane("job", client, lambda: self._studio.job(args["id"], client.listener))

    def _sync(self, args: Arguments, client: Client) -> asyncio.Future[None]:
        sync = self._studio.barriers.sync
        return self._in_lane("sync", client, lambda: sync(client.listener, args["n"]))

    def _engine(self, args: Arguments, client: Client) -> asyncio.Future[None]:
        name, model = args["name"], args.get("model")

        def call() -> None:
            try:
                self._studio.change_engine(name, model, client.listener)
            except PunchinError as e:
                client.listener.send("/punchin/failed", ENGINE_JOB, e.code, e.name, e.message)

        return self._in_lane("engine", client, call)

    def _preview(self, row: Command, args: Sequence[Any], client: Client) -> asyncio.Future[None]:
        """In the lane, so that `play` after a job finds it; what takes time does not hold it up."""
        name, told = row.address.removeprefix(PREFIX), check.arguments(row, args)
        no = functools.partial(refuse, client.listener, row.address)
        desk, captures, listener = self._desk, self._captures, client.listener
        call = lambda: preview.command(desk, captures, name, told, listener, no)  # noqa: E731
        asked = self._in_lane(name, client, call)
        return asyncio.ensure_future(preview.carried_out(desk, asked))

    # -- context -----------------------------------------------------------------------------------

    def _tell(
        self, row: Command, args: Sequence[Any], client: Client
    ) -> asyncio.Future[None] | None:
        name = row.address.removeprefix(PREFIX)
        if check.clears(row, args):
            self._context.clear(name)
            self._desk.forget(name)
        elif name == "set":
            self._set(args)
        elif name == "context":
            check.arguments(row, args)
            return self._show_context(client.listener)
        elif name == "reset":
            check.arguments(row, args)
            self._context.reset()
            self._desk.forget("transport")
        else:
            told = check.arguments(row, args)
            if "source" in told and not Path(told["source"]).is_absolute():
                raise error(101, "the source is not an absolute path: send the whole path")
            self._context.apply(name, told)
            if name in SONG_MESSAGES:
                self._desk.hear(client.song, name, told, time.monotonic())
        if not name.startswith("transport"):
            self._changed(self._context.snapshot())
        if name == "lora" and not check.clears(row, args) and told.get("scale", 1.0):
            path = told["path"]
            return self._in_lane(name, client, lambda: lora.look(path, self._context, self._files))
        return None

    def _set(self, args: Sequence[Any]) -> None:
        raw = check.pairs(args)
        check.known_keys(raw)
        shaped = check.shape_keys({k: v for k, v in raw.items() if v != ""})
        check.limit_keys(shaped)
        self._context.set_defaults({k: shaped.get(k, "") for k in raw})

    def _show_context(self, listener: Listener) -> asyncio.Future[None] | None:
        source = self._context.source
        if source is None or not any(k.endswith("_frame") for k in self._context.region):
            _reply(listener, "context", self._context.as_dict(None))
            return None
        return asyncio.ensure_future(
            self._show_frames(copy.deepcopy(self._context), source, listener)
        )

    async def _show_frames(self, context: Context, source: str, listener: Listener) -> None:
        """Frames are shown in seconds too, which takes a look at the file."""
        try:
            rate = (await asyncio.to_thread(self._files.probe, source)).rate
        except PunchinError:
            rate = None
        _reply(listener, "context", context.as_dict(rate))

    # -- server ------------------------------------------------------------------------------------

    def _notify(self, args: Arguments, client: Client) -> None:
        if not args["on"]:
            self._studio.bus.unsubscribe(client.key)
            return
        listener = client.at_port(args["port"]) if "port" in args else client.listener
        self._studio.bus.subscribe(client.key, listener)

    def _version(self, _args: Arguments, client: Client) -> None:
        client.listener.send("/punchin/version.reply", PROTOCOL, VERSION)

    def _status(self, _args: Arguments, client: Client) -> None:
        _reply(client.listener, "status", self._health.status())

    def _describe(self, _args: Arguments, client: Client) -> None:
        _reply(client.listener, "describe", describe(VERSION))

    def _presets_reply(self, _args: Arguments, client: Client) -> None:
        _reply(client.listener, "presets", self._presets())

    def _dump(self, args: Arguments, _client: Client) -> None:
        self.dumping = bool(args["on"])

    def _quit_asked(self, _args: Arguments, client: Client) -> asyncio.Future[None]:
        return self._in_lane("quit", client, self._quit(client.listener))


def _reply(listener: Listener, name: str, data: Any) -> None:
    listener.send(f"/punchin/{name}.reply", json.dumps(data, ensure_ascii=False))


_HANDLERS: dict[str, Callable[[Dispatcher, Arguments, Client], asyncio.Future[None] | None]] = {
    "/punchin/do": Dispatcher._do,
    "/punchin/cancel": Dispatcher._cancel,
    "/punchin/jobs": Dispatcher._jobs,
    "/punchin/job": Dispatcher._job_reply,
    "/punchin/accept": Dispatcher._accept,
    "/punchin/forget": Dispatcher._forget,
    "/punchin/notify": Dispatcher._notify,
    "/punchin/version": Dispatcher._version,
    "/punchin/status": Dispatcher._status,
    "/punchin/sync": Dispatcher._sync,
    "/punchin/describe": Dispatcher._describe,
    "/punchin/engine": Dispatcher._engine,
    "/punchin/presets": Dispatcher._presets_reply,
    "/punchin/dump": Dispatcher._dump,
    "/punchin/quit": Dispatcher._quit_asked,
}
