"""A fake REAPER over real files, beside a real daemon."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "house")]

from desk import Desk  # noqa: E402
from wire_house import House  # noqa: E402


@pytest.fixture(scope="session")
def reaper_house(tmp_path_factory):
    """A daemon with the test engine, for all journeys."""
    house = House(tmp_path_factory.mktemp("reaper"))
    yield house
    house.stop()


@pytest.fixture(params=["lua53", "lua54"])
def desk(request, tmp_path, reaper_house):
    """REAPER beside a running daemon; what the scripts did wrong fails the test."""
    made = Desk(request.param, tmp_path, reaper_house.home)
    yield made
    made.world.close()
    reaper_house.settle()
    assert not made.world.breaches, made.world.breaches


@pytest.fixture(params=["lua53", "lua54"])
def lone_desk(request, tmp_path):
    """REAPER without a daemon."""
    made = Desk(request.param, tmp_path, tmp_path / "home")
    yield made
    made.world.close()
    assert not made.world.breaches, made.world.breaches
