"""How soon something sounds after a command, or after a note on a pad."""

from __future__ import annotations

import importlib.util
import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile
from talking import PAUSE_S, Talk, child_of, house, quantiles, row, used_s

RATE = 48_000
SETTLED_S = 1.0  # longer than the pause after which a selection is prepared
PAD = 36  # of the map `pads`: repaint
GRID = ("bpm", 120.0, "meter", "4/4", "downbeat", 0.0)
REGION = ("start", 8.0, "end", 12.0)
BAND_S = 16  # of music that is repeated
LENGTHS_S = (8, 60, 600)


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


def lengths(talk: Talk, daemon: psutil.Process, home: Path, count: int) -> None:
    """Repaint in clips of some lengths with a whole band, each region beside what is new."""
    band = made_band(talk, home)
    worker = child_of(daemon, "sketch")
    for length_s in LENGTHS_S:
        found = Repaints()
        clips = list(band_clips(home, band, length_s, count + 2))
        for i, (path, start) in enumerate(clips):
            told = ("start", start, "end", start + 4.0, *GRID)
            # The first two have the instruments make their sounds.
            repainted(talk, worker, found if i > 1 else Repaints(), path, *told)
        found.rows(f"  of a band, {length_s} s, heard for the first time", "<= 200 ms")


def made_band(talk: Talk, home: Path) -> np.ndarray:
    """Return some seconds of music, float32 `(frames, 2)`, that begin anew on a bar."""
    talk.send(
        "generate", "band", "seconds", float(BAND_S), "bpm", 120.0, "preset", "pop", "seed", 1
    )
    talk.until("done", "failed")
    told = json.loads((home / "jobs" / "band" / "job.json").read_text())
    path = next(f["path"] for f in told["files"] if f["role"] == "mix")
    samples, rate = soundfile.read(path, dtype="float32")
    return np.asarray(samples[: BAND_S * rate])


def band_clips(
    home: Path, band: np.ndarray, length_s: int, count: int
) -> Iterable[tuple[str, float]]:
    """Yield files and where to begin in them; what lies around each place is like no other."""
    rate = len(band) // BAND_S
    whole = np.tile(band, (-(-length_s // BAND_S), 1))[: length_s * rate]
    path = home / f"band-{length_s}.wav"
    if length_s > 3 * BAND_S:
        soundfile.write(path, whole, rate, "PCM_24")
    for i in range(count):
        if length_s > 3 * BAND_S:
            yield str(path), 16.0 + (2.0 if length_s < 10 * BAND_S else 38.0) * i
            continue
        own = path.with_stem(f"{path.stem}-{i}")
        soundfile.write(own, whole * (1 - 0.02 * i), rate, "PCM_24")
        yield str(own), 2.0


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
