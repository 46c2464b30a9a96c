"""Ardour without its windows, on a JACK server: a DAW that nobody here wrote.

Its session is made by its own Lua interpreter, it is driven over its own OSC port, and what it
records is read from its own files. It leads JACK's transport.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import rig
import soundfile

sys.path.append(str(Path(__file__).parents[1] / "house"))
from house_wire import packet
from pythonosc.osc_message import OscMessage

PORT = 3819  # fixed by Ardour
_SUPERCLOCK = 282_240_000  # of its time in a second
TRACK = "stem"
_SURE_S = 4.0
_MAKE = """
AudioEngine:set_backend("None (Dummy)", "", "")
local s = create_session("{folder}", "{name}", {rate})
s:add_master_bus(ARDOUR.ChanCount(ARDOUR.DataType("audio"), 2))
s:new_audio_track(2, 2, nil, 1, "{track}", ARDOUR.PresentationInfo.max_order,
    ARDOUR.TrackMode.Normal, true, true)
local map = Temporal.TempoMap.write_copy()
map:set_tempo(Temporal.Tempo({bpm}, {bpm}, 4), Temporal.timepos_t(0))
Temporal.TempoMap.update(map)
s:save_state("")
quit()
"""
_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config/>
  <TransportMasters current="JACK">
    <TransportMaster type="Engine" name="JACK" removeable="0"/>
  </TransportMasters>
</Ardour>
"""
# `address-only` 0: it answers to the port that asked.
_OSC = (
    '<Protocol name="Open Sound Control (OSC)" active="1" debugmode="0" address-only="0" '
    'remote-port="8000" banksize="0" striptypes="159" feedback="0" gainmode="0" '
    'send-page-size="0" plug-page-size="0"/>'
)


def _taken(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def installed():
    """Return the folder of Ardour's programs, the newest; skip the test where there is none."""
    found = sorted(Path("/usr/lib").glob("ardour*/hardour-*"))
    if not found:
        rig.skip("hardour: apt-get install ardour")
    return found[-1]


class Ardour:
    """One session with a stereo track `stem`, at `bpm`."""

    def __init__(self, folder, bpm, rate=rig.RATE):
        self._program = installed()
        self._folder, self._name = folder / "session", "session"
        self._home = folder / "home-of-ardour"
        self._log = folder / "ardour.log"
        self._process, self._socket = None, None
        self._make(folder / "make.lua", bpm, rate)

    @property
    def _environment(self):
        programs = self._program.parent
        version = programs.name
        return {
            **os.environ,
            "HOME": str(self._home),
            "LD_LIBRARY_PATH": str(programs),
            "ARDOUR_DATA_PATH": f"/usr/share/{version}",
            "ARDOUR_CONFIG_PATH": f"/etc/{version}",
            "ARDOUR_DLL_PATH": str(programs),
        }

    def _make(self, script, bpm, rate):
        version = self._program.parent.name
        config = self._home / ".config" / version
        config.mkdir(parents=True)
        script.write_text(
            _MAKE.format(folder=self._folder, name=self._name, rate=rate, track=TRACK, bpm=bpm)
        )
        command = [f"{version}-lua", str(script)]
        env = {**os.environ, "HOME": str(self._home)}
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)
        (config / "config").write_text(_CONFIG)  # the interpreter, without JACK, can't bear it
        session = self._folder / f"{self._name}.ardour"
        text, count = re.subn(
            r'<Protocol name="Open Sound Control \(OSC\)"[^>]*/>', _OSC, session.read_text("utf-8")
        )
        assert count == 1
        text, count = re.subn(r'(external-sync" value=)"0"', r'\1"1"', text)
        assert count == 1
        session.write_text(text, "utf-8")

    def start(self):
        """Start it on the JACK server of the environment."""
        command = [str(self._program), str(self._folder), self._name]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", PORT))
        self._socket.settimeout(2.0)
        rig.wait_for(self._listens)
        rig.wait_for(self._answers)

    def _listens(self):
        """Asked before it is ready its OSC stays dumb."""
        assert self._process.poll() is None, self._log.read_text("utf-8", "replace")
        found = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=False)
        return f"ardour:{TRACK}/audio_in 2" in found.stdout and _taken(PORT)

    def _answers(self):
        with contextlib.suppress(TimeoutError):
            return self.ask("/transport_frame") is not None
        return False

    def send(self, address, *args):
        """Send an OSC message."""
        self._socket.send(packet(address, *args))

    def ask(self, address):
        """Send a question and return the first argument of its answer."""
        self.send(address)
        while (answer := OscMessage(self._socket.recv(65536))).address != address:
            pass
        return answer.params[0]

    def halt(self):
        """Have it stand: some while after its start it may begin to roll with JACK's transport."""
        stood_s = [time.monotonic()]

        def stands():
            if self.ask("/transport_speed") != 0:
                self.send("/transport_stop")
                stood_s[0] = time.monotonic()
            return time.monotonic() - stood_s[0] > _SURE_S

        rig.wait_for(stands, step_s=0.1)

    def strip(self, name):
        """Return the number by which OSC messages mean a track."""
        self.send("/strip/list")
        while True:
            answer = OscMessage(self._socket.recv(65536)).params
            if len(answer) > 1 and answer[1] == name:
                return answer[6] if len(answer) > 6 else 1

    def recorded(self):
        """Save, and return what the track has recorded.

        `(samples, first)`: float32 `(frames, 2)`, and where on the song's time line they begin.
        """
        self.send("/save_state")
        rig.wait_for(self._regions)
        sides = []
        for side in "LR":
            (path,) = self._folder.glob(f"interchange/*/audiofiles/*%{side}.wav")
            samples, rate = soundfile.read(path, dtype="float32")
            assert rate == rig.RATE
            sides.append(samples)
        (first,) = set(self._regions())
        return np.stack(sides, axis=1), first

    def _regions(self):
        """Return where the saved session's regions of the track begin, in frames."""
        text = (self._folder / f"{self._name}.ardour").read_text("utf-8")
        tags = re.findall(r'<Region name="[^"]*" [^>]*>', text)
        found = [re.search(r'length="a\d+@a(\d+)"', t) for t in tags if f"_{TRACK}" in t]
        return [round(int(f[1]) / (_SUPERCLOCK / rig.RATE)) for f in found]

    def stop(self):
        """End it."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._socket:
            self._socket.close()
