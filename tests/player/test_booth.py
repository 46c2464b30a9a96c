"""One recording after another: an input is opened when the one before has been let go of."""

import threading

import pytest
from patience import PATIENCE_S

from bridge.protocol.errors import PunchinError
from daemon.player.capture import booth, inputs
from daemon.player.capture.inputs import InputFormat
from daemon.player.transport import Line

RATE = 1000


class Device:
    """An input that takes as long to close as the test says; `calls` is what was done to it."""

    def __init__(self):
        self.calls, self.may_close = [], threading.Event()

    def open(self, prepare):
        self.calls.append("open")
        fmt = InputFormat(RATE, 1, "fake")
        prepare(fmt)
        return fmt

    def close(self):
        self.may_close.wait(PATIENCE_S)
        self.calls.append("closed")

    def gone(self):
        return False


@pytest.fixture
def device(monkeypatch):
    device = Device()
    monkeypatch.setattr(inputs, "of", lambda _name, _host_api: device)
    yield device
    device.may_close.set()


@pytest.fixture
def recorded():
    return threading.Event()


@pytest.fixture
def made(device, recorded):
    made = booth.Booth(Line, lambda _news: recorded.set())
    yield made
    device.may_close.set()
    made.close()


def begin(made, tmp_path, name):
    asked = {"input": "", "host_api": "", "when": "bar", "bars": None, "preroll_s": 0.0}
    made.begin({**asked, "path": str(tmp_path / name)})


def one_that_is_over(made, recorded, tmp_path):
    begin(made, tmp_path, "a.wav")
    made.end()
    assert recorded.wait(PATIENCE_S)


def test_the_next_recording_waits_until_the_input_is_closed(made, device, recorded, tmp_path):
    one_that_is_over(made, recorded, tmp_path)
    second = threading.Thread(target=begin, args=(made, tmp_path, "b.wav"))
    second.start()
    second.join(0.2)
    device.may_close.set()
    second.join(PATIENCE_S)
    assert device.calls[:3] == ["open", "closed", "open"]


def test_an_input_that_does_not_close_is_told(made, recorded, tmp_path, monkeypatch):
    monkeypatch.setattr(booth, "_CLOSE_S", 0.01)
    one_that_is_over(made, recorded, tmp_path)
    with pytest.raises(PunchinError, match="does not close") as told:
        begin(made, tmp_path, "b.wav")
    assert told.value.code == 402
