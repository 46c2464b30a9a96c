"""A fake Live over real files, beside a real daemon."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

FAULT = re.compile(r"Punchin: \w+(Error|Exception|Refused|NoRoom): ")
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "house")]

from patience import PATIENCE_S  # noqa: E402
from stage import Stage  # noqa: E402
from wire_house import House  # noqa: E402

from bridge.ableton.Punchin import link, mailbox, results, script, sending  # noqa: E402

# How long the script waits for a daemon.
WAITS = ((link, "UDP_ANSWER_S"), (link, "MAILBOX_ANSWER_S"), (mailbox, "NOT_TAKEN_S"),
         (sending, "TRY_S"), (sending, "WAIT_S"))  # fmt: skip


@pytest.fixture(scope="session")
def live_house(tmp_path_factory):
    """A daemon with the test engine, for all journeys."""
    house = House(tmp_path_factory.mktemp("live"))
    yield house
    house.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Look often: the tests' ticks come faster than Live's."""
    monkeypatch.setattr(link, "LOOK_S", 0.02)
    monkeypatch.setattr(results, "LOOK_S", 0.02)
    monkeypatch.setitem(script.CONTEXT_S, "udp", 0.0)


@pytest.fixture(autouse=True)
def patient(request, monkeypatch):
    """A daemon on a busy machine may take longer to answer; who has a clock of his own sets it."""
    if "clock" not in request.fixturenames:
        for module, name in WAITS:
            monkeypatch.setattr(module, name, PATIENCE_S / 3)


@pytest.fixture
def make_stage(tmp_path, request):
    """Put up stages; what the script did wrong in them fails the test."""
    made = []
    shared = "live_house" in request.fixturenames and request.getfixturevalue("live_house")

    def make(home, **options):
        made.append(Stage(tmp_path, home, **options))
        return made[-1]

    yield make
    for each in made:
        each.close_set()
    if shared:
        shared.settle()
    for each in made:
        assert not each.live.faults, each.live.faults
        assert not each.live.overwritten, "a clip in the arrangement was overwritten"
        faults = [line for line in each.live.log if FAULT.match(line)]
        assert not faults, faults


@pytest.fixture
def stage(make_stage, live_house):
    """Live beside a running daemon."""
    return make_stage(live_house.home)
