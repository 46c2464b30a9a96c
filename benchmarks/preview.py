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
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from first_sound import GRID, RATE, REGION, latencies, lengths, make_songs, notes
from talking import PAUSE_S, Talk, child_of, house, quantiles, row

from daemon.player.deck import Deck
from daemon.player.program import Program
from daemon.player.samples import LiveSamples


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
            lengths(talk, daemon, home, 4 if quick else 7)
        notes(home, songs[0], 5 if quick else 20)
        soak(home, songs[0], options.soak or (10 if quick else 600))
    rendering(2000 if quick else 20_000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
