"""Ports for programs that open them a moment later."""

import contextlib
import os
import socket


def free_port():
    """A port that is free over UDP and TCP, below those that the system gives who asks for any.

    Nobody else is given it meanwhile; processes that ask at one time look in different places.
    """
    first = 20_000 + os.getpid() % 10_000
    for port in range(first, first + 1000):
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
