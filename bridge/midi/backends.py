"""The MIDI systems of this machine, by python-rtmidi: ALSA, CoreMIDI, WinMM, JACK.

rtmidi is used directly: mido's port on an existing JACK port makes a client and connects nothing.
Raises 403 with what to do; whatever a library throws is turned into it.

Threads: any, but a port belongs to one thread at a time. No Python runs on a MIDI or audio thread:
messages wait in rtmidi's own queue, with their time stamps, until they are read.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridge.protocol.errors import PunchinError, error

CLIENT = "Punchin"
QUEUE = 32768  # messages that wait to be read: three seconds of ten thousand a second
_CONSTANTS = {
    "alsa": "API_LINUX_ALSA",
    "coremidi": "API_MACOSX_CORE",
    "winmm": "API_WINDOWS_MM",
    "jack": "API_UNIX_JACK",
}
NAMES = tuple(_CONSTANTS)
VIRTUAL = "virtual"


@dataclass(frozen=True)
class Place:
    """A port of the system: `direction` is in (we hear it) or out (we send to it)."""

    backend: str
    direction: str
    name: str


def library() -> Any:
    """Return the module rtmidi. Raises 403 when it is not installed."""
    try:
        import rtmidi
    except ImportError:
        mend = 'install it with: python -m pip install "punchin[live]"'
        raise error(403, f"python-rtmidi is not installed: {mend}") from None
    return rtmidi


def available(wanted: str = "auto") -> list[str]:
    """Return the systems to try: the wanted one, or all that rtmidi was built for. Raises 403."""
    rtmidi = library()
    built = rtmidi.get_compiled_api()
    names = [n for n, c in _CONSTANTS.items() if getattr(rtmidi, c, None) in built]
    if wanted == "auto":
        return names
    if wanted not in names:
        raise error(403, f"rtmidi knows no {wanted} here: set midi.backend to {' or '.join(names)}")
    return [wanted]


def client(backend: str, direction: str) -> Any:
    """Return an rtmidi client. Raises 403 where the system is not there."""
    rtmidi = library()
    # Looking for ports must not start an audio server.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    api = getattr(rtmidi, _CONSTANTS[backend])
    try:
        with _hushed():
            if direction == "out":
                return rtmidi.MidiOut(api, name=CLIENT)
            made = rtmidi.MidiIn(api, name=CLIENT, queue_size_limit=QUEUE)
            made.ignore_types(sysex=False, timing=False, active_sense=True)
            return made
    except Exception as e:  # ALSA without a sequencer raises rtmidi's own SystemError
        raise error(403, f"{backend} can't be used ({_short(e)}): {_mend(backend)}") from None


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep the libraries' own lines about a missing system off standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without standard error
        yield
        return
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(silent)
        os.close(kept)


def places(client_: Any, backend: str, direction: str) -> list[Place]:
    """Return the ports that a client sees; its own are left out."""
    names = [n for n in client_.get_ports() if not n.startswith(CLIENT)]
    return [Place(backend, direction, n) for n in names]


def listing(wanted: str = "auto") -> tuple[list[Place], list[PunchinError]]:
    """Return every port, and why systems could not be asked."""
    found: list[Place] = []
    problems = []
    for backend in available(wanted):
        try:
            for direction in ("in", "out"):
                made = client(backend, direction)
                found += places(made, backend, direction)
                made.delete()
        except PunchinError as e:
            problems.append(e)
    return found, problems


def open_port(client_: Any, place: Place, label: str) -> None:
    """Connect a client to a port that it sees, or open a port of its own. Raises 403."""
    try:
        if place.name == VIRTUAL:
            client_.open_virtual_port(label)
            return
        client_.open_port(client_.get_ports().index(place.name), label)
    except ValueError:
        raise error(403, f"{place.name} is gone: connect it again") from None
    except Exception as e:
        raise error(
            403, f"{place.name} can't be opened ({_short(e)}): close the program that holds it"
        ) from None


def messages(client_: Any, most: int) -> Iterator[tuple[bytes, float]]:
    """Yield at most `most` waiting packets, each with the seconds since the one before it."""
    for _ in range(most):
        got = client_.get_message()
        if got is None:
            return
        yield bytes(got[0]), got[1]


def _short(problem: Exception) -> str:
    return str(problem).strip().rstrip(".")[:120] or type(problem).__name__


def _mend(backend: str) -> str:
    if backend == "alsa":
        return "load the sequencer (modprobe snd-seq), or use JACK or OSC"
    if backend == "jack":
        return "start the JACK server (or PipeWire's JACK), or use another midi.backend"
    return f"look at the MIDI settings of {platform.system()}, or restart the MIDI service"
