"""What the context makes likely, and has prepared."""

import asyncio
from types import SimpleNamespace

import pytest

from bridge.protocol.errors import error
from daemon.core import ahead
from daemon.core.admission import Admitted
from daemon.core.ahead import Preparation
from daemon.core.context import Snapshot


class House:
    """All that a preparation talks to: it notes what is asked for and what is prepared."""

    engine_for_new_jobs = "sketch"

    def __init__(self, last="", able=("repaint", "extend", "generate")):
        self.last, self.able = last, frozenset(able)
        self.asked, self.prepared, self.models = [], [], {}

    async def admit(self, call, snapshot):
        self.asked.append((call.op, dict(call.keys)))
        if call.op == "extend":
            raise error(101, "extend needs a length: send seconds or bars")
        request = {"seed": 1, "seconds": 4.0, **call.keys}
        return Admitted(request, {"source": None, "rate": 8000, "clamp": False}, frozenset())

    def recent(self):
        return [SimpleNamespace(op=self.last)] if self.last else []

    async def idle(self): ...

    async def prepares(self, _engine):
        return self.able

    def prepare(self, _engine, _model, work):
        self.prepared.append(work.op)


def told(house, source=None, values=(), defaults=()):
    """Tell a context, and return when nothing more comes of it."""

    async def tell():
        preparation = Preparation(house, house, house, house)
        preparation.changed(Snapshot(source, dict(values), dict(defaults)))
        if preparation._task:
            await preparation._task

    asyncio.run(tell())
    return house


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(ahead, "PAUSE_S", 0.0)


@pytest.mark.parametrize("where", ["values", "defaults"])
@pytest.mark.parametrize("key", ["prompt", "preset"])
def test_a_style_without_a_clip_has_a_new_piece_prepared(key, where):
    house = told(House(), **{where: {key: "jazz"}})
    assert house.prepared == ["generate"]
    assert house.asked == [("generate", {"seconds": 16.0})]


@pytest.mark.parametrize("length", [{"seconds": 30.0}, {"bars": 8}])
@pytest.mark.parametrize("where", ["values", "defaults"])
def test_a_length_that_is_told_counts(length, where):
    context = {"values": {"prompt": "jazz"}, "defaults": {}}
    context[where] = {**context[where], **length}
    assert told(House(), **context).asked == [("generate", {})]


@pytest.mark.parametrize("context", [{}, {"values": {"bpm": 120.0}}, {"defaults": {"takes": 2}}])
def test_without_a_clip_or_a_style_nothing_is_prepared(context):
    assert told(House(), **context).asked == []


def test_an_engine_that_prepares_no_new_piece_is_left_alone():
    assert told(House(able=("repaint",)), values={"prompt": "jazz"}).asked == []


@pytest.mark.parametrize("last", ["", "generate"])
def test_a_clip_comes_before_a_style(last):
    """Whoever selects bars after a new piece wants something done with them."""
    house = told(House(last), "/songs/a.wav", {"prompt": "jazz", "start": 0.0, "end": 1.0})
    assert house.prepared == ["repaint"]


def test_the_op_of_the_last_job_comes_first_unless_it_can_not_be():
    house = told(House("extend"), "/songs/a.wav")
    assert house.asked == [("extend", {}), ("repaint", {})]
    assert house.prepared == ["repaint"]
