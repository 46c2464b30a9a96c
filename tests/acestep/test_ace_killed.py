"""A worker that is killed in the middle of a take: the job is done all the same."""

import numpy as np
import psutil
import soundfile
from ace_desk import RATE, music

LONG_S = 240.0  # loading twice and two takes, on a machine that does other things


def _worker(house):
    """The process that holds the model."""
    for process in psutil.Process(house.process.pid).children(recursive=True):
        if "daemon.worker" in process.cmdline() and "acestep" in process.cmdline():
            return process
    raise AssertionError("no worker")


def test_a_killed_worker_costs_time_and_nothing_else(acestep_house, tmp_path):
    source = str(tmp_path / "song.wav")
    soundfile.write(source, music(6.0), RATE, "PCM_16")
    told = ("start", 2.0, "end", 3.0, "seed", 5, "prompt", "pop", "bpm", 120.0, "downbeat", 0.0)
    with acestep_house.tcp() as client:
        client.send("/punchin/repaint", "whole", source, *told, "steps", 40)
        client.until("done", id="whole", timeout=LONG_S)
        client.send("/punchin/repaint", "killed", source, *told, "steps", 40)
        client.until("progress", id="killed")
        before = _worker(acestep_house)
        before.kill()
        client.until("done", id="killed", timeout=LONG_S)
        started = [m for m in client.seen if m.name == "started" and m.args[0] == "killed"]
        fractions = [
            m.args[1] for m in client.seen if m.name == "progress" and m.args[0] == "killed"
        ]
    assert len(started) == 2
    assert fractions == sorted(fractions)
    assert _worker(acestep_house).pid != before.pid
    one, two = (soundfile.read(acestep_house.path(job))[0] for job in ("whole", "killed"))
    assert np.array_equal(one, two)
