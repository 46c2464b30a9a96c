"""The composition root: makes everything, starts it in order, stops it in reverse.

Only the command line imports this.

Threads: one event loop in the main thread; files are handled on worker threads; engines live in
processes of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from daemon.audio.local import LocalFiles
from daemon.core.admission import Admission
from daemon.core.ahead import Preparation
from daemon.core.bus import Bus, Listener
from daemon.core.capture import Captures, Microphone
from daemon.core.context import Context
from daemon.core.health import Health
from daemon.core.heard import HeardJobs
from daemon.core.journal import Journal
from daemon.core.note_capture import NoteCaptures
from daemon.core.player import Desk
from daemon.core.presets import load_presets
from daemon.core.roster import Roster
from daemon.core.sections import Settings
from daemon.core.settings import told_to_engines
from daemon.core.song import AUTO, JACK, LINK, Song
from daemon.core.stage import Stage
from daemon.core.studio import Studio
from daemon.frontends.dispatch import Dispatcher
from daemon.frontends.lane import Lane
from daemon.frontends.listeners import Wire
from daemon.frontends.mailbox import Mailbox
from daemon.frontends.midi import MidiFrontend
from daemon.frontends.osc import OscServer
from daemon.home import Home
from daemon.player.process import PlayerProcess
from daemon.sinks.file import FileSinks
from daemon.sinks.live import LiveSinks
from daemon.worker.supervisor import Supervisor

# Bytecode of a file thread gives way to the loop after this long; the default is 5 ms.
_SWITCH_S = 0.0005
_DISK_S = 60.0
_log = logging.getLogger(__name__)


async def serve(settings: Settings, home: Home, ready: Callable[[str, int], None]) -> None:
    """Run the daemon until `/punchin/quit`, SIGTERM or SIGINT. Raises OSError for the port."""
    sys.setswitchinterval(_SWITCH_S)
    async with _House(settings, home).running() as house:
        home.announce(settings.server.host, house.osc.port)
        ready(settings.server.host, house.osc.port)
        await house.stopped.wait()
        home.retract()
        if house.asked_by:
            await house.end_jobs()


class _House:
    """Every part, made from the settings."""

    def __init__(self, settings: Settings, home: Home) -> None:
        loop = asyncio.get_running_loop()
        self.stopped = asyncio.Event()
        self.asked_by: list[Listener] = []
        self._ended = asyncio.Event()
        self._settings = settings
        jobs, engine = settings.jobs, settings.engine
        self._model = str(engine.model) if engine.model else None
        files = LocalFiles([str(r) for r in settings.server.roots])
        presets = load_presets()
        self.bus = Bus(loop.time)
        self.journal = Journal(home.path)
        self.roster = Roster(self.journal)
        told = told_to_engines(settings)
        self.workers = Supervisor(home.path / "logs", jobs.stall_s, jobs.cancel_s, told)
        self.player = PlayerProcess(player_options(settings), home.path / "logs" / "player.log")
        live = settings.live
        song = Song(settings.audio.transport)
        self.desk = Desk(
            self.player, self.roster, live.play, live.follow == "on", song, bool(hears(settings))
        )
        heard = HeardJobs(self.desk)
        self.bus.subscribe(heard.key, heard)
        self.stage = Stage(
            self.journal,
            self.roster,
            self.bus,
            self.workers,
            LiveSinks(FileSinks(self.journal), heard),
            files,
            engine.name,
            self._model,
            jobs.attempts,
        )
        admission = Admission(
            files,
            presets.get,
            self.roster,
            settings.audio.rate,
            lambda name: self.workers.limits(name or self.stage.engine_for_new_jobs),
        )
        self.studio = Studio(
            self.journal, self.roster, self.bus, self.stage, self.workers, admission, jobs.queue
        )
        self.preparation = Preparation(admission, self.roster, self.stage, self.workers)
        self.lane = Lane()
        self.health = Health(home.path, self.stage, self.workers)
        context = Context()
        audio, home_captures = settings.audio, home.path / "captures"
        microphone = Microphone(
            live.capture, audio.host_api, live.capture_preroll_s, live.captures or home_captures
        )
        notes = NoteCaptures(
            context, self.bus, lambda: self.desk.song.line, files, microphone.folder
        )
        self.dispatcher = Dispatcher(
            self.studio,
            context,
            self.lane,
            self.health,
            files,
            presets.describe,
            self._quit,
            self.desk,
            Captures(self.desk, context, self.bus, microphone, notes),
            self.preparation.changed,
        )
        self.health.audio = self.desk.health
        wire = Wire(lambda: self.dispatcher.dumping)
        self.osc = OscServer(self.dispatcher, wire, self.bus.forget)
        self.mailbox = Mailbox(home.path, self.dispatcher, self.bus.forget)
        self.midi = MidiFrontend(
            self.dispatcher, self.studio, settings.midi, lambda: self.desk.song.line
        )
        self.midi.notes, self.midi.recording = notes.hear, lambda: notes.state
        notes.inputs, self._notes = self.midi.inputs, notes
        self.health.midi = self.midi.health

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[_House]:
        """Start everything; on the way out stop it in reverse."""
        server = self._settings.server
        async with contextlib.AsyncExitStack() as stack:
            self.journal.open()
            stack.callback(self.journal.close)
            stack.push_async_callback(self.workers.close)
            stack.push_async_callback(self.player.close)
            await stack.enter_async_context(_task(self.desk.run()))
            self.studio.recover()
            warm = self.workers.warm(self._settings.engine.name, self._model)
            await stack.enter_async_context(_task(warm))
            await stack.enter_async_context(_task(self.stage.run()))
            await stack.enter_async_context(_task(self.lane.run()))
            self.mailbox.open()
            stack.push_async_callback(self.mailbox.close)
            await stack.enter_async_context(_task(self.mailbox.run()))
            stack.callback(self.preparation.close)
            await self.osc.open(server.host, server.port)
            stack.push_async_callback(self.osc.close)
            stack.push_async_callback(self._notes.close)
            self.midi.open()
            stack.push_async_callback(self.midi.close)
            await stack.enter_async_context(_task(self._watch_disk()))
            self._obey_signals()
            yield self

    async def end_jobs(self) -> None:
        """End every open job with its event, then answer those who asked to quit."""
        await self.studio.cancel_all()
        await self.stage.idle()
        for listener in self.asked_by:
            listener.send("/punchin/done", "quit", "{}")
        self._ended.set()

    def _quit(self, listener: Listener) -> Callable[[], Awaitable[None]]:
        self.asked_by.append(listener)
        return self._stop

    async def _stop(self) -> None:
        """Runs in the lane: what was asked for before is known by now, later requests are not."""
        self.lane.close()
        self.stopped.set()
        await self._ended.wait()

    def _obey_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self.stopped.set)
            except NotImplementedError:  # Windows has no handlers on its loop
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.stopped.set))

    async def _watch_disk(self) -> None:
        while True:
            await asyncio.to_thread(self.health.measure_disk)
            await asyncio.sleep(_DISK_S)


def hears(settings: Settings) -> str:
    """Return the source of the song position that the player process is to hear, if any."""
    chosen = settings.audio.transport
    if chosen == AUTO and JACK in settings.live.play:
        return JACK
    return chosen if chosen in (JACK, LINK) else ""


def player_options(settings: Settings) -> dict[str, Any]:
    """Return what the player process is told of the settings."""
    audio, live = settings.audio, settings.live
    return {
        "device": audio.device,
        "host_api": audio.host_api,
        "latency": audio.latency,
        "rate": audio.device_rate or None,
        "preroll_s": audio.preroll_s,
        "song": hears(settings),
        "reastream": {"to": list(live.reastream), "rate": live.reastream_rate},
        "jack": {"pairs": list(live.jack_pairs), "connect": list(live.jack_connect)},
    }


@contextlib.asynccontextmanager
async def _task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a part as a task; on the way out end it and wait until it has ended."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(_report)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


def _report(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and task.exception():
        _log.error("a part of the daemon stopped", exc_info=task.exception())
