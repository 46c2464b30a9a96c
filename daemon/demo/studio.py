"""A daemon of the demo's own, in a temporary home, gone when the demo is over."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge import Client, NoDaemon, PunchinError
from bridge.client.launch import command, environment, last_line, running

_START_S, _STOP_S, _POLL_S = 60.0, 30.0, 0.05


@contextlib.contextmanager
def studio(arguments: Sequence[str] = ()) -> Iterator[Path]:
    """Run a daemon on a free port; give its home. Raises NoDaemon if it does not get ready.

    The user's own daemon, settings and presets are left alone.
    """
    home = Path(tempfile.mkdtemp(prefix="punchin-demo-"))
    env = {**os.environ, **environment(), "PUNCHIN_HOME": str(home)}
    env["PUNCHIN_CONFIG"] = str(home / "config")
    log = home / "daemon.log"
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command(), "--port", "0", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
            )
        try:
            _await_ready(process, home, log)
            yield home
        finally:
            _stop(process, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _await_ready(process: subprocess.Popen[bytes], home: Path, log: Path) -> None:
    end_s = time.monotonic() + _START_S
    while not running(home):
        if process.poll() is not None or time.monotonic() > end_s:
            raise NoDaemon(f"the daemon did not start ({last_line(log)}): run punchin doctor")
        time.sleep(_POLL_S)


def _stop(process: subprocess.Popen[bytes], home: Path) -> None:
    """Ask, then insist."""
    if process.poll() is None:
        with contextlib.suppress(NoDaemon, PunchinError, TimeoutError, OSError):
            Client(home=home, timeout=_STOP_S).quit()
    for insist in (lambda: None, process.terminate, process.kill):
        insist()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
            return
