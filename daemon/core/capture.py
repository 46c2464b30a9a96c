"""Recording as clients ask for it: the take becomes the source and region of what comes next.

The player process records. When a take is whole its path, its length without the pre-roll and the
tempo of the transport go into the context, so that the next job works on it.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bridge.protocol.errors import PunchinError, error
from daemon.audio.rescue import rescue
from daemon.core.bus import Bus, Listener
from daemon.core.context import Context
from daemon.core.note_capture import NoteCaptures, is_notes
from daemon.core.player import Desk, Refuse

Asker = tuple[Listener, Refuse]


@dataclass(frozen=True)
class Microphone:
    """Where recordings come from unless a client says otherwise, and go to.

    `input` as `daemon.player.capture.inputs.of` takes it; `preroll_s` is kept before the punch.
    """

    input: str
    host_api: str
    preroll_s: float
    folder: Path


class Captures:
    """Carries out `/punchin/capture`."""

    def __init__(
        self, desk: Desk, context: Context, bus: Bus, microphone: Microphone, notes: NoteCaptures
    ) -> None:
        self._desk, self._context, self._bus = desk, context, bus
        self._microphone, self._notes = microphone, notes
        self._askers: dict[str, Asker] = {}  # by the path of the take
        self._begun: dict[str, Mapping[str, Any]] = {}  # what is known of a take under way
        self._heard_before, self._died_before = desk.player.heard, desk.player.died
        desk.player.heard, desk.player.died = self._heard, self._died

    def command(self, args: Mapping[str, Any], listener: Listener, refuse: Refuse) -> None:
        """Begin or end a recording; refusals (101, 107, 401, 402, 403) go to `refuse`."""
        told = {"input": self._microphone.input, **args}
        if not args["on"]:
            self._desk.later(self._notes.end if self._notes.state else self._end, refuse)
        elif is_notes(told["input"]):
            self._desk.later(lambda: self._notes.begin(told, listener, refuse), refuse)
        else:
            self._desk.later(lambda: self._begin(told, listener, refuse), refuse)

    async def _begin(self, args: Mapping[str, Any], listener: Listener, refuse: Refuse) -> None:
        mic = self._microphone
        if args.get("when") == "region":
            raise error(101, "only notes are recorded over the region: send now, beat or bar")
        await self._desk.ready()
        asked = {
            "do": "capture",
            "input": args["input"],
            "host_api": mic.host_api,
            "path": str(_new_path(mic.folder, self._askers)),
            "when": args.get("when", "now"),
            "bars": args.get("bars"),
            "preroll_s": mic.preroll_s,
        }
        await self._ask(asked, (listener, refuse))

    async def _ask(self, asked: dict[str, Any], asker: Asker) -> None:
        """Have the player record; a recording may be over before the answer is here."""
        path = asked["path"]
        self._askers[path] = asker
        try:
            await self._desk.player.ask(asked)
        except PunchinError:
            if self._askers.pop(path, None):  # else the player's death has been told
                raise

    async def _end(self) -> None:
        if not self._desk.player.running:
            raise error(101, "nothing is recorded: begin with /punchin/capture 1")
        await self._desk.player.ask({"do": "capture_end"})

    # -- news of the player ------------------------------------------------------------------------

    def _heard(self, fields: Mapping[str, Any]) -> None:
        hear = _NEWS.get(fields["kind"])
        if fields["kind"] == "capture_begun":
            self._begun[fields["path"]] = fields
        elif hear is None:
            self._heard_before(fields)
        else:
            self._begun.pop(fields["path"], None)
            hear(self, fields, self._askers.pop(fields["path"], None))

    def _died(self, why: str) -> None:
        askers, self._askers = self._askers, {}
        begun, self._begun = self._begun, {}
        problem = error(402, f"the player died while it recorded ({why}): record again")
        for path, asker in askers.items():
            self._desk.later(partial(self._rescue, path, begun.get(path), asker, problem), asker[1])
        self._died_before(why)

    async def _rescue(
        self, path: str, begun: Mapping[str, Any] | None, asker: Asker, problem: PunchinError
    ) -> None:
        """Keep what a player that died had written of a take. Raises `problem` if that is nothing.

        See `daemon.audio.writer` for the part's name. The player may have died between finishing
        the file and telling it.
        """
        take = Path(path)
        with contextlib.suppress(OSError):
            part = take.with_name(f".{take.name}.part")
            left = part if part.exists() else take
            frames = await asyncio.to_thread(rescue, left, take)
            if begun and frames > begun["start_frame"]:
                self._captured({**begun, "frames": frames, "cut": problem.as_dict()}, asker)
                return
            take.unlink(missing_ok=True)
        raise problem

    def _captured(self, fields: Mapping[str, Any], asker: Asker | None) -> None:
        told = {k: v for k, v in fields.items() if k != "kind"}
        into_context(self._context, told)
        seconds = told["frames"] / told["rate"]
        audience = self._bus.subscribers()
        if asker:
            audience[asker[0].key] = asker[0]
        for listener in audience.values():
            listener.send("/punchin/captured", told["path"], seconds, json.dumps(told))
        if asker and "cut" in told:
            cut = told["cut"]
            asker[1](PunchinError(cut["code"], f"{cut['message']}; what came before it is kept"))

    def _failed(self, fields: Mapping[str, Any], asker: Asker | None) -> None:
        if asker:
            asker[1](PunchinError(fields["code"], fields["message"]))

    def _cancelled(self, _fields: Mapping[str, Any], asker: Asker | None) -> None:
        if asker:
            asker[1](error(101, "the recording ended before it began: nothing was kept"))


_NEWS: dict[str, Callable[[Captures, Mapping[str, Any], Asker | None], None]] = {
    "captured": Captures._captured,
    "capture_failed": Captures._failed,
    "capture_cancelled": Captures._cancelled,
}


def into_context(context: Context, told: Mapping[str, Any]) -> None:
    """Make a take the region's source; what the transport told about it goes with it."""
    start, end = told["start_frame"], told["frames"]
    context.apply("region_frames", {"source": told["path"], "start": start, "end": end})
    if "bpm" in told:
        context.apply("tempo", {"bpm": told["bpm"]})
    if told.get("on_bar"):
        context.apply("downbeat", {"second": start / told["rate"]})


def _new_path(folder: Path, taken: Container[str]) -> Path:
    """Return a name that says when, and is not that of a take under way. Raises 401."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        why = f"can't make the folder {folder} ({problem.strerror})"
        raise error(401, f"{why}: check it and record again") from None
    stem = f"capture-{datetime.now():%Y%m%d-%H%M%S}"
    names = (f"{stem}{suffix}.wav" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(p for p in map(folder.joinpath, names) if not p.exists() and str(p) not in taken)
