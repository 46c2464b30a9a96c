"""The resident's own figures: answers while a job computes, accepting, starting, memory, speed.

    python benchmarks/house.py [--quick]

Starts a daemon in a temporary home, drives it over real sockets and prints a table. Nothing is
asserted; machines differ.
"""

from __future__ import annotations

import argparse
import itertools
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

import numpy as np
import psutil
import soundfile

from bridge import Client
from bridge.places import read_daemon
from bridge.protocol.packets import encode
from bridge.resources import folder

CLIP_BPM = 110.0
_numbers = itertools.count()
ROWS: list[tuple[str, str, str]] = []


def row(name: str, figure: str, target: str = "") -> None:
    """Print one line of the table at once, so that a slow benchmark shows where it is."""
    ROWS.append((name, figure, target))
    print(f"| {name:<58} | {figure:>24} | {target:>14} |", flush=True)


@contextmanager
def daemon(home: Path) -> Iterator[tuple[psutil.Process, float]]:
    """Run a daemon in `home`; gives its process and the seconds until it answered."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--port", "0"],
        env={**os.environ, "PUNCHIN_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=(home / "serve.log").open("w"),
    )
    while (told := read_daemon(home)) is None:
        time.sleep(0.002)
        assert process.poll() is None, (home / "serve.log").read_text()
    link = udp(told["port"])
    ask(link, "/punchin/version")
    ready_s = time.perf_counter() - began
    try:
        yield psutil.Process(process.pid), ready_s
    finally:
        process.terminate()
        process.wait(10)


def udp(port: int) -> socket.socket:
    """Return a UDP socket that is connected to the daemon."""
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.connect(("127.0.0.1", port))
    link.settimeout(10)
    return link


def ask(link: socket.socket, address: str, *args: object) -> bytes:
    """Send one message and return the first datagram that comes back."""
    link.send(encode(address, args))
    return link.recv(65536)


def round_trips(link: socket.socket, count: int, address: str = "/punchin/status") -> str:
    """Return p50, p99 and the longest of `count` round trips, in ms."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        ask(link, address)
        times.append((time.perf_counter() - began) * 1000)
        time.sleep(0.002)
    cuts = statistics.quantiles(times, n=100)
    return f"{cuts[49]:.2f} / {cuts[98]:.2f} / {max(times):.1f} ms"


def accepting(link: socket.socket, clip: Path, count: int) -> str:
    """Return p50 and the longest time from a repaint to its `accepted`, in ms."""
    times = []
    for _ in range(count):
        job_id = f"accepted-{next(_numbers)}"
        began = time.perf_counter()
        ask(link, "/punchin/repaint", job_id, str(clip), "start", 1.0, "end", 2.0)
        times.append((time.perf_counter() - began) * 1000)
        link.send(encode("/punchin/cancel", [job_id]))
        while b"cancelled" not in link.recv(65536):
            pass
    return f"{statistics.median(times):.1f} / {max(times):.1f} ms"


def flood(link: socket.socket, count: int) -> str:
    """Return messages handled a second, in bursts that a reply closes."""
    packet = encode("/punchin/tempo", [120.0, 4, 4])
    began = time.perf_counter()
    for _ in range(count // 200):
        for _ in range(200):
            link.send(packet)
        ask(link, "/punchin/version")
    return f"{count / (time.perf_counter() - began):,.0f} /s"


def whole_command(home: Path) -> str:
    """Return the median time of `punchin status` as a whole process."""
    times = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "bridge", "status"],
            env={**os.environ, "PUNCHIN_HOME": str(home)},
            check=True,
            capture_output=True,
        )
        times.append(time.perf_counter() - began)
    return f"{statistics.median(times):.3f} s"


def timed(work: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of `repeats` runs after one that warms up."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def op_speeds(client: Client, mix: Path, voice: Path, repeats: int) -> None:
    """Print each op's speed on eight bars, from the request to `done`."""
    bars_s = 8 * 4 * 60 / CLIP_BPM
    voice_s = min(bars_s, soundfile.info(str(voice)).duration)
    ops: list[tuple[str, float, Callable[[], object]]] = [
        ("analyze 8 bars", bars_s, lambda: client.analyze(mix, end=bars_s).wait()),
        ("repaint 2 of 8 bars (time of the clip)", bars_s,
         lambda: client.repaint(mix, start=bars_s / 4, end=bars_s / 2).wait()),
        ("extend 8 bars by 8", bars_s, lambda: client.extend(mix, bars=8, end=bars_s).wait()),
        ("bgm for 8 bars", voice_s, lambda: client.bgm(voice, end=voice_s).wait()),
        ("generate 8 bars", bars_s, lambda: client.generate(bars=8, bpm=CLIP_BPM).wait()),
        ("stems of 8 bars", bars_s, lambda: client.stems(mix, end=bars_s).wait()),
    ]  # fmt: skip
    for name, seconds, work in ops:
        took = timed(work, repeats)
        row(name, f"{seconds / took:.1f} × ({took * 1000:.0f} ms)", "≥ 10 ×")


def growth(client: Client, mix: Path, scratch: Path) -> None:
    """Print what a long file costs a repaint beyond reading and writing it."""
    short = scratch / "one-minute.wav"
    long_ = scratch / "ten-minutes.wav"
    for path, seconds in ((short, 60), (long_, 600)):
        samples, rate = soundfile.read(str(mix))
        whole = np.resize(samples, (rate * seconds, samples.shape[1]))
        soundfile.write(str(path), whole, rate, "PCM_24")
    took = {
        path: timed(lambda p=path: client.repaint(p, start=20.0, end=24.0).wait(), 3)
        for path in (short, long_)
    }
    copying = {path: _copy_s(path, scratch) for path in (short, long_)}
    more, copy_more = took[long_] - took[short], copying[long_] - copying[short]
    row("repaint 4 s in 1 min / in 10 min", f"{took[short]:.2f} / {took[long_]:.2f} s")
    row(
        "reading, writing and flushing 1 / 10 min", f"{copying[short]:.2f} / {copying[long_]:.2f} s"
    )
    row("growth of the repaint over growth of the copying", f"{more:.2f} / {copy_more:.2f} s")


def _copy_s(path: Path, scratch: Path) -> float:
    def copy() -> None:
        target = scratch / "copy.wav"
        with (
            soundfile.SoundFile(str(path)) as source,
            soundfile.SoundFile(
                str(target), "w", source.samplerate, source.channels, source.subtype
            ) as out,
        ):
            for block in source.blocks(65_536, dtype="int32"):
                out.write(block)
        handle = os.open(target, os.O_RDWR)
        os.fsync(handle)
        os.close(handle)

    return timed(copy, 3)


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    quick = parser.parse_args().quick
    count, repeats = (300, 2) if quick else (2000, 5)
    clips = sorted((folder("presets") / "clips").glob("*.flac"))
    voice, mix = _voice_and_mix(clips)
    print(f"| {'measure':<58} | {'figure':>24} | {'target':>14} |")
    print(f"|{'-' * 60}|{'-' * 26}|{'-' * 16}|")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        with daemon(home) as (process, ready_s):
            told = read_daemon(home)
            assert told is not None
            link = udp(told["port"])
            row("daemon ready after start", f"{ready_s:.2f} s", "≤ 1 s")
            with Client(home=home) as client:
                _wait_idle(link)
                row("accepted, idle: p50 / max", accepting(link, mix, count // 20), "15 ms")
                row(
                    "control plane idle, resident",
                    f"{process.memory_info().rss / 2**20:.0f} MB",
                    "≤ 90 MB",
                )
                row("status, idle: p50 / p99 / max", round_trips(link, count), "1 / 5 ms")
                with _computing(client):
                    row("status while a job computes", round_trips(link, count), "1 / 5 ms")
                    row(
                        "accepted while a job computes: p50 / max",
                        accepting(link, mix, count // 20),
                        "15 ms",
                    )
                    row("messages while a job computes", flood(link, 20_000), "≥ 3,000 /s")
                row("punchin status, whole process", whole_command(home), "≤ 0.3 s")
                op_speeds(client, mix, voice, repeats)
                growth(client, mix, Path(scratch))
                row(
                    "control plane at the end, resident",
                    f"{process.memory_info().rss / 2**20:.0f} MB",
                )


def _voice_and_mix(clips: list[Path]) -> tuple[Path, Path]:
    voice = next(c for c in clips if "sung" in c.name or "voice" in c.name)
    return voice, next(c for c in clips if c != voice)


def _wait_idle(link: socket.socket) -> None:
    while (
        json.loads(ask(link, "/punchin/status").split(b",s\0\0", 1)[1].rstrip(b"\0"))["state"]
        != "idle"
    ):
        time.sleep(0.02)


@contextmanager
def _computing(client: Client) -> Iterator[None]:
    """Keep the engine busy with long pieces."""
    jobs = [client.generate(seconds=30, takes=8, seed=i) for i in range(60)]
    try:
        yield
    finally:
        for job in jobs:
            job.cancel()
        client.sync()


if __name__ == "__main__":
    main()
