"""Where the daemon answers, and a socket to it."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from bridge.client.values import NoDaemon
from bridge.places import home as default_home
from bridge.places import read_daemon
from bridge.protocol.commands import DEFAULT_PORT
from bridge.protocol.framing import sized
from bridge.protocol.packets import encode

START = "start one with punchin start"
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def endpoint(host: str | None, port: int | None, home: Path | None) -> tuple[str, int]:
    """Return host and port: as given, else from `daemon.json`. Raises NoDaemon.

    A host without a port is another machine's, where our `daemon.json` knows nothing.
    """
    if port is not None or host:
        return host or "127.0.0.1", DEFAULT_PORT if port is None else port
    told = read_daemon(home)
    if not told:
        raise NoDaemon(f"no daemon is running in {home or default_home()}: {START}")
    return _ANY.get(told["host"], told["host"]), int(told["port"])


def connect(where: tuple[str, int], stream: bool, timeout_s: float) -> socket.socket:
    """Return a connected TCP or UDP socket. Raises NoDaemon."""
    try:
        if stream:
            link = socket.create_connection(where, timeout_s)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return link
        family, kind, _, _, address = socket.getaddrinfo(*where, type=socket.SOCK_DGRAM)[0]
        link = socket.socket(family, kind)
        link.connect(address)
        link.settimeout(timeout_s)
        return link
    except OSError as e:
        raise NoDaemon(f"no daemon answers at {where[0]}:{where[1]} ({e}): {START}") from None


def answers(home: Path | None = None, timeout_s: float = 2.0) -> bool:
    """Whether the daemon of this home answers; one that is just dying still takes connections."""
    with (
        contextlib.suppress(NoDaemon, OSError),
        connect(endpoint(None, None, home), True, timeout_s) as link,
    ):
        link.sendall(sized(encode("/punchin/version", [])))
        return bool(link.recv(1))
    return False
