"""MIDI's own figures: note to accepted job, tempo of a clock, floods, the ports' process.

    python benchmarks/midi.py [--quick] [--period N]

Starts a JACK server on the dummy driver and a daemon on it, plays a controller from this process
and prints a table. Nothing is asserted; machines differ. Needs jackd and python-rtmidi.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import soundfile

from bridge.midi.notes import send_in_time
from bridge.midi.tempo_fit import TempoFit
from bridge.places import read_daemon
from bridge.protocol.packets import decode, encode

RATE = 48000
PAD, OTHER = 36, 60
Send = Callable[[bytes], None]


def row(name: str, figure: str, target: str = "") -> None:
    """Print one line of the table."""
    print(f"| {name:<58} | {figure:>26} | {target:>14} |", flush=True)


def quantiles(times_s: list[float]) -> str:
    """Return p50, p99 and the longest, in ms."""
    ms = sorted(1000 * t for t in times_s)
    return f"{statistics.median(ms):.1f} / {ms[int(0.99 * (len(ms) - 1))]:.1f} / {ms[-1]:.1f} ms"


# -- a house with a pad --------------------------------------------------------------------------


@contextmanager
def jack(period: int) -> Iterator[None]:
    """Run a server; this process and its children are then its clients."""
    name = f"bench{os.getpid()}"
    os.environ.update(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1")
    urgent = ["-R", "-P", "10"] if os.geteuid() == 0 else ["-r"]
    command = ["jackd", *urgent, "-p", "64", "-n", name, "-d", "dummy", "-r", str(RATE)]
    process = subprocess.Popen(
        [*command, "-p", str(period)],
        env={**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        subprocess.run(["jack_wait", "-w", "-t", "10"], check=True, stdout=subprocess.DEVNULL)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def daemon(home: Path) -> Iterator[tuple[psutil.Process, socket.socket]]:
    """Run a daemon that listens to the pad; gives its process and a client."""
    told = {"INPUT": "pad:", "MAP": "pads,knobs", "BACKEND": "jack"}
    env = {**os.environ, "PUNCHIN_HOME": str(home), "PUNCHIN_CONFIG": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--port", "0"],
        env=env | {f"PUNCHIN_MIDI_{k}": v for k, v in told.items()},
        stdout=subprocess.DEVNULL,
        stderr=(home / "serve.log").open("w"),
    )
    while (where := read_daemon(home)) is None:
        time.sleep(0.01)
        assert process.poll() is None, (home / "serve.log").read_text()
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.connect((where["host"], where["port"]))
    link.settimeout(20)
    try:
        while '"inputs": ["pad' not in str(ask(link, "status")):
            time.sleep(0.05)
        yield psutil.Process(process.pid), link
    finally:
        process.terminate()
        process.wait(20)


def ask(link: socket.socket, name: str) -> object:
    """Return the answer to a question without arguments."""
    link.send(encode(f"/punchin/{name}", []))
    return until(link, f"/punchin/{name}.reply")[0]


def until(link: socket.socket, address: str) -> list[object]:
    """Return the arguments of the next message with this address."""
    while True:
        for found, args in decode(link.recv(65536))[0].messages:
            if found == address:
                return list(args)


# -- figures -------------------------------------------------------------------------------------


def note_to_accepted(link: socket.socket, send: Send, count: int) -> list[float]:
    """Return the times (s) from a note on the pad to the job's `accepted`."""
    times = []
    for i in range(count):
        time.sleep(0.04 + 0.0007 * (i % 13))  # no fixed place in the server's period
        began = time.perf_counter()
        send(bytes((0x90, PAD, 100)))
        until(link, "/punchin/accepted")
        times.append(time.perf_counter() - began)
        send(bytes((0x80, PAD, 0)))
        link.send(encode("/punchin/cancel", ["*"]))
        until(link, "/punchin/cancelled")
    return times


def told_tempo(link: socket.socket, send: Send, bpm: float, beats: int) -> str:
    """Return the tempo that the daemon reads from a clock, and the sender's own by its times."""
    sent = TempoFit()
    ticks = [(i * 60 / bpm / 24, b"\xf8") for i in range(24 * beats)]
    ticks.insert(1, (0.0001, b"\xfa"))

    def noted(message: bytes) -> None:
        if message == b"\xf8":
            sent.tick(time.monotonic())
        send(message)

    send_in_time(ticks, noted)
    told = str(ask(link, "status")).split('"bpm": ')[1].split("}")[0]
    send(b"\xfc")
    assert sent.line is not None
    return f"{float(told):.2f} (sent {sent.line.bpm:.2f})"


def flooded(link: socket.socket, send: Send, seconds: float) -> tuple[str, str]:
    """Return the round trips of `status` and the tempo during 10,000 notes a second."""
    notes = [(i / 10_000, bytes((0x90, OTHER + i % 4, 90))) for i in range(int(10_000 * seconds))]
    thread = threading.Thread(target=send_in_time, args=(notes, send))
    thread.start()
    trips: list[float] = []

    def keep_asking() -> None:
        while thread.is_alive():
            began = time.perf_counter()
            ask(other, "status")
            trips.append(time.perf_counter() - began)
            time.sleep(0.02)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.connect(link.getpeername())
        other.settimeout(20)
        asking = threading.Thread(target=keep_asking)
        asking.start()
        tempo = told_tempo(link, send, 120, int(2 * (seconds - 0.5)))
        thread.join()
        asking.join()
    return quantiles(trips), tempo


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="MIDI's own figures.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--period", type=int, default=256, help="frames of the server's period")
    options = parser.parse_args()
    try:
        import rtmidi
    except ImportError:
        print('no python-rtmidi here: MIDI is not measured (pip install "punchin[live]")')
        return
    if not shutil.which("jackd"):
        print("no jackd here: MIDI is not measured (Debian: apt install jackd2)")
        return
    count = 40 if options.quick else 300
    with tempfile.TemporaryDirectory() as folder, jack(options.period):
        out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="pad")
        out.open_virtual_port("out")
        lock = threading.Lock()

        def send(message: bytes) -> None:
            with lock:
                out.send_message(list(message))

        measure(Path(folder), send, count, options.period)
        out.delete()


def measure(folder: Path, send: Send, count: int, period: int) -> None:
    """Run a daemon and print its figures."""
    clip = folder / "clip.wav"
    rng = np.random.Generator(np.random.PCG64(1))
    soundfile.write(clip, rng.uniform(-0.3, 0.3, (4 * RATE, 2)), RATE)
    with daemon(folder) as (process, link):
        link.send(encode("/punchin/notify", [1]))
        link.send(encode("/punchin/region", [str(clip), 1.0, 2.0]))
        note_to_accepted(link, send, 3)
        place = f"period {period}"
        times = note_to_accepted(link, send, count)
        row(f"note to accepted, {place}: p50 / p99 / max", quantiles(times), "≤ 12 / 25 ms")
        for bpm in (97.5, 120.0, 174.0):
            row(
                f"clock of {bpm:g} bpm after 4 beats, {place}",
                told_tempo(link, send, bpm, 4),
                "±0.06",
            )
        trips, tempo = flooded(link, send, 3 if count < 100 else 8)
        row("status during 10,000 notes/s: p50 / p99 / max", trips)
        row("clock of 120 bpm during 10,000 notes/s", tempo, "±0.06")
        porter = next(c for c in process.children() if "bridge.midi.porter" in c.cmdline())
        row("the ports' process: memory", f"{porter.memory_info().rss / 2**20:.0f} MiB")
        porter.cpu_percent()
        time.sleep(2)
        row("the ports' process: processor at rest", f"{porter.cpu_percent():.1f} %")


if __name__ == "__main__":
    main()
