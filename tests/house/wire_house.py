"""A real daemon with the test engine, and the samples of files as they are."""

import json
import os
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import soundfile
from house_wire import Tcp, Udp
from patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


class House:
    """A running daemon."""

    def __init__(self, home, *arguments, engine="fake", **env):
        self.home = Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.env = environment(self.home, **env)
        command = [sys.executable, "-m", "bridge", "serve", "--port", "0", "--engine", engine]
        self._log = (self.home / "stderr.txt").open("ab")
        self.process = subprocess.Popen(
            [*command, *arguments],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=self.home,
        )
        ready = self.process.stdout.readline()
        assert "ready" in ready, (self.home / "stderr.txt").read_text()
        self.port = self.facts()["port"]

    def facts(self):
        return json.loads((self.home / "daemon.json").read_text())

    def log(self):
        return (self.home / "stderr.txt").read_text()

    def udp(self):
        return Udp(self.port)

    def tcp(self, slip=False):
        return Tcp(self.port, slip)

    def folder(self, job_id):
        return self.home / "jobs" / job_id

    def job(self, job_id):
        return json.loads((self.folder(job_id) / "job.json").read_text("utf-8"))

    def path(self, job_id, role="mix", take=1):
        files = self.job(job_id)["files"]
        return next(f["path"] for f in files if (f["role"], f["take"]) == (role, take))

    def settle(self):
        """Have no job open, an empty context and an empty mailbox.

        What was posted before is done then: it does not reach the daemon during another test.
        """
        wait_for(lambda: not unanswered(self.home) or None, "a message was never taken")
        with self.tcp() as client:
            client.send("/punchin/cancel", "*")
            client.send("/punchin/reset")
            client.quiet()
            wait_for(lambda: client.ask("status")["running"] is None or None, "a job won't end")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()  # one that does not end must not outlive its test
            self.process.stdout.close()
            self._log.close()


def unanswered(home):
    """The messages in a mailbox that the daemon has not taken, or not answered yet."""
    names = [path.name for path in (home / "inbox").iterdir()]
    return [n for n in names if n.endswith(".taken") or (n[0] != "." and n.endswith(".json"))]


def environment(home, **env):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "plugin")])
    own = {k: v for k, v in os.environ.items() if not k.startswith(("PUNCHIN_", "XDG_"))}
    config = str(home / "config")
    return {**own, "PUNCHIN_HOME": str(home), "PUNCHIN_CONFIG": config, "PYTHONPATH": paths, **env}


def native(path):
    """A file's samples, exact: integers for integer formats, else float64."""
    info = soundfile.info(path)
    dtype = "int32" if info.subtype.startswith("PCM") else "float64"
    return soundfile.read(path, dtype=dtype, always_2d=True)[0]


def write_lora(path, names=("layers.0.to_q.lora_A.weight", "layers.0.to_q.lora_B.weight")):
    """Write a file of safetensors with one number under each name; returns the path."""
    header = {
        name: {"dtype": "F32", "shape": [1, 1], "data_offsets": [4 * n, 4 * n + 4]}
        for n, name in enumerate(names)
    }
    told = json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(told)) + told + bytes(4 * len(names)))
    return str(path)


def wait_for(look, what):
    """What `look` finds in files, which nobody announces, as soon as it is not None."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := look()) is None:
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.01)
    return found
