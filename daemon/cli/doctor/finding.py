"""What a check finds, and how checks look into other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from bridge.client.launch import environment

Run = Callable[[Sequence[str], float], "Outcome"]


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    HINT = "hint"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `mend` is what to do about it, empty when nothing is wrong."""

    level: Level
    topic: str
    text: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return JSON-ready data."""
        return asdict(self)


def ok(topic: str, text: str) -> Finding:
    """Return a finding of something that is right."""
    return Finding(Level.OK, topic, text)


def hint(topic: str, text: str, mend: str) -> Finding:
    """Return a finding of something optional that is missing."""
    return Finding(Level.HINT, topic, text, mend)


def problem(topic: str, text: str, mend: str) -> Finding:
    """Return a finding of something that keeps Punchin from working."""
    return Finding(Level.PROBLEM, topic, text, mend)


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its exit code (None: not found, or over time) and what it printed."""

    code: int | None
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of what went wrong."""
        lines = self.err.strip().splitlines()
        return lines[-1].strip() if lines else f"exit code {self.code}"


def run(command: Sequence[str], timeout_s: float) -> Outcome:
    """Run a program to its end, at most `timeout_s`."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **environment()},
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, "", f"no answer within {timeout_s:g} s")
    except OSError as e:
        return Outcome(None, "", str(e))
    return Outcome(done.returncode, done.stdout, done.stderr)


def run_python(code: str, timeout_s: float, runner: Run = run) -> Outcome:
    """Run Python code in a process of its own, so that a crash in a library harms nothing."""
    return runner([sys.executable, "-c", code], timeout_s)
