"""A fake Live over real files, beside a real daemon."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

FAULT = re.compile(r"Punchin: \w+(Error|Exception|Refused|NoRoom): ")
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "house")]

from stage import Stage  # noqa: E402
from wire_house import House  # noqa: E402

from bridge.ableton.Punchin import link, results, script  # noqa: E402


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


@pytest.fixture
def make_stage(tmp_path):
    """Put up stages; what the script did wrong in them fails the test."""
    made = []

    def make(home, **options):
        made.append(Stage(tmp_path, home, **options))
        return made[-1]

    yield make
    for each in made:
        each.close_set()
        assert not each.live.faults, each.live.faults
        assert not each.live.overwritten, "a clip in the arrangement was overwritten"
        faults = [line for line in each.live.log if FAULT.match(line)]
        assert not faults, faults


@pytest.fixture
def stage(make_stage, live_house):
    """Live beside a running daemon."""
    return make_stage(live_house.home)
