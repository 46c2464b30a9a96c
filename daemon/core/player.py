"""Preview as clients ask for it: what plays, how, and what the player is told.

Commands are carried out one after the other, in the order in which they came, away from the lane of
jobs: a device that takes its time to open holds up no job.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bridge.protocol.errors import PunchinError, error
from daemon.core import programme, resume
from daemon.core.bus import Listener
from daemon.core.jobs import Job
from daemon.core.ports import Player
from daemon.core.programme import MIX, Item
from daemon.core.resume import Resume, Seen
from daemon.core.roster import Roster
from daemon.core.song import Song

_MOST_DEATHS, _DEATHS_S = 4, 30.0  # more than that and it is the item that kills the player
_log = logging.getLogger(__name__)
Refuse = Callable[[PunchinError], None]


@dataclass
class Manner:
    """How things are played, and what plays now, and how it came to play (`when`, `same`)."""

    looping: bool = False
    gain_db: float = 0.0
    launch: str = "now"
    item: Item | None = None
    outputs: tuple[str, ...] = ()
    solo: str = ""
    when: str = "now"
    same: bool = False
    launched: bool = False
    trouble: str = ""


class Desk:
    """Carries out section 7. `outputs`: where `play` sounds. `follow`: stop with the transport.

    With `resident` the player runs from the start on, because it hears the transport. `begun` is
    called when a new player has started and is to be told what it needs to know.
    """

    def __init__(
        self,
        player: Player,
        roster: Roster,
        outputs: tuple[str, ...],
        follow: bool,
        song: Song,
        resident: bool = False,
    ) -> None:
        self.player, self.roster, self.song = player, roster, song
        self._outputs, self._follow, self._resident = outputs, follow, resident
        self.manner = Manner()
        self.live: dict[str, Item] = {}
        self.begun: Callable[[], None] = lambda: None
        self._seen = Seen(0.0, {"state": "stopped"})
        self._owed = False  # what played goes on once its device is there
        self._deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
        self._queue: asyncio.Queue[tuple[Callable[[], Awaitable[None]], Refuse]] = asyncio.Queue()
        player.heard, player.died, player.looked = self._heard, self._died, self._looked

    async def run(self) -> None:
        """Carry out commands for ever; cancel this to stop."""
        if self._resident:
            self.later(self.ready, self._later)
        while True:
            work, refuse = await self._queue.get()
            try:
                await work()
            except PunchinError as problem:
                refuse(problem)
            except Exception:
                _log.exception("a command of the preview failed")
                refuse(error(500, "Punchin made a mistake: see its log"))

    def later(self, work: Callable[[], Awaitable[None]], refuse: Refuse) -> None:
        """Carry out `work` after all that was asked before; `refuse` hears what went wrong."""
        self._queue.put_nowait((work, refuse))

    # -- what clients ask --------------------------------------------------------------------------

    def play(self, job_id: str, take: int | None, role: str | None, refuse: Refuse) -> None:
        """Play a take, by default the chosen one or the first. Raises 101, 108."""
        job = self.roster.get(job_id)
        item = self._item(job, job.chosen or 1 if take is None else take, role or MIX)
        self.later(lambda: self.play_item(item, self._outputs), refuse)

    def swap(self, job_id: str, take: int, refuse: Refuse) -> None:
        """Go on in another take, in the role that plays, at the same place. Raises 101, 108."""
        job = self.roster.get(job_id)
        mix = self._item(job, take, MIX)

        async def work() -> None:
            role = self.manner.solo or (self.manner.item or mix)["role"]
            item = self._item(job, take, role) if take and role != MIX else mix
            await self.play_item(item, self.manner.outputs or self._outputs, same=True)

        self.later(work, refuse)

    def solo(self, stem: str, refuse: Refuse) -> None:
        """Hear one stem of what plays; `mix`, or the same stem again, gives the mix."""

        async def work() -> None:
            now = self.manner.item
            if now is None:
                raise error(101, "nothing plays: play a job with stems first")
            name = stem.removeprefix("stem:")
            role = MIX if name in ("", MIX, self.manner.solo) else f"stem:{name}"
            item = self._item(self.roster.get(now["id"]), now["take"], role)
            await self.play_item(item, self.manner.outputs, same=True, when="now")
            self.manner.solo = "" if role == MIX else name

        self.later(work, refuse)

    def stop(self, refuse: Refuse) -> None:
        """Fall silent."""
        self.later(self._stop, refuse)

    def loop(self, on: bool) -> None:
        """Loop what plays from now on, or not."""
        self.manner.looping = on
        self.player.tell({"do": "loop", "on": on})

    def gain(self, gain_db: float) -> None:
        """Set the loudness of the preview in dB; 0 leaves samples as they are."""
        self.manner.gain_db = gain_db
        self.player.tell({"do": "gain", "db": gain_db})

    def launch(self, when: str) -> None:
        """Set when a play begins: `now`, `beat` or `bar`."""
        self.manner.launch = when

    def state(self, listener: Listener) -> None:
        """Answer with position, level, underruns, device."""

        async def work() -> None:
            listener.send("/punchin/player.reply", json.dumps(await self._state()))

        self.later(work, lambda p: listener.send(
            "/punchin/error", p.code, p.name, "/punchin/player", p.message))  # fmt: skip

    def health(self) -> dict[str, Any]:
        """Return the row of `/punchin/status`."""
        if self.manner.trouble:
            return {"state": "trouble", "message": self.manner.trouble}
        return {"state": "on" if self.player.running else "off", "message": ""}

    async def _state(self) -> dict[str, Any]:
        manner, line = self.manner, self.song.line
        told: dict[str, Any] = {"state": "off", "position": None, "level": None, "true_peak": None,
                                "underruns": 0, "outputs": []}  # fmt: skip
        with contextlib.suppress(PunchinError):  # without a player it is off
            told |= {"state": "stopped", **(await self.player.ask({"do": "state"}))["state"]}
        told["device"] = next((o.get("device") or o["name"] for o in told["outputs"]), None)
        song = asdict(line) | {"beat": line.beat_at(time.monotonic())}
        song.pop("at_s")
        return told | {
            "looping": manner.looping,
            "gain_db": manner.gain_db,
            "launch": manner.launch,
            "solo": manner.solo,
            "trouble": manner.trouble,
            "transport": {**song, "source": self.song.source},
        }

    # -- what the player is told -------------------------------------------------------------------

    async def ready(self) -> None:
        """Have a player that knows how to play. Raises 402."""
        if await self.player.start():
            self.player.tell({"do": "loop", "on": self.manner.looping})
            self.player.tell({"do": "gain", "db": self.manner.gain_db})
            self._tell_song()
            self.begun()

    async def play_item(
        self,
        item: Item,
        outputs: tuple[str, ...],
        same: bool = False,
        when: str | None = None,
    ) -> None:
        """Play an item in place of what sounds. Raises 200…204, 402."""
        await self.ready()
        when = when or self.manner.launch
        trouble = await self._ask(item, outputs, {"when": when, "same": same})
        manner = self.manner
        manner.item, manner.outputs, manner.when, manner.same = item, outputs, when, same
        manner.trouble, self._owed = trouble, False
        manner.solo = manner.solo if same else ""
        manner.launched &= same
        manner.launched |= when != "now" and self.song.line.playing
        if not same:
            self._seen = Seen(time.monotonic(), {"state": "cued"})

    async def _ask(self, item: Item, outputs: tuple[str, ...], begin: Mapping[str, Any]) -> str:
        """Return what is wrong with some of the outputs. Raises what is wrong with all."""
        fields = {"do": "play", "item": item, "outputs": list(outputs), "begin": begin}
        try:
            return str((await self.player.ask(fields)).get("trouble", ""))
        except PunchinError as problem:
            self.manner.trouble = problem.message
            raise

    async def _stop(self) -> None:
        self.manner.item, self.manner.launched, self.manner.solo = None, False, ""
        self.player.tell({"do": "stop"})

    def _item(self, job: Job, take: int, role: str) -> Item:
        live = self.live.get(job.id)
        finished = any(f.take == take for f in job.files)
        if take == 1 and live and not finished and role == MIX:
            return live
        if take and not finished and not job.ended:
            raise error(108, f"take {take} of job {job.id} is not finished: wait for its file")
        return programme.of_take(job, job.files, take, role)

    # -- the player's own news ---------------------------------------------------------------------

    def _heard(self, fields: Mapping[str, Any]) -> None:
        if fields["kind"] == "trouble":
            self.manner.trouble = str(fields["message"])
        elif fields["kind"] == "song":
            self.hear(fields["source"], fields["name"], fields["told"], fields["at_s"])

    def _looked(self, where: Mapping[str, Any] | None) -> None:
        if where is not None:
            self._seen = Seen(time.monotonic(), where)
            if where["state"] == "playing" and self._owed:
                self.manner.trouble, self._owed = "", False

    def _died(self, why: str) -> None:
        """Have what played go on in a new process, where it was."""
        manner, now_s = self.manner, time.monotonic()
        manner.trouble = f"the player was started again ({why})"
        self._deaths.append(now_s)
        if len(self._deaths) == _MOST_DEATHS and now_s - self._deaths[0] < _DEATHS_S:
            manner.item = None
            manner.trouble = f"the player keeps dying ({why}): see its log, then play again"
            return
        if self._resident:
            self.later(self.ready, self._later)
        if manner.item is None:
            return
        at = resume.of(manner.item, self._seen, now_s, manner.looping, manner.when, manner.same)
        if at is None:
            manner.item = None
            return
        item, place = manner.item, at
        self.later(lambda: self._go_on(item, place), self._later)

    def _later(self, problem: PunchinError) -> None:
        self.manner.trouble = problem.message
        _log.warning("the preview goes on later: %s", problem.message)

    async def _go_on(self, was: Item, at: Resume) -> None:
        now = self.manner.item
        if now is None or any(now[k] != was[k] for k in ("id", "take", "role")):
            return
        await self.ready()
        begin = {"when": at.when, "beat": at.beat, "later": True}
        self._owed = True
        await self._ask({**now, "start": at.start}, self.manner.outputs, begin)

    # -- the DAW's transport -----------------------------------------------------------------------

    def hear(self, source: str, name: str, told: Mapping[str, Any], at_s: float) -> None:
        """Take a message that says where the song is; see `Song.hear`."""
        was = self.song.line.playing
        if not self.song.hear(source, name, told, at_s):
            return
        self._tell_song()
        if was and not self.song.line.playing and self._follow and self.manner.launched:
            self.later(self._stop, lambda _problem: None)

    def forget(self, name: str) -> None:
        """Take that a context message was cleared; without a transport nothing waits for a bar."""
        if name in ("transport", "transport/playing"):
            self.song.forget()
            self._tell_song()

    def _tell_song(self) -> None:
        self.player.tell({"do": "song", "line": asdict(self.song.line)})
