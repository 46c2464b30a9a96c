"""A device is gone when it stands still, not when all of the player did."""

import threading
from types import SimpleNamespace

import pytest
from patience import PATIENCE_S

from daemon.player.outputs import keeper as keeper_module
from daemon.player.outputs.base import Format, Health
from daemon.player.outputs.keeper import Keeper

STOOD_S = 5.0


class Device:
    """Its machine stands still after the third look; the device goes on just after the fourth."""

    name = "fake"

    def __init__(self):
        self.now_s = self.beat_s = 100.0
        self.looks, self.seen = 0, threading.Event()

    def open(self, _start):
        return Format(48_000, 2, 0.0, 64)

    def close(self):
        pass

    def health(self):
        self.looks += 1
        found = Health("open", beat_s=self.beat_s)
        if self.looks == 3:
            self.now_s += STOOD_S
        elif self.looks == 4:
            self.beat_s = self.now_s
        elif self.looks == 6:
            self.seen.set()
        return found


@pytest.fixture
def device(monkeypatch):
    device = Device()
    monkeypatch.setattr(keeper_module, "time", SimpleNamespace(monotonic=lambda: device.now_s))
    monkeypatch.setattr(keeper_module, "_LOOK_S", 0.001)
    return device


def test_who_stood_still_takes_no_device_for_gone(device):
    keeper = Keeper(device, lambda _fmt: None)
    keeper.begin()
    try:
        assert device.seen.wait(PATIENCE_S)
        assert (keeper.state.name, keeper.state.losses) == ("open", 0)
    finally:
        keeper.close()
