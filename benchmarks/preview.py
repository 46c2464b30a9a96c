"""The preview's own figures: how soon something sounds, and what it costs.

    python benchmarks/preview.py [--quick]

Starts a daemon with the engine `sketch` and a device that only keeps time, and prints a table.
Nothing is asserted; machines differ. What a real device adds is its own latency, which
`/punchin/player` tells.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

from bridge.places import read_daemon
from bridge.protocol.packets import decode, encode
from daemon.player.deck import Deck
from daemon.player.program import Program
from daemon.player.samples import LiveSamples

RATE = 48_000
PAUSE_S = 0.001


def row(name: str, figure: str, target: str = "") -> None:
    """Print one line of the table."""
    print(f"| {name:<58} | {figure:>26} | {target:>10} |", flush=True)


def quantiles(times_s: list[float], unit: float = 1e3, name: str = "ms") -> str:
    """Return p50 and the longest."""
    return f"{statistics.median(times_s) * unit:.0f} / {max(times_s) * unit:.0f} {name}"


class Talk:
    """A UDP client."""

    def __init__(self, port: int) -> None:
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

    def first_sample(self, ask: Callable[[], None], job: str) -> float:
        """Return seconds from a command to the first sample of a job."""
        self.send("stop")
        while self.player()["state"] not in ("off", "stopped"):
            time.sleep(PAUSE_S)
        begin = time.monotonic()
        ask()
        while True:
            told = self.player()
            if told.get("id") == job and told["state"] == "playing":
                into = told["position"] - told["loop"][0]
                return time.monotonic() - begin - max(0.0, into)
            time.sleep(PAUSE_S)


@contextmanager
def house(home: Path) -> Iterator[tuple[Talk, psutil.Process]]:
    """Run a daemon."""
    own = {"PUNCHIN_HOME": str(home), "PUNCHIN_CONFIG": str(home / "config")}
    command = [sys.executable, "-m", "bridge", "serve", "--port", "0", "--engine", "sketch"]
    process = subprocess.Popen(
        command,
        env={**os.environ, **own, "PUNCHIN_AUDIO_DEVICE": "none"},
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


def latencies(talk: Talk, song: str, count: int) -> None:
    """Play results and have jobs sound by themselves."""
    grid = ("bpm", 120.0, "meter", "4/4", "downbeat", 0.0)
    region = ("start", 8.0, "end", 12.0)
    talk.send("repaint", "first", song, *region, *grid)
    talk.until("done", "failed")
    plays = [talk.first_sample(lambda: talk.send("play", "first"), "first") for _ in range(count)]
    row("play of a result: the player starts", f"{plays[0] * 1e3:.0f} ms")
    row("play of a result, warm, p50 / longest", quantiles(plays[1:]))
    jobs = []
    for i in range(count):
        job = f"paint-{i}"
        ask = lambda job=job, i=i: talk.send(  # noqa: E731
            "repaint", job, song, *region, *grid, "seed", i, "sinks", "preview"
        )
        jobs.append(talk.first_sample(ask, job))
        talk.until("done", "failed")
    row("repaint of 4 s with preview to its first sound", quantiles(jobs[1:]), "<= 200 ms")


def cost(talk: Talk, daemon: psutil.Process, seconds: float) -> None:
    """Measure the player's processor time while it loops."""
    talk.send("loop", 1)
    talk.send("play", "first")
    while talk.player()["state"] != "playing":
        time.sleep(PAUSE_S)
    child = next(p for p in daemon.children() if "daemon.player" in p.cmdline())
    before = sum(child.cpu_times()[:2])
    time.sleep(seconds)
    used = sum(child.cpu_times()[:2]) - before
    told = talk.player()
    row("processor time of the player while it loops", f"{100 * used / seconds:.1f} %")
    row("  waits, underruns meanwhile", f"{told['waits']}, {told['underruns']}", "0, 0")


def rendering(blocks: int) -> None:
    """Measure the deck alone, 256 frames a block."""
    samples = LiveSamples(10 * RATE, 2)
    samples.write(0, np.full((10 * RATE, 2), 0.1, np.float32))
    program = Program("a", 1, "mix", RATE, 10 * RATE, 0, (0, 10 * RATE), {"mix": samples})
    deck = Deck(RATE, 2)
    deck.loop(True)
    deck.play(program)
    times = []
    for _ in range(blocks):
        begin = time.perf_counter()
        deck.render(256)
        times.append(time.perf_counter() - begin)
    row("one block of 256 frames (5,333 µs), p50 / longest", quantiles(times, 1e6, "µs"))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.wav"
        rng = np.random.Generator(np.random.PCG64(1))
        t = np.arange(20 * RATE)[:, None] / RATE
        tone = 0.2 * np.sin(2 * np.pi * np.array([220.0, 277.0]) * t) * (1 - t % 0.5)
        soundfile.write(song, tone + rng.normal(0, 0.01, tone.shape), RATE, "PCM_24")
        with house(Path(folder) / "home") as (talk, daemon):
            latencies(talk, str(song), 5 if quick else 20)
            cost(talk, daemon, 3 if quick else 20)
    rendering(2000 if quick else 20_000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
