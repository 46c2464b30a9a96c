"""The protocol seen from a client, without sockets: bytes in, replies and events out.

A `Session` keeps the jobs and the questions that are under way. What it wants sent lies in
`outgoing()`; what arrived goes into `receive()`. Both clients drive one.

A message without a reply is followed by `/punchin/version`: the daemon answers in order, so
whatever is wrong with the message comes before that answer.

Threads: guarded by the client that owns it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from bridge.client.flight import Flight
from bridge.client.pieces import Pieces
from bridge.client.query import Query, claims
from bridge.client.values import Event
from bridge.client.wire import remote_error
from bridge.protocol.check import command
from bridge.protocol.commands import COMMAND, TERMINAL
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.framing import Framer, sized
from bridge.protocol.packets import FRAME, Message, decode, encode, encode_bundle

SILENCE_S = 5.0
ASK_AGAIN_S = 1.0
LEASE_S = 60.0
_VERSION = "/punchin/version"
_PLAYER = "/punchin/player"
# What UDP over IPv4 can carry.
_DATAGRAM = 65_507
_TOO_LARGE = "send long texts as lyrics_file, or over TCP if they are under 1 MiB"


class Heard(NamedTuple):
    """An event, and the open jobs of this client that it is about."""

    event: Event
    flights: list[Flight]


class Session:
    """Jobs and questions of one client.

    `stream`: TCP framing, else one packet a datagram. `clock`: seconds, never falling.
    """

    def __init__(self, stream: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = stream
        self.flights: list[Flight] = []
        self.queries: list[Query] = []
        self.subscribed = False
        self._clock = clock
        self._numbers = itertools.count(1)
        self._most = FRAME if stream else _DATAGRAM
        self._framer = Framer()
        self._pieces = Pieces()
        self._outgoing: list[bytes] = []
        self._spoke_s = clock()

    # -- asking ----------------------------------------------------------------------------------

    def start(self, address: str, args: Sequence[Any], id_: str = "") -> Flight:
        """Ask for a job; `id_`: what its events are called, else the first argument."""
        packets = [encode(address, args)]
        self._send(packets)
        return self._track(address, id_ or str(args[0]), packets)

    def ask(self, address: str, args: Sequence[Any], reply: str, match: Any = None) -> Query:
        """Ask what has a reply; `match`: first argument that the reply must have."""
        return self._put(Query((address,), (reply,), match, (encode(address, args),)))

    def tell(self, address: str, args: Sequence[Any]) -> Query:
        """Say what has no reply; the query ends once it is known to be right or wrong."""
        # The player answers after all that was asked of it, when a device has said yes or no.
        row = COMMAND.get(address)
        fence = _PLAYER if row is not None and row.section == "preview" else _VERSION
        packets = (encode(address, args), encode(fence, ()))
        return self._put(Query((address,), (f"{fence}.reply",), None, packets, fence=True))

    def cancel(self, id_: str) -> Query:
        """Cancel a job of any client; answered by the event that ended it."""
        packet = encode("/punchin/cancel", [id_])
        return self._put(Query(("/punchin/cancel",), TERMINAL, id_, (packet,)))

    def bundle(self, messages: Sequence[Message]) -> tuple[list[Flight], Query]:
        """Send messages that are applied with nothing between them."""
        packet = encode_bundle([encode(address, args) for address, args in messages])
        fence = (packet, encode(_VERSION, ()))
        plain = tuple(a for a, _ in messages if not _starts(a))
        query = self._put(Query(plain, (f"{_VERSION}.reply",), None, fence, fence=True))
        jobs = [(a, str(args[0])) for a, args in messages if _starts(a)]
        return [self._track(address, id_, [packet]) for address, id_ in jobs], query

    def say(self, address: str, args: Sequence[Any]) -> None:
        """Send a message and expect nothing."""
        self._send([encode(address, args)])

    def number(self) -> int:
        """Return a number that this session has not used."""
        return next(self._numbers)

    def _track(self, address: str, id_: str, packets: list[bytes]) -> Flight:
        flight = Flight(id_, address, packets, self._clock())
        self.flights.append(flight)
        return flight

    def _put(self, query: Query) -> Query:
        self._send(query.packets)
        query.asked_s = self._clock()
        self.queries.append(query)
        return query

    def _send(self, packets: Iterable[bytes]) -> None:
        for packet in packets:
            if len(packet) > self._most:
                raise error(106, f"the message has {len(packet):,} bytes: {_TOO_LARGE}")
            self._outgoing.append(sized(packet) if self.stream else packet)
        self._spoke_s = self._clock()

    def outgoing(self) -> list[bytes]:
        """Return what is to be sent now, in order, and forget it."""
        waiting, self._outgoing = self._outgoing, []
        return waiting

    # -- hearing ---------------------------------------------------------------------------------

    def receive(self, data: bytes) -> list[Heard]:
        """Take bytes of the stream or one datagram; return the events that answer no question.

        Any cutting of the stream gives the same events. Raises 101 or 106 for a broken stream.
        """
        packets = self._framer.feed(data) if self.stream else [data]
        messages = (m for p in packets for group in decode(p) for m in group.messages)
        heard = (self._take(address, args) for address, args in messages)
        return [h for h in heard if h]

    def _take(self, address: str, args: list[Any]) -> Heard | None:
        if address == "/punchin/part":
            whole = self._pieces.add(*args)
            return self._take(*whole) if whole else None
        if address == "/punchin/error":
            return self._wrong(args)
        query = next((q for q in self.queries if claims(q, address, args)), None)
        if query:
            self._answer(query, args)
        if query and address not in TERMINAL and address != "/punchin/chosen":
            return None
        event = Event(address, args)
        return Heard(event, self._inform(event))

    def _answer(self, query: Query, args: list[Any]) -> None:
        self.queries.remove(query)
        query.answer(args)
        if query.flight:
            query.flight.heard_s = self._clock()
            query.flight.read(query.record())
            self._land(query.flight)

    def _inform(self, event: Event) -> list[Flight]:
        concerned = self.named(event.id)
        for flight in concerned:
            flight.heard_s = self._clock()
            if event.name == "done" and not self.stream and '"job_file"' not in event.args[1]:
                # Any of its file events may have been lost, job.json has them all.
                self._look(flight, event)
            else:
                flight.hear(event.name, event.args)
                self._land(flight)
        return concerned

    def named(self, id_: str) -> list[Flight]:
        """Return the open jobs of this id; ids are compared without regard to case."""
        return [f for f in self.flights if f.id.lower() == id_.lower()]

    def _wrong(self, args: list[Any]) -> Heard | None:
        code, name, address, message = args[:4]
        reason = remote_error(code, name, message)
        query = next((q for q in self.queries if address in q.addresses and not q.error), None)
        if query:
            self._refuse(query, reason)
            return None
        asked = (f for f in self.flights if f.state == "asked" and f.address == address)
        flight = next(asked, None)
        if not flight:
            return Heard(Event("/punchin/error", args), [])
        flight.fail(reason)
        self._land(flight)
        return None

    def _refuse(self, query: Query, reason: PunchinError) -> None:
        query.error = reason
        if query.fence:
            return
        query.done = True
        self.queries.remove(query)
        if flight := query.flight:
            flight.heard_s = self._clock()
            self._unknown(flight, query)

    def _unknown(self, flight: Flight, query: Query) -> None:
        """The daemon does not know the job: it never got the request, or has forgotten it since."""
        if query.last:
            flight.hear(query.last.name, query.last.args)
            self._land(flight)
        else:
            self._send(flight.packets)

    def _land(self, flight: Flight) -> None:
        if flight.ended and flight in self.flights:
            self.flights.remove(flight)

    # -- losing and waiting ----------------------------------------------------------------------

    def lost(self) -> None:
        """The connection is gone; whoever asked the daemon to stop has what was asked for."""
        for query in [q for q in self.queries if "/punchin/quit" in q.addresses]:
            self._answer(query, ["quit", "{}"])

    def give_up(self, query: Query) -> None:
        """Wait no longer for an answer."""
        if query in self.queries:
            self.queries.remove(query)

    def reconnected(self) -> None:
        """Ask again for everything under way, on a new connection; ids make it run once only."""
        self._framer, self._pieces, self._outgoing = Framer(), Pieces(), []
        if self.subscribed:
            self.say("/punchin/notify", [1])
        open_ = [packet for f in self.flights for packet in f.packets]
        self._send(dict.fromkeys(open_))
        for query in self.queries:
            self._send(query.packets)

    def tick(self) -> None:
        """Ask again for what UDP may have lost; to be called a few times a second."""
        if self.stream:
            return
        now_s = self._clock()
        for query in self.queries:
            if now_s - query.asked_s >= ASK_AGAIN_S:
                query.asked_s = now_s
                self._send(query.packets)
        for flight in list(self.flights):
            if now_s - flight.heard_s >= SILENCE_S and not self._looking(flight):
                self._look(flight)
        if self.subscribed and now_s - self._spoke_s >= LEASE_S:
            self.say("/punchin/notify", [1])

    def _looking(self, flight: Flight) -> bool:
        return any(q.flight is flight for q in self.queries)

    def _look(self, flight: Flight, last: Event | None = None) -> None:
        packet = encode("/punchin/job", [flight.id])
        look = Query(("/punchin/job",), ("/punchin/job.reply",), flight.id, (packet,))
        look.flight, look.last = flight, last
        self._put(look)


def _starts(address: str) -> bool:
    """Whether a message to `address` starts a job with an id of ours. Raises 100."""
    return bool(command(address).op)
