"""MIDI ports on a JACK server of one's own, as tests and players of controllers use them."""

import contextlib
import os
import subprocess
import sys
import threading

import rig
from patience import PATIENCE_S
from wire_house import House, wait_for

from bridge.midi.notes import send_in_time

NEEDED = ("jackd", "jack_wait", "rtmidi")


class Jack(rig.JackServer):
    """A server with the period of a live set; `env` is what its clients need."""

    def __init__(self, folder):
        super().__init__(folder, period=256)
        self.env = self.environment
        self.start()

    def run(self, *command):
        env = {**os.environ, **self.env}
        return subprocess.run(
            command, env=env, check=True, capture_output=True, text=True, timeout=PATIENCE_S
        ).stdout


@contextlib.contextmanager
def house_with(home, jack, engine="fake", **settings):
    """A daemon with these MIDI settings, as a client of a JACK server."""
    told = {f"PUNCHIN_MIDI_{k.upper()}": v for k, v in settings.items()}
    house = House(home, engine=engine, PUNCHIN_MIDI_BACKEND="jack", **jack.env, **told)
    try:
        yield house
    finally:
        assert house.stop() == 0


def follow(client, rows, send):
    """Send timed `rows`, the last of them a stop; return the tempo told and where it stopped."""
    bpm, pause = [], threading.Event()
    thread = threading.Thread(target=send_in_time, args=(rows, send))
    thread.start()
    while thread.is_alive():
        clock = client.ask("status")["midi"]["clock"]
        bpm += [clock["bpm"]] if clock and clock["playing"] else []
        pause.wait(0.05)
    thread.join()
    stopped = wait_for(lambda: _stopped(client), "it runs on")
    assert bpm, "it was never heard to run"
    return bpm[-1], stopped["beat"]


def _stopped(client):
    told = client.ask("context")["transport"]
    return told if told["playing"] == 0 else None


@contextlib.contextmanager
def program(command, **more):
    """A running program whose output is read as text; it is ended with the block."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, **more) as process:
        try:
            yield process
        finally:
            process.kill()


def outcome(process):
    """Return what a program wrote until its end."""
    try:
        return process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise AssertionError("the program does not end") from None


@contextlib.contextmanager
def on_server(jack):
    """Let this process's new clients belong to a server."""
    before = {k: os.environ.get(k) for k in jack.env}
    os.environ.update(jack.env)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def make_out(jack, name, port="out"):
    import rtmidi

    with on_server(jack):
        made = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=name)
    made.open_virtual_port(port)
    return made


def make_in(jack, name, port="in"):
    import rtmidi

    with on_server(jack):
        made = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=name, queue_size_limit=65536)
    made.ignore_types(False, False, True)
    made.open_virtual_port(port)
    return made


class Player:
    """A controller in a process of its own, which may lose its server without harm to the tests."""

    CODE = """
import sys, rtmidi
out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="pad")
out.open_virtual_port("out")
print("ready", flush=True)
for line in sys.stdin:
    out.send_message(list(bytes.fromhex(line)))
"""

    def __init__(self, jack):
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.CODE],
            env={**os.environ, **jack.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout.readline() == "ready\n"

    def send(self, message):
        self._process.stdin.write(message.hex() + "\n")
        self._process.stdin.flush()

    def stop(self):
        self._process.kill()
        self._process.communicate()


class RawPlayer(Player):
    """One whose bytes nobody looks at: each message is an event of JACK as it stands."""

    CODE = """
import queue, sys, jack
client = jack.Client("raw", no_start_server=True)
port = client.midi_outports.register("out")
waiting = queue.SimpleQueue()

@client.set_process_callback
def process(frames):
    port.clear_buffer()
    for offset in range(min(frames, 64)):
        try:
            port.write_midi_event(offset, waiting.get_nowait())
        except queue.Empty:
            return

client.activate()
print("ready", flush=True)
for line in sys.stdin:
    waiting.put(bytes.fromhex(line))
"""
