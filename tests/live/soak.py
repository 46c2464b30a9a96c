"""A long session: a whole daemon plays on JACK and ReaStream while jobs compute, and all is heard.

Takes of two repaints are played, looped, swapped and started anew, at random but the same each
time. A client in C records the JACK ports, a plug-in of our own the packets; `follow` then finds
every frame of both in the takes.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import rig
import soundfile
import standstill
from elsewhere import Room
from follow import Walk
from reastream_plugin import Tape, played_back

from daemon.player.fades import FADE_S

sys.path.append(str(Path(__file__).parents[1] / "house"))
from wire_house import House

RATE = rig.RATE
FADE = round(FADE_S * RATE)
_PACKET_S = 150 / RATE
_JOBS = {"a": (2.0, 4.0), "b": (7.0, 9.0)}
_GRID = ("bpm", 120.0, "meter", "4/4", "downbeat", 0.0)


def run(folder, seconds, waits=False):
    """Return the figures of a session of so many seconds, by name. `waits`: see `JackServer`."""
    rig.need("jackd", "jack_wait", "jack_capture", "jack")
    server = rig.JackServer(folder, waits=waits)
    room = Room()
    tape = room.make(Tape)
    try:
        server.start()
        house = House(
            folder / "home",
            engine="sketch",
            PUNCHIN_LIVE_PLAY="jack,reastream",
            PUNCHIN_LIVE_REASTREAM=f"127.0.0.1:{tape.port()}",
            **server.environment,
        )
        try:
            with standstill.watched() as stops:
                told = _session(house, server, tape, folder, seconds)
        finally:
            house.stop()
        tape.save(str(folder / "packets"))
        machine = {"xruns of the server": _xruns(server)} | (stops() or {})
        return _figures(folder, house, told) | machine
    finally:
        room.close()
        server.stop()


# -- the session -----------------------------------------------------------------------------------


def _song(folder):
    rng = np.random.Generator(np.random.PCG64(5))
    soundfile.write(folder / "song.wav", rng.uniform(-0.5, 0.5, (12 * RATE, 2)), RATE, "PCM_24")
    return str(folder / "song.wav")


def _session(house, server, tape, folder, seconds):
    with house.tcp() as tcp:
        song, loops = _song(folder), set()
        for job, (start, end) in _JOBS.items():
            _done(tcp, "repaint", job, song, "start", start, "end", end, "takes", 2, *_GRID)
            tcp.send("/punchin/play", job)
            first, last = _until(tcp, lambda p: p["state"] == "playing")["loop"]
            loops.add(round(last * RATE) - round(first * RATE))
        tcp.send("/punchin/stop")
        _until(tcp, lambda p: p["state"] == "stopped")
        before = tcp.ask("player")
        tape.clear()
        with _recorded(server, folder / "heard.wav"), _computing(house, song) as computed:
            asked, cpu = _play(tcp, house, seconds)
        after = tcp.ask("player")
    return {
        "loops": loops,
        "asked": asked,
        "cpu": cpu,
        "computed": computed[0],
        "underruns": after["underruns"] - before["underruns"],
        "waits": after["waits"],
    }


def _done(tcp, op, job, *args):
    tcp.send(f"/punchin/{op}", job, *args)
    told = tcp.until("done", "failed", id=job, timeout=300)
    assert told.name == "done", told


def _until(tcp, wanted):
    found = []
    rig.wait_for(lambda: found.append(tcp.ask("player")) or wanted(found[-1]), step_s=0.05)
    return found[-1]


@contextlib.contextmanager
def _recorded(server, wav):
    """Have a client in C record the mix."""
    ports = ["-p", "punchin:mix_l", "-p", "punchin:mix_r"]
    command = ["jack_capture", "-c", "2", *ports, "-f", "wav", "-b", "FLOAT", str(wav)]
    process = subprocess.Popen(
        command,
        env={**os.environ, **server.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    rig.wait_for(lambda: wav.exists() and wav.stat().st_size > 8 * RATE)
    yield
    process.communicate(b"\n", timeout=60)


@contextlib.contextmanager
def _computing(house, song):
    """Keep the engine busy, one job after the other; yields how many there were."""
    ended, done = threading.Event(), [0]

    def work():
        with house.tcp() as tcp:
            while not ended.is_set():
                job = f"busy-{done[0]}"
                _done(tcp, "bgm", job, song, "seed", done[0])
                shutil.rmtree(house.folder(job))
                done[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    yield done
    ended.set()
    thread.join()


def _play(tcp, house, seconds):
    """Play for so long; return how often what was asked for, and the player's share of a core."""
    rng = np.random.Generator(np.random.PCG64(7))
    asked = {"play": 0, "swap": 0, "loop": 0, "stop": 0}
    children = psutil.Process(house.process.pid).children()
    player = next(p for p in children if "daemon.player" in p.cmdline())
    begun_s, used_s = time.monotonic(), sum(player.cpu_times()[:2])
    pause = threading.Event()
    for words in _words(rng):
        left_s = begun_s + seconds - time.monotonic()
        if left_s < 0:
            break
        asked[words[0]] += 1
        tcp.send(f"/punchin/{words[0]}", *words[1:])
        pause.wait(min(left_s + 0.01, rng.uniform(0.3, 9.0)))
    share = (sum(player.cpu_times()[:2]) - used_s) / (time.monotonic() - begun_s)
    tcp.send("/punchin/stop")
    _until(tcp, lambda p: p["state"] == "stopped")
    return asked, share


def _words(rng):
    """Yield commands: a start and a loop first, then mostly swaps."""
    yield "loop", 1
    yield "play", "a", 1
    while True:
        kind = rng.choice(["swap", "play", "loop", "stop"], p=[0.6, 0.25, 0.1, 0.05])
        job, take = str(rng.choice(list(_JOBS))), int(rng.integers(1, 3))
        if kind == "swap":
            yield "swap", job, take
        elif kind == "play":
            yield "play", job, take
        else:
            yield (kind, int(rng.integers(2))) if kind == "loop" else (kind,)
            yield "play", job, take


# -- what came of it -------------------------------------------------------------------------------


def _figures(folder, house, told):
    takes = {
        f"{job}/{take}": soundfile.read(house.path(job, take=take), dtype="float32")[0]
        for job in _JOBS
        for take in (1, 2)
    }
    heard = soundfile.read(folder / "heard.wav", dtype="float32")[0]
    packets, at_s = played_back(folder / "packets")
    late_s = at_s - np.arange(len(at_s)) * _PACKET_S
    return {
        "jack": _walked(heard, takes, told["loops"]),
        "reastream": _walked(packets, takes, told["loops"]),
        "asked for": told["asked"],
        "jobs computed": told["computed"],
        "underruns": told["underruns"],
        "waits": told["waits"],
        "player, share of a core": told["cpu"],
        "packets": len(at_s),
        **_pace(late_s),
    }


def _walked(heard, takes, loops):
    walk = Walk(heard, takes, FADE)
    return {
        "seconds": len(heard) / RATE,
        "exact frames": walk.exact,
        "faded frames": walk.faded,
        "loops": len(walk.loops(loops)),
        "turns": len(walk.turns),
        "breaks": len(walk.breaks()),
    }


def _pace(late_s):
    """Return how late packets are (ms), and what that has become from the first to the last 1000.

    Lateness counts from the earliest packet of the same ten seconds.
    """
    span = round(10 / _PACKET_S)
    spans = [late_s[i : i + span] for i in range(0, len(late_s), span)]
    off_ms = np.concatenate([s - s.min() for s in spans]) * 1e3
    drift_s = np.median(late_s[-1000:]) - np.median(late_s[:1000])
    return {
        "late p50, ms": float(np.median(off_ms)),
        "late p99, ms": float(np.percentile(off_ms, 99)),
        "late at most, ms": float(off_ms.max()),
        "drift, ms": float(drift_s * 1e3),
    }


def _xruns(server):
    return server.log.read_text("utf-8", "replace").lower().count("xrun")
