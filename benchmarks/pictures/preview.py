"""Pictures of the preview for `docs/preview.md`, from what another JACK client captured.

    python benchmarks/pictures/preview.py FOLDER

Runs a daemon on a JACK server with the dummy driver. `preview-captured.png`: a loop of a repaint as
it was sent and as it was heard. `preview-tempo.png`: a transport whose tempo changes, told with
2 ms of jitter and rounded tempos; what the daemon makes of it; where launched loops landed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("benchmarks", "tests", "tests/live")]
from ears import Listener  # noqa: E402
from first_sound import GRID, RATE, make_songs  # noqa: E402
from midi import jack  # noqa: E402
from talking import PAUSE_S, Talk, house  # noqa: E402

FADE = round(0.008 * RATE)
PERIOD = 1024
TEMPOS = ((0.0, 97.5), (14.0, 132.4), (26.0, 110.25))  # from these seconds on
END_S = 38.0
JITTER_S = 0.002
LOOK_S = 0.008  # a look at the player that took longer does not tell when it saw what it tells
CONNECT = "mix=listener:in_*,mix=system:playback_*"


def result(home: Path, job: str) -> np.ndarray:
    """Return the samples of a job's mix."""
    told = json.loads((home / "jobs" / job / "job.json").read_text())
    path = next(f["path"] for f in told["files"] if f["role"] == "mix")
    return np.asarray(soundfile.read(path, dtype="float32")[0])


def until(talk: Talk, wanted: Any) -> dict[str, Any]:
    """Return the player's state once it is as wanted."""
    while not wanted(told := talk.player()):
        time.sleep(PAUSE_S)
    return told


def places(heard: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return every frame at which a stretch of samples begins in what was heard."""
    starts = np.flatnonzero((heard[:, 0] == part[0, 0]) & (heard[:, 1] == part[0, 1]))
    return np.array([a for a in starts if np.array_equal(heard[a : a + len(part)], part)], int)


def captured(talk: Talk, ears: Listener, home: Path, song: str, target: Path) -> None:
    """Draw two turns of a loop: sent, heard, and their difference."""
    talk.send("repaint", "loop", song, "start", 8.0, "end", 9.0, *GRID)
    talk.until("done", "failed")
    mix = result(home, "loop")
    talk.send("loop", 1)
    talk.send("play", "loop")
    told = until(talk, lambda p: p.get("loops", 0) >= 1 and p["position"] > 7.5)
    heard = ears.heard()
    talk.send("stop")
    talk.send("loop", 0)
    first, end = (round(s * RATE) for s in told["loop"])
    at = int(places(heard, mix[first : first + 2048])[0])
    turn = end - first
    sent = np.concatenate([mix[first:end], mix[first : first + RATE]])
    got = heard[at : at + len(sent)]
    if len(got) < len(sent):
        raise SystemExit("the machine was too busy to listen: run it again")
    off = np.abs(sent - got).max(axis=1)
    figure, axes = plt.subplots(3, 1, figsize=(10, 7), constrained_layout=True)
    seconds = np.arange(len(sent)) / RATE
    axes[0].plot(seconds, got[:, 0], lw=0.4, color="tab:blue")
    axes[0].set(title=f"heard by another JACK client: a loop of {turn / RATE:g} s, its next turn",
                ylabel="left", xlim=(0, seconds[-1]))  # fmt: skip
    axes[0].axvline(turn / RATE, color="0.4", lw=0.8, ls="--")
    near = slice(turn - 3 * FADE, turn + FADE)
    axes[1].plot(seconds[near], sent[near, 0], lw=2.5, color="0.75", label="in the file")
    axes[1].plot(seconds[near], got[near, 0], lw=0.8, color="tab:blue", label="heard")
    axes[1].axvline(turn / RATE, color="0.4", lw=0.8, ls="--")
    axes[1].set(title="where it goes round: the fade ends on the loop's first frame", ylabel="left")
    axes[1].legend(loc="upper left")
    axes[2].plot(seconds, off, lw=0.8, color="tab:red")
    count = int(np.count_nonzero(off))
    axes[2].set(title=f"difference: {count} frames of {len(off)} differ, all in the fade of "
                f"{FADE}", xlabel="s", ylabel="|sent - heard|", xlim=(0, seconds[-1]))  # fmt: skip
    outside = np.count_nonzero(off[: turn - FADE]) + np.count_nonzero(off[turn:])
    print(f"frames that differ outside the fade: {outside} of {len(off) - FADE}")
    figure.savefig(target, dpi=110)


def beat_at(second: float) -> float:
    """Return the true position, in quarter notes."""
    beat = 0.0
    for (start, bpm), (end, _) in zip(TEMPOS, (*TEMPOS[1:], (1e9, 0)), strict=True):
        beat += max(0.0, min(second, end) - start) * bpm / 60
    return beat


def tempo_at(second: float) -> float:
    """Return the true tempo."""
    return [bpm for start, bpm in TEMPOS if second >= start][-1]


def lead(port: int, begin: float, stop: threading.Event) -> None:
    """Be a DAW that tells where it is 25 times a second, late by some jitter."""
    talk, rng = Talk(port), np.random.Generator(np.random.PCG64(2))
    while (now := time.monotonic() - begin) < END_S and not stop.is_set():
        beat, bpm = beat_at(now), float(round(tempo_at(now)))
        time.sleep(abs(float(rng.normal(0, JITTER_S))))
        talk.send("transport", 1, beat, bpm, beat % 4)
        time.sleep(0.04)
    talk.send("transport", 0, 0.0, 120.0)


def followed(talk: Talk, ears: Listener, port: int, home: Path, target: Path) -> None:
    """Draw a transport and what the daemon makes of it; a one-bar loop is launched on its bars."""
    rows, stop = [], threading.Event()
    talk.send("generate", "bar", "seconds", 0.4, "bpm", 120.0, "seed", 3)
    talk.until("done", "failed")
    mix = result(home, "bar")
    ears.clear()
    begin = time.monotonic()
    daw = threading.Thread(target=lead, args=(port, begin, stop))
    daw.start()
    talk.send("launch", "bar")
    asked = 0.0
    while (now := time.monotonic() - begin) < END_S - 1:
        told = talk.player()
        after = time.monotonic() - begin
        song = told["transport"]
        rows.append(((now + after) / 2, song["bpm"], song["beat"], after - now))
        if now - asked > 0.5 and told["state"] in ("off", "stopped") and song["playing"]:
            talk.send("play", "bar")
            asked = now
        time.sleep(0.03)
    stop.set()
    daw.join()
    heard = ears.aligned()
    loud = int(np.argmax(np.abs(mix[:, 0])))
    found = places(heard, mix[loud : loud + 64]) - loud
    # From the cycle of the server in which the listener got them, to the ear.
    beyond_s = told["outputs"][0]["latency_s"] - 2 * PERIOD / RATE
    onsets = np.array([ears.second_of(int(a)) - begin + beyond_s for a in found])
    _draw(np.array(rows), onsets[onsets < END_S - 1], target)


def _off(rows: np.ndarray) -> str:
    """Return how far the followed position lay off, from a while after each change of tempo on."""
    at, _, beat, _ = rows.T
    settled = np.all([(at < start) | (at > start + 2.0) for start, _ in TEMPOS], axis=0)
    pairs = zip(at[settled], beat[settled], strict=True)
    off = np.abs([(b - beat_at(t)) * 60e3 / tempo_at(t) for t, b in pairs])
    return f"p50 {np.median(off):.1f}, p99 {np.percentile(off, 99):.1f}, max {off.max():.1f} ms"


def _draw(rows: np.ndarray, onsets: np.ndarray, target: Path) -> None:
    quick = rows[:, 3] < LOOK_S
    print(f"looks: {len(rows)}, of which {np.count_nonzero(~quick)} took over {1e3 * LOOK_S:g} ms")
    for name, some in (("all", quick | True), ("quick", quick)):
        print(f"followed minus true, {name}: {_off(rows[some])}")
    at, bpm, beat, _ = rows[quick & (rows[:, 0] > 1.0)].T
    true = np.array([beat_at(s) for s in at])
    tempo = np.array([tempo_at(s) for s in at])
    figure, axes = plt.subplots(3, 1, figsize=(10, 8), sharex=True, constrained_layout=True)
    axes[0].plot(at, tempo, color="0.75", lw=3, label="the DAW's tempo")
    axes[0].plot(at, np.round(tempo), color="tab:orange", lw=0.8, ls=":", label="as it told it")
    axes[0].plot(at, bpm, color="tab:blue", lw=1, label="followed")
    axes[0].set(ylabel="bpm", title="tempo")
    axes[0].legend(loc="upper left")
    axes[1].plot(at, (beat - true) * 60 / tempo * 1e3, color="tab:blue", lw=0.8)
    axes[1].set(ylabel="ms", ylim=(-20, 20), title="position: followed minus true")
    beats = [(beat_at(onset), tempo_at(onset)) for onset in onsets]
    late = [(b - 4 * round(b / 4)) * 60e3 / bpm for b, bpm in beats]
    axes[2].stem(onsets, late, basefmt="0.6")
    axes[2].set(ylabel="ms", xlabel="s", ylim=(-20, 20),
                title="launches, as another JACK client heard them: onset minus bar")  # fmt: skip
    print("launches, ms beside the bar:", " ".join(f"{ms:+.1f}" for ms in late))
    figure.savefig(target, dpi=110)


def main() -> int:
    """Make both pictures."""
    target = Path(sys.argv[1])
    settings = {"LIVE_PLAY": "jack", "LIVE_JACK_CONNECT": CONNECT}
    with tempfile.TemporaryDirectory() as folder, jack(PERIOD):
        home = Path(folder) / "home"
        song = make_songs(Path(folder), 1)[0]
        ears = Listener(2)
        with house(home, **settings) as (talk, _):
            port = talk.port
            captured(talk, ears, home, song, target / "preview-captured.png")
            until(talk, lambda p: p["state"] == "stopped")
            followed(talk, ears, port, home, target / "preview-tempo.png")
        ears.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
