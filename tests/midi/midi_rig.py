"""A JACK server of one's own on the dummy driver, and ports on it."""

import contextlib
import os
import shutil
import subprocess
import uuid

PATIENCE_S = 10


def why_not():
    """Return why there can be no JACK here, an empty text when there can."""
    for tool in ("jackd", "jack_wait"):
        if not shutil.which(tool):
            return f"{tool} is not installed (Debian: apt install jackd2)"
    try:
        import rtmidi
    except ImportError:
        return "python-rtmidi is not installed (the extra live)"
    if rtmidi.API_UNIX_JACK not in rtmidi.get_compiled_api():
        return "rtmidi was built without JACK"
    return ""


class Jack:
    """A running server; `env` is what its clients need in their environment."""

    def __init__(self, period=256, name=None):
        self.name = name or f"punchin{uuid.uuid4().hex[:8]}"
        self.period = period
        self.env = {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}
        self.start()

    def start(self):
        command = ["jackd", "-R", "-P", "10", "-p", "64", "-n", self.name, "-d", "dummy",
                   "-r", "48000", "-p", str(self.period), "-C", "2", "-P", "2"]  # fmt: skip
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **self.env, "JACK_NO_AUDIO_RESERVATION": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.run("jack_wait", "-w", "-t", str(PATIENCE_S))

    def run(self, *command):
        env = {**os.environ, **self.env}
        return subprocess.run(
            command, env=env, check=True, capture_output=True, text=True, timeout=PATIENCE_S
        ).stdout

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


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
