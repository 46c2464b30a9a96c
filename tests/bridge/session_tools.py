"""What the tests of the client's protocol core share."""

from __future__ import annotations

from bridge.client.session import Session
from bridge.protocol.framing import Framer, sized
from bridge.protocol.packets import decode, encode


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def sent(session: Session) -> list[tuple[str, list]]:
    framer = Framer()
    data = session.outgoing()
    packets = framer.feed(b"".join(data)) if session.stream else data
    return [m for p in packets for g in decode(p) for m in g.messages]


def hear(session: Session, address: str, *args: object) -> list:
    packet = encode(address, args)
    return session.receive(sized(packet) if session.stream else packet)


def job(session: Session, id_: str = "a1"):
    return session.start("/punchin/repaint", [id_, "/s.wav", "start", 1.0])
