"""How the player process is set up before it serves."""

import gc
import sys

import pytest

from daemon.player import __main__ as door


class Ended(BaseException):
    """In the place of the process's end."""


@pytest.fixture
def served(monkeypatch):
    """Run the door with a host that only looks around; what it saw."""
    seen = {}

    class Host:
        def __init__(self, *_told):
            pass

        def serve(self):
            seen.update(frozen=gc.get_freeze_count(), switch_s=sys.getswitchinterval())
            return 3

    def end(code):
        seen["code"] = code
        raise Ended

    switch_s = sys.getswitchinterval()
    monkeypatch.setattr(door, "Host", Host)
    monkeypatch.setattr(door, "_claim_streams", lambda: (None, None))
    monkeypatch.setattr(door, "prefer_process", lambda: seen.update(preferred=True))
    monkeypatch.setattr(door.os, "_exit", end)
    monkeypatch.setattr(sys, "argv", ["player", "{}"])
    gc.unfreeze()
    with pytest.raises(Ended):
        door.main()
    yield seen
    gc.unfreeze()
    sys.setswitchinterval(switch_s)


def test_nothing_of_the_interpreter_holds_up_an_audio_thread_for_long(served):
    assert served["frozen"] > 10_000  # numpy alone has as many objects
    assert served["switch_s"] == pytest.approx(0.0005)
    assert (served["preferred"], served["code"]) == (True, 3)
