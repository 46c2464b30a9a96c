"""The message sequences of docs/clients.md: read, coded by hand and played over raw sockets."""

from __future__ import annotations

import re
import selectors
import shlex
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patience import PATIENCE_S

PAGE = Path(__file__).resolve().parents[2] / "docs" / "clients.md"
_BLOCK = re.compile(
    r"^```osc (?P<way>udp|tcp slip|tcp size)\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE
)
_CODES = {"i": ">i", "f": ">f", "d": ">d", "h": ">q"}


@dataclass(frozen=True)
class Sequence:
    """One block: how it is sent, its lines, and the heading that it stands under."""

    heading: str
    way: str
    lines: tuple[str, ...]


def sequences() -> list[Sequence]:
    """Return all blocks of the page, in order."""
    text = PAGE.read_text("utf-8")
    found = []
    for block in _BLOCK.finditer(text):
        heading = re.findall(r"^## (.+)$", text[: block.start()], re.MULTILINE)[-1]
        found.append(Sequence(heading, block["way"], tuple(block["body"].splitlines())))
    return found


# -- bytes -----------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    raw = value.encode() + b"\0"
    return raw + b"\0" * (-len(raw) % 4)


def message(address: str, args: list[tuple[str, str]]) -> bytes:
    """Code a message; an argument is its type and its value as written on the page."""
    body = b"".join(_value(kind, value) for kind, value in args)
    return text(address) + text("," + "".join(kind for kind, _ in args)) + body


def _value(kind: str, value: str) -> bytes:
    if kind == "s":
        return text(value)
    return struct.pack(_CODES[kind], int(value) if kind in "ih" else float(value))


def bundle(messages: list[bytes]) -> bytes:
    body = b"".join(struct.pack(">i", len(m)) + m for m in messages)
    return b"#bundle\0" + struct.pack(">Q", 1) + body


def decoded(data: bytes) -> tuple[str, list[tuple[str, Any]]]:
    """Return address and arguments (type, value) of a message."""
    address, at = _text(data, 0)
    kinds, at = _text(data, at)
    args: list[tuple[str, Any]] = []
    for kind in kinds[1:]:
        if kind == "s":
            value, at = _text(data, at)
        else:
            (value,) = struct.unpack_from(_CODES[kind], data, at)
            at += struct.calcsize(_CODES[kind])
        args.append((kind, value))
    assert at == len(data)
    return address, args


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 4 - (end - at) % 4


def slip(data: bytes) -> bytes:
    return b"\xc0" + data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def unslip(data: bytes) -> bytes:
    return data.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")


# -- sockets ---------------------------------------------------------------------------------------


@dataclass
class Line:
    """One socket and what came in on it."""

    sock: socket.socket
    way: str
    rest: bytes = b""
    heard: list[tuple[str, list[tuple[str, Any]]]] = field(default_factory=list)

    def send(self, data: bytes) -> None:
        if self.way == "tcp size":
            data = struct.pack(">i", len(data)) + data
        self.sock.sendall(slip(data) if self.way == "tcp slip" else data)

    def fill(self) -> None:
        data = self.sock.recv(1 << 20)
        assert data, "the daemon closed the connection"
        self.heard += [decoded(p) for p in self._packets(data)]

    def _packets(self, data: bytes) -> Iterator[bytes]:
        if self.way == "udp":
            yield data
            return
        self.rest += data
        if self.way == "tcp slip":
            *whole, self.rest = self.rest.split(b"\xc0")
            yield from (unslip(p) for p in whole if p)
            return
        while len(self.rest) >= 4 and len(self.rest) >= 4 + (
            size := struct.unpack(">i", self.rest[:4])[0]
        ):
            packet, self.rest = self.rest[4 : 4 + size], self.rest[4 + size :]
            yield packet


def listening() -> Line:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return Line(sock, "udp")


def connected(way: str, port: int) -> Line:
    kind = socket.SOCK_DGRAM if way == "udp" else socket.SOCK_STREAM
    sock = socket.socket(socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.connect(("127.0.0.1", port))
    return Line(sock, way)


# -- playing ---------------------------------------------------------------------------------------


class Player:
    """Plays one sequence; `names` replaces what the page has by what this machine has."""

    def __init__(self, sequence: Sequence, port: int, names: dict[str, str]) -> None:
        self.sequence = sequence
        self.own, self.other = connected(sequence.way, port), listening()
        self.names = {**names, "9200": str(self.other.sock.getsockname()[1])}
        self.forbidden: list[str] = []

    def play(self) -> None:
        steps = list(self._steps())
        for i, (sign, address, args) in enumerate(steps):
            if sign == ">":
                parts = [message(address, args)]
                for more, where, values in steps[i + 1 :]:
                    if more != "+":
                        break
                    parts.append(message(where, values))
                self.own.send(bundle(parts) if len(parts) > 1 else parts[0])
            elif sign == "!":
                self.forbidden.append(address)
            elif sign != "+":
                self._await(self.other if sign == "<9200" else self.own, address, args)
        self.own.sock.close()
        self.other.sock.close()

    def _steps(self) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
        for line in self.sequence.lines:
            sign, address, *words = shlex.split(line)
            assert sign in (">", "+", "<", "<9200", "!"), line
            args = []
            for word in words:
                kind, _, value = word.partition(":")
                args.append((kind, self.names.get(value, value)))
            yield sign, address, args

    def _await(self, line: Line, address: str, args: list[tuple[str, str]]) -> None:
        end = time.monotonic() + PATIENCE_S
        with selectors.DefaultSelector() as waiting:
            waiting.register(line.sock, selectors.EVENT_READ)
            while True:
                while line.heard:
                    came, values = line.heard.pop(0)
                    assert came != "/punchin/error", values
                    assert came not in self.forbidden, (came, values)
                    if came == address and _fits(values, args):
                        self.forbidden.clear()
                        return
                assert waiting.select(end - time.monotonic()), f"no {address} {args}"
                line.fill()


def _fits(values: list[tuple[str, Any]], wanted: list[tuple[str, str]]) -> bool:
    """Whether what came has these types, and these values where the page gives them."""
    return [kind for kind, _ in values] == [kind for kind, _ in wanted] and all(
        not value or str(have) == value
        for (_, have), (_, value) in zip(values, wanted, strict=True)
    )
