"""Objects that live in a process of their own, as the player's outputs do.

Audio callbacks in Python share the interpreter with all else in their process, so that a busy test
would be heard as a gap; and an audio library that loses its server may take its process down, which
must not be the tests'. A `Room` is such a process, a `Guest` an object in it: its methods are
called here and run there. Arguments and answers are pickled, guests go as themselves.
"""

import gc
import importlib
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from patience import PATIENCE_S

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class Room:
    """One process. It ends with the pipe to it, or when `close` ends it."""

    def __init__(self):
        self._pipe, theirs = multiprocessing.Pipe()
        end = theirs.fileno()
        paths = os.pathsep.join(map(str, (ROOT, HERE.parent, HERE)))
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(end)],
            env={**os.environ, "PYTHONPATH": paths},
            pass_fds=[end],
        )
        theirs.close()

    def make(self, kind, *args, **more):
        """Make an object there; `kind` is a class or function of an importable module."""
        return Guest(self, self.ask("make", (kind.__module__, kind.__qualname__), args, more))

    def ask(self, *question):
        """Return what the other side answers, or raise what it raised."""
        self._pipe.send(question)
        assert self._pipe.poll(PATIENCE_S), f"no answer to {question}"
        well, answer = self._pipe.recv()
        if not well:
            raise answer()
        return answer

    def stop(self):
        """Let none of its threads run until `go_on`."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def close(self):
        """End the process at once: what hangs in it must not hang the tests."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()


class Guest:
    """An object in a room: `guest.method(…)` calls there, `guest.see("attribute")` looks."""

    def __init__(self, room, number):
        self._room, self._number = room, number

    def __reduce__(self):
        return _Reference, (self._number,)

    def __getattr__(self, name):
        return lambda *args, **more: self._room.ask("call", self._number, name, args, more)

    def see(self, name):
        """Return the value of an attribute."""
        return self._room.ask("see", self._number, name)


class _Reference(int):
    """The number of a guest, on its way."""


class _Raised:
    """An exception on its way: those of the protocol keep their number."""

    def __init__(self, problem):
        from bridge.protocol.errors import NAMES

        # Those of JACK's library have numbers of their own.
        code = getattr(problem, "code", None)
        self._code, self._said = code if code in NAMES else None, str(problem)
        self._kind = type(problem).__name__

    def __call__(self):
        if self._code is None:
            return RuntimeError(f"{self._kind}: {self._said}")
        from bridge.protocol.errors import error

        return error(self._code, self._said)


class _Host:
    """The side in the room."""

    def __init__(self):
        self._guests, self._numbers = {}, itertools.count()

    def _meant(self, value):
        return self._guests[value] if isinstance(value, _Reference) else value

    def _called(self, function, args, more):
        return function(*map(self._meant, args), **{k: self._meant(v) for k, v in more.items()})

    def make(self, kind, args, more):
        found = importlib.import_module(kind[0])
        for part in kind[1].split("."):
            found = getattr(found, part)
        number = next(self._numbers)
        self._guests[number] = self._called(found, args, more)
        return number

    def call(self, number, name, args, more):
        return self._called(getattr(self._guests[number], name), args, more)

    def see(self, number, name):
        return getattr(self._guests[number], name)

    def serve(self, pipe):
        while True:
            name, *question = pipe.recv()
            try:
                answer = True, getattr(self, name)(*question)
            except Exception as problem:
                answer = False, _Raised(problem)
            pipe.send(answer)


def _main():
    from daemon.player.outputs.priority import prefer_process

    sys.setswitchinterval(0.0005)  # as the player does
    prefer_process()
    gc.disable()
    try:
        # By its name, so that both sides pickle the same classes.
        importlib.import_module("elsewhere")._Host().serve(Connection(int(sys.argv[1])))
    except EOFError:
        os._exit(0)


if __name__ == "__main__":
    _main()
