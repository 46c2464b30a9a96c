"""The way to the daemon: UDP, else the mailbox; who is there, and when to ask again.

`tick` is called every 100 ms. A link is `away` (no daemon.json), `asking` (a daemon.json, no answer
yet), `udp` or `mailbox` (the daemon answers so), `wrong` (it speaks another protocol), or `silent`
(it was asked often enough; asked again when daemon.json changes or `wake` is called).
"""

from __future__ import annotations

import os
from typing import Any

from . import osc
from .mailbox import Mailbox
from .places import read_json, stamp
from .udp import BIGGEST, Refused

PROTOCOL = 1
UDP_ANSWER_S = 1.0
MAILBOX_ANSWER_S = 4.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
MOST_TRIES = 6
LOOK_S = 0.5  # how often daemon.json is looked at
STAY_S = 30.0  # how often a subscription is renewed; the daemon forgets after 120 s
ANYWHERE = ("0.0.0.0", "::", "")


class Link:
    """One daemon, seen from one set. `open_udp(host, port)` makes a `udp.Udp`."""

    def __init__(self, home: str, open_udp: Any, clock: Any) -> None:
        self.home = home
        self.state = "away"
        self.version = ""
        self._open_udp, self._clock = open_udp, clock
        self._mailbox = Mailbox(home, clock)
        self._udp: Any = None
        self._stamp: Any = None
        self._look_at = self._due = self._stay_at = clock()
        self._tries = 0
        self._step = ""

    @property
    def up(self) -> bool:
        """Whether the daemon answers."""
        return self.state in ("udp", "mailbox")

    def wake(self) -> None:
        """Ask again at once; for when the musician wants something."""
        if not self.up:
            self._look_at = self._clock()
            self._stamp = None

    def doubt(self) -> None:
        """Ask again whether the daemon is there, after it left a message unanswered."""
        if self.up:
            self._stamp = None
            self._look_at = self._clock()

    def send(self, messages: list[tuple[str, list[Any]]]) -> bool:
        """Send messages in order; what is too long for a datagram goes through the mailbox."""
        if self.state != "udp":
            return self.state == "mailbox" and self._mailbox.post(messages) is not None
        packets = [osc.encode(*message) for message in messages]
        if max(map(len, packets)) > BIGGEST:
            return self._mailbox.post(messages) is not None
        sent = [self._put(packet) for packet in packets]
        return all(sent)

    def post(self, messages: list[tuple[str, list[Any]]]) -> bool:
        """Send messages through the mailbox, whatever the state."""
        return self._mailbox.post(messages) is not None

    def tick(self) -> list[tuple[str, list[Any]]]:
        """Return the messages that have arrived."""
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            self._look()
        packets, letters = self._arrived(), self._mailbox.answers()
        self._learn(packets, "udp")
        self._learn(letters, "mailbox")
        if self.state == "asking" and now >= self._due:
            self._ask_on()
        elif self.state == "udp" and now >= self._stay_at:
            self._stay_at = now + STAY_S
            self._put(osc.encode("/punchin/notify", [1]))
        return packets + letters

    def close(self, last: list[tuple[str, list[Any]]]) -> None:
        """Withdraw messages that nobody took, send the last ones, let go of everything."""
        self._mailbox.withdraw()
        self.send(last)
        self._hang_up()
        self.state = "away"

    def _look(self) -> None:
        path = os.path.join(self.home, "daemon.json")
        seen = stamp(path)
        if seen == self._stamp:
            return
        self._stamp = seen
        self._hang_up()
        self.state = "asking" if seen else "away"
        self._tries, self._step = 0, ""
        self._due = self._clock()

    def _ask_on(self) -> None:
        """Try the next way of asking: UDP, the mailbox, a pause, and so on."""
        now = self._clock()
        question: tuple[str, list[Any]] = ("/punchin/version", [])
        if self._step == "udp":
            self._step, self._due = "mailbox", now + MAILBOX_ANSWER_S
            self._mailbox.post([question])
        elif self._step == "mailbox":
            self._hang_up()
            self._tries += 1
            self._step = "pause"
            self._due = now + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._tries)
            if self._tries >= MOST_TRIES:
                self.state = "silent"
        else:
            self._step, self._due = "udp", now + UDP_ANSWER_S
            self._dial()
            self._put(osc.encode(*question))

    def _dial(self) -> None:
        self._hang_up()
        facts = read_json(os.path.join(self.home, "daemon.json"))
        if not isinstance(facts, dict) or not isinstance(facts.get("port"), int):
            return
        host = str(facts.get("host") or "")
        try:
            self._udp = self._open_udp("127.0.0.1" if host in ANYWHERE else host, facts["port"])
        except OSError:
            self._udp = None

    def _hang_up(self) -> None:
        if self._udp is not None:
            self._udp.close()
        self._udp = None

    def _put(self, packet: bytes) -> bool:
        if self._udp is None:
            return False
        try:
            return bool(self._udp.send(packet))
        except Refused:
            self._lost()
            return False

    def _arrived(self) -> list[tuple[str, list[Any]]]:
        if self._udp is None:
            return []
        heard: list[tuple[str, list[Any]]] = []
        try:
            packets = self._udp.receive()
        except Refused:
            self._lost()
            return []
        for packet in packets:
            try:
                heard += osc.decode(packet)
            except ValueError:
                continue
        return heard

    def _lost(self) -> None:
        """Nobody listens there any more: ask again, with pauses."""
        if self.state != "udp":
            return  # a question that found nobody; the next way is tried when its time comes
        self._hang_up()
        self.state, self._step = "asking", "mailbox"
        self._due = self._clock() + FIRST_PAUSE_S

    def _learn(self, heard: list[tuple[str, list[Any]]], way: str) -> None:
        if self.state != "asking":
            return
        for address, args in heard:
            if address == "/punchin/version.reply" and len(args) >= 2:
                self.version = str(args[1])
                self.state = way if args[0] == PROTOCOL else "wrong"
                self._stay_at = self._clock()
