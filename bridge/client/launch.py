"""Starts a daemon in the background, detached from this process, and waits until it answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bridge.client.endpoint import answers
from bridge.client.values import NoDaemon
from bridge.places import home as default_home
from bridge.places import read_daemon

PATIENCE_S = 60.0  # a process that ends is noticed at once
_POLL_S = 0.05
# A daemon that ends with code 1 may have found another one starting, which is about to answer.
_GRACE_S = 3.0


def running(home: Path | None = None) -> dict[str, Any] | None:
    """Return what `daemon.json` says if that daemon answers, else None."""
    return read_daemon(home) if answers(home) else None


def ensure(home: Path | None = None, wait_s: float = PATIENCE_S) -> tuple[dict[str, Any], bool]:
    """Return what `daemon.json` says, and whether the daemon had to be started for it.

    Raises NoDaemon with the last line of the log when it does not answer within `wait_s`.
    """
    if told := running(home):
        return told, False
    return launch(home, wait_s), True


def launch(
    home: Path | None = None, wait_s: float = PATIENCE_S, arguments: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Start a daemon that outlives this process; return what its `daemon.json` says."""
    place = home or default_home()
    log = place / "logs" / "daemon.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    process = _detached(place, log, arguments)
    end_s = time.monotonic() + wait_s
    while time.monotonic() < end_s:
        if told := running(place):
            process.returncode = 0  # it is left alone on purpose: no warning when we forget it
            return told
        if process.poll() is not None:
            grace_s = _GRACE_S if process.returncode == 1 else 0.0
            end_s = min(end_s, time.monotonic() + grace_s)
        time.sleep(_POLL_S)
    raise NoDaemon(_failure(log, process.poll(), wait_s))


def command() -> list[str]:
    """Return the command line that runs the daemon in the foreground."""
    return [sys.executable, "-m", "bridge", "serve"]


def environment() -> dict[str, str]:
    """Return the variables that a process started elsewhere needs to be this Punchin.

    A checkout that is not installed is found through PYTHONPATH.
    """
    kept = {k: os.environ[k] for k in ("PUNCHIN_HOME", "PUNCHIN_CONFIG") if os.environ.get(k)}
    kept = {k: str(Path(v).expanduser().absolute()) for k, v in kept.items()}
    root = Path(__file__).resolve().parents[2]
    if root.name not in ("site-packages", "dist-packages"):
        kept["PYTHONPATH"] = os.pathsep.join(
            filter(None, (str(root), os.environ.get("PYTHONPATH", "")))
        )
    return kept


def _detached(home: Path, log: Path, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    env = {**os.environ, **environment(), "PUNCHIN_HOME": str(home)}
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    with log.open("ab") as out:
        return subprocess.Popen(
            [*command(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=home,
            env=env,
            **apart,
        )


def _failure(log: Path, code: int | None, wait_s: float) -> str:
    what = f"did not answer within {wait_s:g} s" if code is None else f"ended with code {code}"
    return f"the daemon {what}; its last words: {last_line(log)!r}; read {log} or run punchin serve"


def last_line(log: Path) -> str:
    """Return the last line of a log that says something, at most 300 characters."""
    try:
        text = log.read_bytes()[-8192:].decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
