"""Hears the control plane and plays what it says.

Frames in are `{"do": …, "n": …}`, chunks of running jobs carry float32 PCM. Each frame with an `n`
is answered: `{"kind": "ok", "n", …}` with what was asked, or `{"kind": "refused", "n", "code",
"message"}`.

Threads: `serve` runs in the main thread; outputs and the loader have their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bridge.protocol.errors import PunchinError
from daemon.player import state
from daemon.player.capture.booth import Booth
from daemon.player.jack_song import JackSong
from daemon.player.link_song import LinkSong
from daemon.player.loader import Loader
from daemon.player.outputs.base import Output
from daemon.player.program import Program
from daemon.player.rack import Begin, Rack
from daemon.player.shelf import Shelf
from daemon.player.transport import Line
from daemon.worker.channel import BrokenChannel, Channel

_log = logging.getLogger("punchin.player")
Fields = Mapping[str, Any]


class Host:
    """The player behind one channel. `make` builds outputs by name.

    With `song`, `jack` or `link`, it also tells where that is, `{"kind": "song", …}`.
    """

    def __init__(
        self,
        channel: Channel,
        make: Callable[[str], Output],
        preroll_s: float = 0.0,
        song: str = "",
    ) -> None:
        self._channel = channel
        self._song_source, self._hearer = song, self._hears(song)
        self._shelf = Shelf()
        self._loader = Loader(self._trouble)
        self.rack = Rack(make, self._program, self._stuck, preroll_s)
        self._booth = Booth(lambda: self.rack.line, self._channel.send)

    def serve(self) -> int:
        """Obey until `quit` or until the control plane is gone; return the exit code."""
        self._channel.send({"kind": "ready"})
        if self._hearer:
            self._hearer.begin()
        try:
            while True:
                fields, payload = self._channel.receive()
                if fields["do"] == "quit":
                    break
                self._obey(fields, payload)
        except BrokenChannel:
            pass
        if self._hearer:
            self._hearer.close()
        self._booth.close()
        self.rack.close()
        self._loader.close()
        return 0

    def _obey(self, fields: Fields, payload: bytes) -> None:
        answer: dict[str, Any] = {"kind": "ok"}
        try:
            answer |= _DO[fields["do"]](self, fields, payload) or {}
        except PunchinError as problem:
            answer = {"kind": "refused", **problem.as_dict()}
        except Exception:
            _log.exception("%s failed", fields["do"])
            message = "the player made a mistake: see its log"
            answer = {"kind": "refused", "code": 500, "message": message}
        if "n" in fields:
            self._channel.send({**answer, "n": fields["n"]})

    def _program(self, told: Fields, rate: int, start: int) -> Program:
        program = self._shelf.program(self._heard(told), rate)
        self._loader.want(program, start)
        return program

    def _heard(self, told: Fields) -> Fields:
        """Return what is told of a programme without the stems that no output has a pair for."""
        decks = [bay.deck for bay in list(self.rack.bays.values()) if bay.deck]
        heard = {"mix", *(pair for deck in decks for pair in deck.pairs)}
        return {**told, "pairs": {k: v for k, v in told["pairs"].items() if k in heard}}

    def _trouble(self, problem: PunchinError) -> None:
        self._channel.send({"kind": "trouble", **problem.as_dict()})

    def _hears(self, song: str) -> JackSong | LinkSong | None:
        if song == "link":
            return LinkSong(self._tell_song, self._tell_trouble, lambda: self.rack.line.bar_beats)
        return JackSong(self._tell_song, self._tell_trouble) if song else None

    def _tell_song(self, name: str, told: Fields, at_s: float) -> None:
        news = {"kind": "song", "source": self._song_source, "name": name}
        self._channel.send({**news, "told": dict(told), "at_s": at_s})

    def _tell_trouble(self, message: str) -> None:
        self._channel.send({"kind": "trouble", "message": message})

    def _stuck(self, trouble: str) -> None:
        told = {"kind": "stuck", "message": trouble}
        self._channel.send({**told, "where": state.where(self.rack)})

    # -- commands ----------------------------------------------------------------------------------

    def _play(self, fields: Fields, _payload: bytes) -> dict[str, Any]:
        begin = Begin(**fields["begin"])
        return {"trouble": self.rack.play(fields["item"], list(fields["outputs"]), begin)}

    def _better(self, fields: Fields, _payload: bytes) -> None:
        self.rack.improve(fields["item"])

    def _stop(self, _fields: Fields, _payload: bytes) -> None:
        self.rack.stop()

    def _loop(self, fields: Fields, _payload: bytes) -> None:
        self.rack.loop(bool(fields["on"]))

    def _gain(self, fields: Fields, _payload: bytes) -> None:
        gain_db = float(fields["db"])
        self.rack.gain(1.0 if gain_db == 0 else 10 ** (gain_db / 20))

    def _song(self, fields: Fields, _payload: bytes) -> None:
        self.rack.line = Line(**fields["line"])

    def _open(self, fields: Fields, _payload: bytes) -> None:
        job, role = fields["job"], fields["role"]
        shape = fields["frames"], fields["channels"], fields["rate"]
        self._shelf.open_live(job, role, *shape)

    def _chunk(self, fields: Fields, payload: bytes) -> None:
        samples = np.frombuffer(payload, "<f4").reshape(-1, fields["channels"])
        self._shelf.live(fields["job"], fields["role"]).write(fields["start"], samples)
        self._loader.nudge()

    def _ended(self, fields: Fields, _payload: bytes) -> None:
        if not fields["well"]:
            self.rack.drop(fields["job"])
        self._shelf.drop_live(fields["job"])

    def _capture(self, fields: Fields, _payload: bytes) -> dict[str, Any]:
        return {"capture": self._booth.begin(fields)}

    def _capture_end(self, _fields: Fields, _payload: bytes) -> None:
        self._booth.end()

    def _state(self, _fields: Fields, _payload: bytes) -> dict[str, Any]:
        return {"state": {**state.of(self.rack), "capture": self._booth.state()}}

    def _where(self, _fields: Fields, _payload: bytes) -> dict[str, Any]:
        return {"where": state.where(self.rack)}


_DO: dict[str, Callable[[Host, Fields, bytes], dict[str, Any] | None]] = {
    "play": Host._play,
    "better": Host._better,
    "stop": Host._stop,
    "loop": Host._loop,
    "gain": Host._gain,
    "song": Host._song,
    "open": Host._open,
    "chunk": Host._chunk,
    "ended": Host._ended,
    "capture": Host._capture,
    "capture_end": Host._capture_end,
    "state": Host._state,
    "where": Host._where,
}
