"""For all tests: how they share processors, and a last word on what could not be tested."""

import collections
import os
import signal

import hypothesis
import pytest

# Before numpy is imported: on small machines a second BLAS thread costs more than it brings.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A run in a shell's background ignores Ctrl-C, and so would what the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# An example takes as long as a busy machine takes; the same examples each time.
hypothesis.settings.register_profile(
    "patient",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")

NOT_HERE = "not on this machine: "  # how the skips of tests/live/rig.py begin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what stays in one process where pytest-xdist has several.

    The tests of a file do, with what they have started; and all that play and record in time,
    because two sound servers would take each other's turns.
    """
    for item in items:
        plays = item.path.parent.name == "live" or "jack" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("in time" if plays else str(item.path)))


def pytest_terminal_summary(terminalreporter) -> None:
    """Say loudly what `rig.need` has skipped."""
    reasons = [
        r.longrepr[2].removeprefix("Skipped: ") for r in terminalreporter.stats.get("skipped", [])
    ]
    missing = collections.Counter(r for r in reasons if r.startswith(NOT_HERE))
    if missing:
        terminalreporter.section("live audio and MIDI NOT tested", sep="!", red=True)
        for reason, count in missing.items():
            terminalreporter.write_line(f"{count} {reason}")
        terminalreporter.write_line(f"{missing.total()} live tests skipped in all")
