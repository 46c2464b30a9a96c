"""What is prepared or made ahead: nothing is heard of it but that the job is sooner done."""

from dataclasses import replace

import numpy as np
import pytest
from ace_desk import Desk, asked, music

from daemon.engines.acestep import performing, solving
from daemon.engines.acestep.latents import decode as decoding
from daemon.engines.acestep.latents import encode as encoding
from daemon.engines.acestep.speculate import Speculation
from daemon.engines.acestep.speed import Speed, speed_for
from daemon.engines.base import Cancelled

CLIP = music(12.0)
WAYS = {
    "repaint": asked("repaint", CLIP, (4.0, 6.5), prompt="warm pop"),
    "extend": asked("extend", CLIP, (12.0, 13.0)),
    "cover": asked("cover", CLIP, (0.0, 12.0), prompt="folk", strength=0.4),
    "retake": asked("retake", CLIP, (0.0, 12.0), strength=0.8),
}
REPAINT = WAYS["repaint"]


@pytest.fixture
def session(engine):
    """The engine's session with empty hands, as it was afterwards."""
    held = engine._session
    speed = held.speed
    held.caches.clear()
    held.kept.clear()
    yield held
    held.speed, held.speculation = speed, Speculation()


@pytest.fixture
def work(monkeypatch):
    """What was computed: names of the stages, in order."""
    seen = []

    def watch(module, name):
        original = getattr(module, name)

        def watched(*given, **told):
            seen.append(name)
            return original(*given, **told)

        monkeypatch.setattr(module, name, watched)

    watch(encoding, "encode_tile")
    watch(solving, "sample")
    watch(decoding, "decode")
    return seen


def _played(engine, request):
    port = Desk()
    return port, engine.run(request, port)


def _same(one, two):
    sounds = zip(one.sounds().values(), two.sounds().values(), strict=True)
    return all(np.array_equal(a, b) for a, b in sounds)


# -- preparing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_prepared_job_encodes_nothing_and_sounds_the_same(engine, session, work, way):
    plain, _ = _played(engine, WAYS[way])
    session.caches.clear()
    session.kept.clear()
    ahead = Desk()
    work.clear()
    engine.prepare(replace(WAYS[way], seed=99), ahead)
    assert "encode_tile" in work
    assert "sample" not in work
    assert ahead.chunks == []
    held = [len(c) for c in (session.caches.texts, session.caches.conditions, session.caches.cross)]
    work.clear()
    prepared, _ = _played(engine, WAYS[way])
    assert "encode_tile" not in work
    after = [
        len(c) for c in (session.caches.texts, session.caches.conditions, session.caches.cross)
    ]
    assert held == after
    assert min(held) >= 1
    assert _same(plain, prepared)


def test_levels_at_the_edges_are_measured_ahead(engine, session, work):
    engine.prepare(REPAINT, Desk())
    assert work.count("decode") == 2
    work.clear()
    port, _ = _played(engine, REPAINT)
    assert work.count("decode") == len([c for c in port.chunks if not c.provisional])


def test_a_preparation_gives_way_before_every_tile(engine, session, work):
    whole = Desk()
    engine.prepare(REPAINT, whole)
    tiles = work.count("encode_tile")
    assert tiles >= 2
    for at in range(1, whole.checks + 1):
        session.caches.clear()
        session.kept.clear()
        work.clear()
        port = Desk(cancel_at=at)
        with pytest.raises(Cancelled):
            engine.prepare(REPAINT, port)
        assert port.checks == at
        assert work.count("encode_tile") <= at
    # What it had done by then is in hand.
    work.clear()
    engine.prepare(REPAINT, Desk())
    assert work.count("encode_tile") == 0


# -- speculating ---------------------------------------------------------------------------------


def test_the_next_seed_is_there_at_once_and_the_same(engine, session, work):
    plain, told = _played(engine, replace(REPAINT, seed=8))
    session.speculation.clear()
    session.speed = Speed(speculate=True)
    _played(engine, REPAINT)
    engine.idle(Desk())
    work.clear()
    port, result = _played(engine, replace(REPAINT, seed=8))
    assert work == []
    assert _same(plain, port)
    assert result == told
    assert port.told[-1][0] == 1
    # And so on with the seed after that.
    engine.idle(Desk())
    work.clear()
    _played(engine, replace(REPAINT, seed=9))
    assert work == []


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 9},
        {"options": {"prompt": "cold pop"}},
        {"clip": music(12.0, seed=4)},
        {"key": "C minor"},
        {"spans": asked("repaint", CLIP, (4.0, 6.6)).spans},
    ],
)
def test_another_job_is_not_taken_for_it(engine, session, work, other):
    session.speed = Speed(speculate=True)
    _played(engine, REPAINT)
    engine.idle(Desk())
    work.clear()
    _played(engine, replace(REPAINT, **{"seed": 8, **other}))
    assert "sample" in work


def test_it_gives_way_within_a_step(engine, session, work):
    session.speed = Speed(speculate=True)
    _played(engine, REPAINT)
    port = Desk(cancel_at=5)
    with pytest.raises(Cancelled):
        engine.idle(port)
    assert port.checks == 5
    assert len(session.speculation) == 0


def test_it_is_done_only_where_wanted_and_after_what_may_be_repeated(engine, session, work):
    _played(engine, REPAINT)
    work.clear()
    engine.idle(Desk())
    assert work == []
    session.speed = Speed(speculate=True)
    _played(engine, WAYS["extend"])
    work.clear()
    engine.idle(Desk())
    assert work == []


@pytest.mark.parametrize(
    ("device", "wish", "battery", "wanted"),
    [
        ("cpu", "auto", False, False),
        ("cpu", "on", True, True),
        ("cuda:0", "auto", False, True),
        ("cuda:0", "auto", True, False),
        ("cuda:0", "off", False, False),
    ],
)
def test_speculation_follows_the_setting(monkeypatch, device, wish, battery, wanted):
    import torch

    monkeypatch.setattr("daemon.engines.acestep.speed.on_battery", lambda: battery)
    speed = speed_for(torch.device(device), {"PUNCHIN_ENGINE_SPECULATE": wish})
    assert speed.speculate is wanted
    assert speed.graphs is device.startswith("cuda")


def test_without_a_model_there_is_nothing_to_do_ahead():
    from daemon.engines.acestep import AceStepEngine

    empty = AceStepEngine()
    empty.prepare(REPAINT, Desk())
    empty.idle(Desk())
    assert performing.OPS.keys() >= empty.capabilities().prepares
