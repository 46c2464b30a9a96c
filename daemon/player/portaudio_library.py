"""PortAudio, initialised only while it is used, so that the list of devices is fresh each time.

PortAudio counts its users; when the last one lets go it forgets the devices, and the next one finds
those that have come and misses those that have gone.

Threads: any; PortAudio itself takes calls of one thread at a time (two that open and close streams
at once take the process down), which a lock ensures.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from bridge.protocol.errors import error
from daemon.player.libraries import LOCK

_OURS = "_punchin_counts_users"  # marks the module whose first use has been undone


def acquire() -> Any:
    """Return the module `sounddevice`, initialised. Raises PunchinError 402 with the mend."""
    with LOCK:
        library = _load()
        try:
            library._initialize()
        except library.PortAudioError as problem:
            what = f"PortAudio can't start ({reason(problem)})"
            raise error(402, f"{what}: check the system's sound settings") from None
        return library


def release() -> None:
    """Undo one `acquire`; may hang when a sound server has died."""
    with LOCK:
        sys.modules["sounddevice"]._terminate()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep other threads from PortAudio while a stream is opened, started or closed."""
    with LOCK:
        yield


@contextlib.contextmanager
def session() -> Iterator[Any]:
    """Acquire and release. Raises PunchinError 402."""
    library = acquire()
    try:
        yield library
    finally:
        release()


def _load() -> Any:
    try:
        import sounddevice
    except ImportError:
        mend = 'pip install "punchin[live]"'
        raise error(402, f"the Python package sounddevice is missing: {mend}") from None
    except OSError:
        mend = "install it (Debian: apt install libportaudio2; Fedora: dnf install portaudio)"
        raise error(402, f"the PortAudio library is missing: {mend}") from None
    if not hasattr(sounddevice, _OURS):
        sounddevice._terminate()  # importing it counts as a use
        setattr(sounddevice, _OURS, True)
    return sounddevice


def reason(problem: Exception) -> str:
    """Return PortAudio's words without its numbers."""
    words = [str(a) for a in problem.args if isinstance(a, str)]
    return (words[0] if words else str(problem)).split(" [PaErrorCode")[0]
