"""A scripted daemon on real sockets: TCP and UDP on one port, answers from a table of functions."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from patience import PATIENCE_S

from bridge.protocol.framing import Framer, sized
from bridge.protocol.packets import Message, decode, encode

Answer = Callable[[list[Any]], Iterable[Message]]


def events(id_: str, path: Path, result: dict[str, Any] | None = None) -> list[Message]:
    """What a job that goes well says."""
    return [
        ("/punchin/accepted", [id_, "repaint", 0, ""]),
        ("/punchin/started", [id_, "sketch"]),
        ("/punchin/progress", [id_, 0.25, "listen", -1.0]),
        ("/punchin/progress", [id_, 0.75, "render", 1.5]),
        ("/punchin/file", [id_, "mix", 1, str(path), 4.0]),
        ("/punchin/done", [id_, json.dumps(result or {"seed": 7})]),
    ]


class FakeDaemon:
    """Answers by `script`; keeps what it heard."""

    def __init__(self, home: Path, script: dict[str, Answer] | None = None) -> None:
        self.home = home
        self.script: dict[str, Answer] = {
            "/punchin/version": lambda _: [("/punchin/version.reply", [1, "0.0-fake"])],
            **(script or {}),
        }
        self.heard: list[Message] = []
        self._changed = threading.Condition()
        self._open()
        self.write_daemon_json()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _open(self) -> None:
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            self._tcp = socket.create_server(("127.0.0.1", 0))
            self.port = self._tcp.getsockname()[1]
            try:
                self._udp.bind(("127.0.0.1", self.port))
                break
            except OSError:  # somebody else's
                self._tcp.close()
        self._wake_in, self._wake_out = socket.socketpair()
        self._links: dict[socket.socket, Framer] = {}
        self._selector = selectors.DefaultSelector()
        for sock in (self._tcp, self._udp, self._wake_in):
            self._selector.register(sock, selectors.EVENT_READ)

    def write_daemon_json(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        told = {"pid": os.getpid(), "host": "127.0.0.1", "port": self.port, "protocol": 1}
        (self.home / "daemon.json").write_text(json.dumps({**told, "version": "0.0-fake"}))

    def __enter__(self) -> FakeDaemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End as a crash would: connections close, daemon.json stays."""
        self._wake_out.close()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    # -- what tests look at ----------------------------------------------------------------------

    def wait_heard(self, address: str, count: int = 1) -> list[Any]:
        """Return the arguments of the `count`th message to `address`, waiting for it."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(address)) >= count, PATIENCE_S), (
                self.heard
            )
            return self.of(address)[count - 1]

    def of(self, address: str) -> list[list[Any]]:
        return [args for a, args in self.heard if a == address]

    # -- the loop --------------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._wake_in:
                    return self._close()
                self._ready(key.fileobj)

    def _close(self) -> None:
        for sock in (*self._links, self._tcp, self._udp, self._wake_in):
            sock.close()
        self._selector.close()

    def _ready(self, sock: Any) -> None:
        if sock is self._tcp:
            link, _ = sock.accept()
            self._links[link] = Framer()
            self._selector.register(link, selectors.EVENT_READ)
        elif sock is self._udp:
            data, peer = sock.recvfrom(65536)
            self._take(data, lambda packet: sock.sendto(packet, peer))
        else:
            self._stream(sock)

    def _stream(self, link: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = link.recv(65536)
        if not data:
            return self.drop(link)
        for packet in self._links[link].feed(data):
            if link in self._links:
                self._take(packet, lambda p: self._send(link, p))
        return None

    def _send(self, link: socket.socket, packet: bytes) -> None:
        if link in self._links:
            link.sendall(sized(packet))

    def drop(self, link: socket.socket) -> None:
        """Close one connection."""
        self._selector.unregister(link)
        del self._links[link]
        link.close()

    def drop_all(self) -> list[Message]:
        """For scripts: lose every connection instead of answering."""
        for link in list(self._links):
            self.drop(link)
        return []

    def _take(self, packet: bytes, send: Callable[[bytes], object]) -> None:
        for group in decode(packet):
            for address, args in group.messages:
                with self._changed:
                    self.heard.append((address, args))
                    self._changed.notify_all()
                for told in self.script.get(address, lambda _: [])(args):
                    send(encode(*told))
