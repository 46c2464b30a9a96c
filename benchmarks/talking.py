"""A daemon to measure, and a client that talks with it and looks at its player."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bridge.places import read_daemon
from bridge.protocol.packets import decode, encode

PAUSE_S = 0.004


def row(name: str, figure: str, target: str = "") -> None:
    """Print one line of the table."""
    print(f"| {name:<58} | {figure:>26} | {target:>10} |", flush=True)


def quantiles(times_s: list[float], unit: float = 1e3, name: str = "ms") -> str:
    """Return p50 and the longest."""
    return f"{statistics.median(times_s) * unit:.0f} / {max(times_s) * unit:.0f} {name}"


class Talk:
    """A UDP client."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(60)

    def send(self, name: str, *args: Any) -> None:
        """Send a message."""
        self._socket.send(encode(f"/punchin/{name}", args))

    def until(self, *names: str) -> tuple[str, list[Any]]:
        """Return the next message of one of these names."""
        while True:
            for group in decode(self._socket.recv(65_536)):
                for address, args in group.messages:
                    if address.removeprefix("/punchin/") in names:
                        return address, list(args)

    def player(self) -> dict[str, Any]:
        """Return how the player is."""
        self.send("player")
        return dict(json.loads(self.until("player.reply")[1][0]))

    def first_sample(self, ask: Callable[[], None]) -> float:
        """Return seconds from a command to the first sample that is rendered because of it."""
        self.send("stop")
        while self.player()["state"] not in ("off", "stopped"):
            time.sleep(PAUSE_S)
        begin = time.monotonic()
        ask()
        while True:
            told = self.player()
            if told["state"] == "playing":
                into = told["position"] - told["loop"][0]
                return time.monotonic() - begin - max(0.0, into)
            time.sleep(PAUSE_S)


@contextmanager
def house(home: Path, **settings: str) -> Iterator[tuple[Talk, psutil.Process]]:
    """Run a daemon; `settings` by the ends of their variables' names."""
    told = {f"PUNCHIN_{k}": v for k, v in {"AUDIO_DEVICE": "none", **settings}.items()}
    own = {"PUNCHIN_HOME": str(home), "PUNCHIN_CONFIG": str(home / "config")}
    command = [sys.executable, "-m", "bridge", "serve", "--port", "0", "--engine", "sketch"]
    process = subprocess.Popen(
        command,
        env={**os.environ, **own, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        facts = read_daemon(home)
        assert facts is not None
        yield Talk(facts["port"]), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def child_of(daemon: psutil.Process, name: str) -> psutil.Process:
    """Return the daemon's process with a module or an engine on its command line."""
    return next(p for p in daemon.children() if name in p.cmdline())


def used_s(process: psutil.Process) -> float:
    """Return how long a process had the processor, in seconds."""
    return float(sum(process.cpu_times()[:2]))
