"""A musician at REAPER with a daemon beside it: material, actions, and what comes back."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import soundfile
from fake_model import Item, Project, Source, Take, Track
from fake_sound import played
from fake_world import World
from house_wire import Udp
from patience import PATIENCE_S
from wire_house import unanswered

SCRIPTS = Path(__file__).parents[2] / "reaper_scripts" / "Punchin"
LISTENER = "punchin_Background listener.lua"
ENDED = ("done", "failed", "cancelled")
# REAPER's turns between two looks whether the daemon keeps up: a second of its time.
_MOST_UNHEARD = 30
_nothing = threading.Event()


class Desk:
    """One REAPER, one daemon (or none)."""

    def __init__(self, lua: str, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self._unheard = self._pid = self._port = 0
        self.world = World(lua, SCRIPTS, folder / "resource")
        self.world.ext["punchin", "home"] = str(home)
        self.world.ext["punchin", "autostart"] = "no"

    @property
    def project(self) -> Project:
        return self.world.project

    def audio(
        self,
        name: str = "clip.wav",
        seconds: float = 2.0,
        rate: int = 44100,
        channels: int = 2,
        subtype: str = "PCM_16",
    ) -> Path:
        """Write noise, so that a shift of one sample shows."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.Generator(np.random.PCG64(len(name)))
        samples = rng.uniform(-0.5, 0.5, (round(seconds * rate), channels))
        soundfile.write(path, samples, rate, subtype)
        return path

    def item(
        self,
        path: Path | None,
        at: float = 0.0,
        length: float = 2.0,
        offset: float = 0.0,
        track: Track | None = None,
        **values: float,
    ) -> Item:
        """Put a selected item on a track."""
        if track is None:
            track = Track(name="Audio")
            self.project.tracks.append(track)
        item = Item(track=track)
        item.values.update(D_POSITION=at, D_LENGTH=length, B_UISEL=1.0)
        if path is not None:
            take = Take(item=item, source=Source(path=str(path)), name="original")
            take.values["D_STARTOFFS"] = offset
            for name, value in values.items():
                take.values[name] = value
            item.takes.append(take)
        track.items.append(item)
        return item

    def select(self, start: float, end: float) -> None:
        self.project.loop = (start, end)

    def press(self, action: str) -> None:
        """Run an action, as a key does."""
        self.world.run(f"punchin_{action}.lua")

    def until(self, what, why: str = "nothing happened") -> None:
        """Let REAPER go on until `what()` is true."""
        end, turns = time.monotonic() + PATIENCE_S, 0
        self._see_the_daemon()
        while not what():
            assert time.monotonic() < end, (
                f"{why}: boxes {self.world.boxes}, console {self.world.console[-5:]}, "
                f"breaches {self.world.breaches}, jobs {self.noted()}"
            )
            self.world.tick()
            turns += 1
            self._unheard += 1
            _nothing.wait(0.004)
            if turns > 60 or self._unheard > _MOST_UNHEARD:
                self._let_the_daemon_keep_up(end)

    def _let_the_daemon_keep_up(self, end_s: float) -> None:
        """REAPER's clock is quicker here than ours: a busy daemon must not seem to be gone.

        So it stands still as long as a daemon that is alive has not answered what it was asked.
        """
        self._unheard = 0
        self._see_the_daemon()
        if not self._daemon_lives():
            return
        _nothing.wait(0.02)
        with Udp(self._port) as client, contextlib.suppress(ConnectionError):
            client.send("/punchin/version")
            while client.next(0.1) is None and self._daemon_lives():
                assert time.monotonic() < end_s, "the daemon answers nobody"
                client.send("/punchin/version")
        while unanswered(self.home) and self._daemon_lives():
            assert time.monotonic() < end_s, f"never taken: {unanswered(self.home)}"
            _nothing.wait(0.004)

    def _see_the_daemon(self) -> None:
        """Note who answers at this home, and where; one that stops is remembered."""
        with contextlib.suppress(OSError, ValueError):
            facts = json.loads((self.home / "daemon.json").read_text())
            self._pid, self._port = facts["pid"], facts["port"]

    def _daemon_lives(self) -> bool:
        """Whether the daemon that was seen last may still answer."""
        if self._pid in (0, 1):
            return False
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._pid).status() != psutil.STATUS_ZOMBIE
        return False

    def delivered(self, action: str, steps: int = 1) -> None:
        """Press, and wait for that many new undo steps."""
        before = len(self.project.undo)
        self.press(action)
        self.until(lambda: len(self.project.undo) >= before + steps or self.world.boxes)
        assert not self.world.boxes, self.world.boxes

    def sent(self, action: str) -> list[str]:
        """Press, and let the jobs end while the listener is held back; return their ids."""
        self.world.frozen.add(LISTENER)
        before = set(self.noted())
        self.press(action)
        self.until(
            lambda: {s.path.name for s in self.world.states} <= {LISTENER} or self.world.boxes
        )
        assert not self.world.boxes, self.world.boxes
        ids = sorted(set(self.noted()) - before)
        self.until(lambda: all(self.has_ended(i) for i in ids), "a job did not end")
        return ids

    def save(self, name: str = "song.rpp") -> None:
        """Save the project in front; its recordings go beside it from now on."""
        path = self.folder / "projects" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.project.path, self.project.media = str(path), str(path.parent / "Media")
        self.project.changes += 1

    def restart(self) -> None:
        """Close REAPER, all projects saved, and open them again: all pointers are new ones."""
        old = self.world
        kept = {key: old.ext[key] for key in old.kept if key in old.ext}
        self.world = World(old.lua_name, SCRIPTS, self.folder / "resource")
        self.world.projects = [project.snapshot() for project in old.projects]
        self.world.ext.update(kept)
        self.world.ext["punchin", "home"] = str(self.home)
        self.world.ext["punchin", "autostart"] = "no"
        self.world.breaches = old.breaches
        old.close()

    def lua(self, code: str):
        """Run `code`, which returns a value that JSON can hold, with the modules in reach."""
        path = self.folder / "asked.lua"
        lib = (SCRIPTS / "lib").as_posix()
        path.write_text(
            f'package.path = "{lib}/?.lua;" .. package.path\n'
            f"local function asked()\n{code}\nend\n"
            'local told = require("json").encode({answer = asked()})\n'
            'reaper.SetExtState("test", "answer", told, false)'
        )
        self.world.run(str(path))
        return json.loads(self.world.ext["test", "answer"]).get("answer")

    def noted(self) -> dict[str, dict]:
        """Return the jobs that the project waits for."""
        return json.loads(self.project.ext.get(("punchin", "jobs"), "{}"))

    def has_ended(self, job_id: str) -> bool:
        path = self.home / "jobs" / job_id / "job.json"
        return path.is_file() and json.loads(path.read_text())["state"] in ENDED

    def arrive(self, steps: int = 1) -> None:
        """Let the listener go on until it has made that many undo steps."""
        before = len(self.project.undo)
        self.world.frozen.discard(LISTENER)
        self.until(lambda: len(self.project.undo) >= before + steps or self.world.boxes)
        assert not self.world.boxes, self.world.boxes
        assert len(self.project.undo) == before + steps

    def told(self, action: str) -> str:
        """Press, and return the one message that comes."""
        self.world.boxes.clear()
        self.press(action)
        self.until(lambda: self.world.boxes)
        assert len(self.world.boxes) == 1
        return self.world.boxes[0][1]

    def heard(self, take: Take, start: float, end: float, rate: int = 44100) -> np.ndarray:
        """Return what a take plays between two times of the project."""
        first, last = round(start * rate), round(end * rate)
        at = np.arange(first, last) / rate - take.item.start
        return played(take, at, 2)
