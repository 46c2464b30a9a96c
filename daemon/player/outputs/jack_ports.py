"""Joining a JACK server, names of ports, and what connects them.

A port is connected when it appears and never again, so that what the musician pulls apart stays
apart.

Threads: `Connector` waits on a thread of its own, because JACK forbids to connect in its callbacks.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bridge.protocol.errors import PunchinError, error
from daemon.player.destinations import Rule
from daemon.player.libraries import LOCK

_POLL_S = 0.25
_HUSHED = "_punchin_hushed"  # marks the module that has been told
COUNT = 2**32  # the server's count of frames begins anew there


def pair_ports(pair: str) -> tuple[str, str]:
    """Return the names of a pair's left and right port; `:` separates client and port in JACK."""
    stem = re.sub(r"[^\w.-]+", "_", pair)
    return f"{stem}_l", f"{stem}_r"


def missing() -> str | None:
    """Return what is missing to use JACK, with the mend; None when nothing is."""
    try:
        import jack  # noqa: F401
    except ImportError:
        return 'the Python package JACK-Client is missing: pip install "punchin[live]"'
    except OSError:
        return (
            "the JACK library is missing: install it (Debian: apt install libjack-jackd2-0, or "
            "pipewire-jack)"
        )
    return None


class _Stay:
    """What all clients of this process share, as libjack knows one server for all of them.

    Who asks it anything while a dead server's client is left, or joins another server, takes the
    process down; so `dead` holds from a server's end until the last client has left.
    """

    def __init__(self) -> None:
        self.clients = 0
        self.dead = threading.Event()


_STAY = _Stay()


def join(client_name: str, ended: Callable[[], None]) -> Any:
    """Return an open client; `ended` hears that its server has. Raises PunchinError 402."""
    if (trouble := missing()) is not None:
        raise error(402, trouble)
    import jack

    with LOCK:
        _hush(jack)
        if _STAY.dead.is_set():
            raise no_server()
        try:
            client = jack.Client(client_name, no_start_server=True)
        except jack.JackError as problem:
            raise no_server(problem) from None
        _STAY.clients += 1

    def shut(_status: Any, _why: str) -> None:
        _STAY.dead.set()
        ended()

    client.set_shutdown_callback(shut)
    return client


def _hush(jack: Any) -> None:
    """Keep libjack's own lines off standard error.

    Once: a function that takes another one's place frees that, and libjack may be about to call it.
    """
    if not hasattr(jack, _HUSHED):
        jack.set_error_function(lambda _text: None)
        jack.set_info_function(lambda _text: None)
        setattr(jack, _HUSHED, True)


def leave(client: Any) -> None:
    """Leave the server, dead or alive; may hang when it is dead."""
    with LOCK:
        with contextlib.suppress(Exception):  # a dead server refuses to be left
            client.deactivate()
        client.close()
        _STAY.clients -= 1
        if not _STAY.clients:
            _STAY.dead.clear()


def dead() -> bool:
    """Whether a server has ended whose clients are still there: nothing may be asked then."""
    return _STAY.dead.is_set()


def missing_frames() -> Callable[[int, int], int]:
    """Return what tells, cycle by cycle, how many frames went by since the one before.

    It takes the server's count at the cycle's start and the cycle's frames. A client that comes
    late reads the count of the next cycle and meets the same one again: that second time the answer
    is negative, because what it brings has been heard or given up for lost.
    """
    expected: int | None = None

    def missing(cycle: int, frames: int) -> int:
        nonlocal expected
        before = cycle if expected is None else expected
        missed = (cycle - before + COUNT // 2) % COUNT - COUNT // 2
        if missed >= 0:
            expected = (cycle + frames) % COUNT
        return missed

    return missing


def no_server(problem: Exception | None = None) -> PunchinError:
    """Return the error for a server that can't be joined."""
    full = "client" in str(problem) and "full" in str(problem)
    why = "the JACK server takes no more clients" if full else "no JACK server is running"
    return error(402, f"{why}: start one (qjackctl, jackd or PipeWire) and play again")


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Turn what the library raises into error 402: full servers, clients that are just starting."""
    import jack

    try:
        yield
    except jack.JackError as problem:
        mend = "see that their program runs and that the server has ports left, and try again"
        raise error(402, f"{what} ({problem}): {mend}") from None


class _Range(ctypes.Structure):
    """JACK's `jack_latency_range_t`, frames."""

    _fields_ = (("least", ctypes.c_uint32), ("most", ctypes.c_uint32))


def latency_frames(port: Any, playback: bool) -> int:
    """Return the frames between a port and the outside; 0 where the library does not tell.

    `playback`: from the port to the ear, else from the microphone to the port. JACK-Client 0.5 does
    not wrap `jack_port_get_latency_range`, so the library is asked directly.
    """
    import jack

    try:
        ask = ctypes.CDLL(jack._libname).jack_port_get_latency_range
    except (AttributeError, OSError):
        return 0
    found = _Range()
    handle = ctypes.c_void_p(int(jack._ffi.cast("uintptr_t", port._ptr)))
    ask(handle, ctypes.c_int(1 if playback else 0), ctypes.byref(found))
    return int(found.most)


def outside_frames(client: Any) -> int:
    """Return the frames between the server and the ear: the latency of its physical outputs."""
    ports = client.get_ports(is_audio=True, is_input=True, is_physical=True)
    return max((latency_frames(p, playback=True) for p in ports), default=0)


class Connector:
    """Connects the ports of `pairs` by `rules`, now and when further ports appear.

    `looked` is called now and then: what others connect changes the ports' latency.
    """

    def __init__(
        self,
        client: Any,
        rules: Sequence[Rule],
        ended: threading.Event,
        pairs: Sequence[str],
        looked: Callable[[], object] = lambda: None,
    ) -> None:
        self._client, self._rules, self._ended = client, tuple(rules), ended
        self._pairs, self._looked = tuple(pairs), looked
        self._seen: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """Connect what is there; go on in the background."""
        self.connect()
        threading.Thread(target=self._run, name="jack-connector", daemon=True).start()

    def _run(self) -> None:
        while not self._ended.wait(_POLL_S):
            if not dead():
                self.connect()
                self._looked()

    def connect(self) -> None:
        """Make the connections of ports that have not been here before."""
        inputs = [p.name for p in self._client.get_ports(is_audio=True, is_input=True)]
        wanted = {
            (f"{self._client.name}:{pair_ports(pair)[channel]}", target)
            for rule in self._rules
            for pair in self._pairs
            for channel, target in rule.targets(pair, inputs)
        }
        # A port that went and comes again counts as new.
        self._seen &= {(ours, target) for ours, target in self._seen if target in inputs}
        self._seen |= {pair for pair in sorted(wanted - self._seen) if self._connect(*pair)}

    def _connect(self, ours: str, target: str) -> bool:
        """Connect two ports; False when that is to be tried again.

        A client makes its ports before it is active, and takes no connection until then.
        """
        import jack

        try:
            self._client.connect(ours, target)
        except jack.JackErrorCode as problem:
            return bool(problem.code == _ALREADY)
        return True


_ALREADY = 17  # EEXIST: the connection is there
