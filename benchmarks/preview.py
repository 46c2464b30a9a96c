"""The preview's own figures: how soon something sounds, and what it costs.

    python benchmarks/preview.py [--quick] [--soak SECONDS]

Starts a daemon with the engine `sketch` and a device that only keeps time, and prints a table.
Where jackd and python-rtmidi are there, a pad plays notes too, and the soak goes through JACK.
Nothing is asserted; machines differ. What a real device adds is its own latency, which
`/punchin/player` tells.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
PAUSE_S = 0.004
SETTLED_S = 1.0  # longer than the pause after which a selection is prepared
PAD = 36  # of the map `pads`: repaint
GRID = ("bpm", 120.0, "meter", "4/4", "downbeat", 0.0)
REGION = ("start", 8.0, "end", 12.0)


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


@dataclass
class Repaints:
    """What repaints of one kind took, each: seconds to the first sound, and of the processor."""

    first_s: list[float] = field(default_factory=list)
    used_s: list[float] = field(default_factory=list)

    def rows(self, name: str, target: str = "") -> None:
        """Print them; time on the processor tells what is the engine's and what the machine's."""
        row(name, quantiles(self.first_s), target)
        row("    the worker's time on the processor, whole job", quantiles(self.used_s))


def latencies(talk: Talk, daemon: psutil.Process, songs: list[str], count: int) -> None:
    """Play results and have jobs sound by themselves; each of `songs` is new to the engine."""
    talk.send("repaint", "first", songs[0], *REGION, *GRID)
    talk.until("done", "failed")
    plays = [talk.first_sample(lambda: talk.send("play", "first")) for _ in range(count)]
    row("play of a result: the player starts", f"{plays[0] * 1e3:.0f} ms")
    row("play of a result, warm, p50 / longest", quantiles(plays[1:]))
    worker = child_of(daemon, "sketch")
    known, new, selected, told = Repaints(), Repaints(), Repaints(), (*REGION, *GRID)
    repainted(talk, worker, Repaints(), songs[0], *told)
    # One after the other, so that a machine that is busy for a while is so for all of them.
    for i, (one, other) in enumerate(zip(songs[1::2], songs[2::2], strict=True)):
        for seed in range(1, 4):
            repainted(talk, worker, known, songs[0], *told, "seed", 3 * i + seed)
        repainted(talk, worker, new, one, *told)
        select(talk, worker, other)
        repainted(talk, worker, selected)
    known.rows("repaint of 4 s to its first sound, p50 / longest", "<= 200 ms")
    selected.rows("  of a clip that was selected a while before", "<= 200 ms")
    new.rows("  of a clip that is heard for the first time")


def repainted(talk: Talk, worker: psutil.Process, into: Repaints, *request: Any) -> None:
    """Measure a repaint."""
    before, ask = used_s(worker), ("repaint", "*", *request, "sinks", "preview")
    into.first_s.append(talk.first_sample(lambda: talk.send(*ask)))
    talk.until("done", "failed")
    into.used_s.append(used_s(worker) - before)


def select(talk: Talk, worker: psutil.Process, song: str) -> None:
    """Tell a selection, and wait until nothing more is computed for it."""
    for told in (("region", song, *REGION[1::2]), ("tempo", 120.0, 4, 4), ("downbeat", 0.0)):
        talk.send(*told)
    before, now = -1.0, used_s(worker)
    while now != before:
        time.sleep(SETTLED_S)
        before, now = now, used_s(worker)


def child_of(daemon: psutil.Process, name: str) -> psutil.Process:
    """Return the daemon's process with a module or an engine on its command line."""
    return next(p for p in daemon.children() if name in p.cmdline())


def used_s(process: psutil.Process) -> float:
    """Return how long a process had the processor, in seconds."""
    return float(sum(process.cpu_times()[:2]))


def notes(home: Path, song: str, count: int) -> None:
    """Have a pad ask for the same; through JACK with a period of 256 frames."""
    if not shutil.which("jackd") or importlib.util.find_spec("rtmidi") is None:
        row("note to first sound", "no jackd or python-rtmidi here")
        return
    import rtmidi
    from midi import jack

    with jack(256):
        out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="pad")
        out.open_virtual_port("out")
        with house(home, MIDI_INPUT="pad:", MIDI_MAP="pads", MIDI_BACKEND="jack") as (talk, _):
            talk.send("region", song, 8.0, 12.0)
            talk.send("tempo", 120.0, 4, 4)
            talk.send("downbeat", 0.0)
            talk.send("set", "sinks", "preview")
            talk.send("notify", 1)
            talk.send("status")
            while '"inputs": ["pad' not in str(talk.until("status.reply")[1]):
                time.sleep(PAUSE_S)
                talk.send("status")
            pads, messages = [], []
            for _ in range(count):
                pads.append(talk.first_sample(lambda: out.send_message([0x90, PAD, 100])))
                talk.until("done", "failed")
                out.send_message([0x80, PAD, 0])
                messages.append(talk.first_sample(lambda: talk.send("repaint", "*")))
                talk.until("done", "failed")
        out.delete()
    row("note on a pad to the repaint's first sound", quantiles(pads[1:]), "<= 200 ms")
    row("  the same repaint asked for by a message", quantiles(messages[1:]), "<= 200 ms")


def cost(talk: Talk, daemon: psutil.Process, seconds: float, where: str) -> None:
    """Measure the player while it loops a result and jobs compute beside it."""
    talk.send("loop", 1)
    talk.send("play", "first")
    while (told := talk.player())["state"] != "playing":
        time.sleep(PAUSE_S)
    child = child_of(daemon, "daemon.player")
    before, began, missed = child.cpu_times(), time.monotonic(), told["underruns"]
    while (left_s := seconds - (time.monotonic() - began)) > 0:
        talk.send("generate", "*", "seconds", 30.0, "seed", 1)
        talk.until("done", "failed")
        time.sleep(min(5.0, max(0.0, left_s)))
    took_s, after, told = time.monotonic() - began, child.cpu_times(), talk.player()
    used_s = after.user + after.system - before.user - before.system
    name = f"{took_s:.0f} s in a loop, jobs beside it ({where})"
    row(f"{name}: processor", f"{100 * used_s / took_s:.1f} %")
    row("  loops, underruns, waits meanwhile",
        f"{told['loops']}, {told['underruns'] - missed}, {told['waits']}", "0, 0")  # fmt: skip
    row("  memory of the player", f"{child.memory_info().rss / 2**20:.0f} MiB")


def soak(home: Path, song: str, seconds: float) -> None:
    """Do that through JACK."""
    if not shutil.which("jackd") or importlib.util.find_spec("jack") is None:
        row("soak through JACK", "no jackd or JACK-Client here")
        return
    from midi import jack

    with jack(1024), house(home, LIVE_PLAY="jack") as (talk, daemon):
        talk.send("repaint", "first", song, *REGION, *GRID)
        talk.until("done", "failed")
        cost(talk, daemon, seconds, "JACK, period 1024")


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


def make_songs(folder: Path, count: int) -> list[str]:
    """Write songs of 20 s that sound a little different."""
    rng = np.random.Generator(np.random.PCG64(1))
    t = np.arange(20 * RATE)[:, None] / RATE
    paths = [str(folder / f"song-{i}.wav") for i in range(count)]
    for i, path in enumerate(paths):
        hz = np.array([220.0, 277.0]) * 2 ** (i / 12)
        tone = 0.2 * np.sin(2 * np.pi * hz * t) * (1 - t % 0.5)
        soundfile.write(path, tone + rng.normal(0, 0.01, tone.shape), RATE, "PCM_24")
    return paths


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="The preview's own figures.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="600; quick: 10")
    options = parser.parse_args()
    quick = options.quick
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        songs = make_songs(Path(folder), 7 if quick else 15)
        with house(home) as (talk, daemon):
            latencies(talk, daemon, songs, 5 if quick else 20)
            cost(talk, daemon, 3 if quick else 20, "no device")
        notes(home, songs[0], 5 if quick else 20)
        soak(home, songs[0], options.soak or (10 if quick else 600))
    rendering(2000 if quick else 20_000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
