"""A JACK server for the whole folder, and daemons on it; skipped loudly where there is no JACK."""

import contextlib
import sys
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parents[1] / name) for name in ("house", "live")]

import rig
from midi_rig import NEEDED, Jack, house_with


@pytest.fixture(scope="session")
def jack(tmp_path_factory):
    rig.need(*NEEDED)
    made = Jack(tmp_path_factory.mktemp("jack"))
    yield made
    made.stop()


@pytest.fixture
def house_on(tmp_path):
    """Start a daemon with MIDI settings on a JACK server."""
    with contextlib.ExitStack() as stack:
        yield lambda jack, **told: stack.enter_context(house_with(tmp_path / "home", jack, **told))
