"""Preview as clients ask for it: what plays, how, and what the player is told.

Commands are carried out one after the other, in the order in which they came, away from the lane of
jobs: a device that takes its time to open holds up no job.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bridge.protocol.errors import PunchinError, error
from daemon.core import programme
from daemon.core.bus import Listener
from daemon.core.jobs import Job
from daemon.core.programme import MIX, Item
from daemon.core.roster import Roster
from daemon.player.transport import Follower

_log = logging.getLogger(__name__)
Refuse = Callable[[PunchinError], None]


class Player(Protocol):
    """The player process."""

    heard: Callable[[Mapping[str, Any]], None]
    died: Callable[[str], None]

    @property
    def running(self) -> bool:
        """Whether there is a process."""

    async def start(self) -> bool:
        """Start it if it does not run; return whether that was needed. Raises 402."""

    def tell(self, fields: Mapping[str, Any], payload: bytes = b"") -> None:
        """Send a frame that needs no answer."""

    async def ask(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Send a frame and return its answer. Raises 200…204, 402."""


@dataclass
class Manner:
    """How things are played, and what plays now. `take` 0 is the source."""

    looping: bool = False
    gain_db: float = 0.0
    launch: str = "now"
    item: Item | None = None
    outputs: tuple[str, ...] = ()
    solo: str = ""
    launched: bool = False
    live: bool = False
    trouble: str = ""


class Desk:
    """Carries out section 7. `outputs`: where `play` sounds. `follow`: stop with the transport."""

    def __init__(
        self, player: Player, roster: Roster, outputs: tuple[str, ...], follow: bool
    ) -> None:
        self.player, self.roster = player, roster
        self._outputs, self._follow = outputs, follow
        self.manner = Manner()
        self.song = Follower()
        self.live: dict[str, Item] = {}
        self._queue: asyncio.Queue[tuple[Callable[[], Awaitable[None]], Refuse]] = asyncio.Queue()
        player.heard, player.died = self._heard, self._died

    async def run(self) -> None:
        """Carry out commands for ever; cancel this to stop."""
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
        live = item is self.live.get(job.id)
        self.later(lambda: self.play_item(item, self._outputs, live=live), refuse)

    def swap(self, job_id: str, take: int, refuse: Refuse) -> None:
        """Go on in another take at the same musical position. Raises 101, 108."""
        job = self.roster.get(job_id)
        mix = self._item(job, take, MIX)

        async def work() -> None:
            item = self._item(job, take, self.manner.solo) if self.manner.solo and take else mix
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
        told: dict[str, Any] = {"state": "off", "position": None, "level": None, "underruns": 0,
                                "device": None, "outputs": []}  # fmt: skip
        if self.player.running:
            told |= {"state": "stopped", **(await self.player.ask({"do": "state"}))["state"]}
        if told["outputs"]:
            told["device"] = told["outputs"][0].get("device") or told["outputs"][0]["name"]
        song = asdict(line) | {"beat": line.beat_at(time.monotonic())}
        song.pop("at_s")
        return told | {
            "looping": manner.looping,
            "gain_db": manner.gain_db,
            "launch": manner.launch,
            "solo": manner.solo,
            "trouble": manner.trouble,
            "transport": song,
        }

    # -- what the player is told -------------------------------------------------------------------

    async def ready(self) -> None:
        """Have a player that knows how to play. Raises 402."""
        if await self.player.start():
            self.player.tell({"do": "loop", "on": self.manner.looping})
            self.player.tell({"do": "gain", "db": self.manner.gain_db})
            self._tell_song()

    async def play_item(
        self,
        item: Item,
        outputs: tuple[str, ...],
        same: bool = False,
        live: bool = False,
        when: str | None = None,
    ) -> None:
        """Play an item in place of what sounds. Raises 200…204, 402."""
        await self.ready()
        when = when or self.manner.launch
        fields = {"do": "play", "item": item, "when": when, "same": same, "outputs": list(outputs)}
        try:
            told = await self.player.ask(fields)
        except PunchinError as problem:
            self.manner.trouble = problem.message
            raise
        manner = self.manner
        manner.item, manner.outputs, manner.live = item, outputs, live
        manner.trouble = told.get("trouble", "")
        manner.solo = manner.solo if same else ""
        manner.launched = when != "now" and self.song.line.playing

    async def _stop(self) -> None:
        self.manner.item, self.manner.launched = None, False
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

    def _died(self, why: str) -> None:
        """Have what played go on in a new process; a running job's material went with the old."""
        manner = self.manner
        manner.trouble = f"the player was started again ({why})"
        self.live.clear()
        if manner.item is None or manner.live:
            manner.item = None
            return
        item, outputs = manner.item, manner.outputs
        manner.item = None
        self.later(
            lambda: self.play_item(item, outputs, when="now"),
            lambda problem: _log.warning("the preview does not go on: %s", problem.message),
        )

    # -- the DAW's transport -----------------------------------------------------------------------

    def hear(self, name: str, told: Mapping[str, Any], at_s: float) -> None:
        """Take a context message that says where the song is; `at_s` in `time.monotonic()`."""
        was = self.song.line.playing
        _SONG[name](self.song, told, at_s)
        self._tell_song()
        if was and not self.song.line.playing and self._follow and self.manner.launched:
            self.later(self._stop, lambda _problem: None)

    def forget(self, name: str) -> None:
        """Take that a context message was cleared; without a transport nothing waits for a bar."""
        if name in ("transport", "transport/playing"):
            self.song = Follower()
            self._tell_song()

    def _tell_song(self) -> None:
        self.player.tell({"do": "song", "line": asdict(self.song.line)})


_SONG: dict[str, Callable[[Follower, Mapping[str, Any], float], None]] = {
    "transport": lambda song, told, at_s: song.whole(
        at_s, bool(told["playing"]), told["beat"], told["bpm"], told.get("bar_beat")
    ),
    "transport/playing": lambda song, told, at_s: song.playing(at_s, bool(told["value"])),
    "transport/seconds": lambda song, told, at_s: song.seconds(at_s, told["value"]),
    "transport/bpm": lambda song, told, at_s: song.tempo(at_s, told["value"]),
    "tempo": lambda song, told, at_s: _tempo(song, told, at_s),
    "place": lambda song, told, _at_s: song.place(told["seconds"], told["beat"]),
}
SONG_MESSAGES = frozenset(_SONG)


def _tempo(song: Follower, told: Mapping[str, Any], at_s: float) -> None:
    song.tempo(at_s, told["bpm"])
    if "beats" in told:
        song.metre(told["beats"] * 4 / told.get("unit", 4))
