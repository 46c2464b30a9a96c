"""A musician at Live with a daemon beside it: material, presses, and what comes back."""

from __future__ import annotations

import json
import threading
import time

import fake_live
import fake_objects
import numpy as np
import soundfile
from patience import PATIENCE_S

from bridge.ableton.Punchin.script import Script, Tools
from bridge.ableton.Punchin.udp import Udp

_nothing = threading.Event()


def refuse_threads(*_):
    raise AssertionError("the script started a thread inside Live")


class Stage:
    """One Live with the script, one daemon's home."""

    def __init__(self, folder, home, live=None, clock=time.monotonic, open_udp=Udp):
        self.folder, self.home = folder, home
        self.live = live or fake_live.Live()
        self.library = folder / "User Library"
        scripts = self.library / "Remote Scripts" / "Punchin"
        scripts.mkdir(parents=True, exist_ok=True)
        self.script_folder = str(scripts)
        self.clock, self.open_udp = clock, open_udp
        self.script = None
        self.open_set()

    def open_set(self):
        """Live opens the set: the script begins anew."""
        self.script = Script(
            Tools(
                song=self.live.song,
                say=self.live.status.append,
                log=self.live.log.append,
                clock=self.clock,
                open_udp=self.open_udp,
                make_marker=fake_objects.WarpMarker,
                main_view=lambda: self.live.shown_view,
                home=str(self.home),
                folder=self.script_folder,
            )
        )

    def close_set(self):
        if self.script is not None:
            self.script.close()
            self.script = None

    @property
    def song(self):
        return self.live.song

    def audio(self, name="clip.wav", seconds=4.0, rate=44100, channels=2, subtype="PCM_16"):
        """Write noise, so that a shift of one sample shows."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.Generator(np.random.PCG64(len(name)))
        samples = rng.uniform(-0.5, 0.5, (round(seconds * rate), channels))
        soundfile.write(path, samples, rate, subtype)
        return path

    def tick(self, times=1):
        """Live's timer; it must come back quickly, alone, and with its undo steps closed."""
        start, threading.Thread.start = threading.Thread.start, refuse_threads
        try:
            for _ in range(times):
                self.script.tick()
        finally:
            threading.Thread.start = start
        assert not self.live.step_is_open, "an undo step was left open"

    def looks(self, times=3):
        """Tick while the script looks at all files each time; for what must not happen."""
        for _ in range(times):
            self.script.results._look_at = self.script.link._look_at = self.clock()
            self.tick()

    def until(self, what, why="nothing happened"):
        end = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < end, f"{why}: {self.live.log}"
            self.tick()
            _nothing.wait(0.004)

    def press(self, action):
        """Press a button and wait until its job is settled; return its id, None if it had none."""
        open_before = set(self.script.memory.open)
        said = len(self.live.log)
        self.script.press(action)
        self.tick()
        # Noted before it is sent: later ticks may bring its answer and its result at once.
        started = set(self.script.memory.open) - open_before
        self.until(lambda: len(self.live.log) > said)
        return started.pop() if started else None

    def delivered(self, action):
        """Press, wait for the result; return the job's id."""
        job_id = self.press(action)
        assert job_id, self.live.log
        self.until(lambda: job_id not in self.script.memory.open, "the job did not come back")
        return job_id

    def says(self, action):
        """Press, and return the one line that comes."""
        said = len(self.live.log)
        self.script.press(action)
        self.until(lambda: len(self.live.log) > said)
        assert len(self.live.log) == said + 1
        return self.live.log[-1]


def with_clip(stage, name="clip.wav"):
    clip = stage.live.session_clip(stage.live.track(), 0, stage.audio(name))
    clip.start_marker, clip.end_marker = 0.5, 3.0
    stage.live.select(clip)
    return clip


def is_listed_as_done(home, job_id):
    """Whether recent.json, which comes a little after job.json, says that a job is done."""
    rows = json.loads((home / "recent.json").read_text("utf-8"))
    return any(row["id"] == job_id and row["state"] == "done" for row in rows)


def takes(stage):
    return [slot.clip for slot in stage.song.tracks[0].clip_slots[1:] if slot.has_clip]
