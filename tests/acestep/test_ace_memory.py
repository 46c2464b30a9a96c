"""Memory over many jobs: what is held is bounded, and nothing else stays."""

import contextlib
import gc
from dataclasses import replace

import psutil
import pytest
import torch
from ace_desk import Desk, asked, music

from daemon.engines.acestep import performing
from daemon.engines.acestep.cache import MIB, Cache, caches
from daemon.engines.acestep.latents.own import Own
from daemon.engines.acestep.speculate import Speculation
from daemon.engines.acestep.speed import Speed
from daemon.engines.base import Cancelled

JOBS, WARM = 200, 60
HELD = MIB // 2
GROWTH = 48 * MIB
"""What the allocator may keep of 140 jobs: one job's working memory, and by far not 140."""
CLIPS = [music(5.0, seed) for seed in range(4)]


@pytest.fixture
def session(engine):
    """The engine's session with small hands, so that they are full long before the last job."""
    held = engine._session
    names = ("caches", "kept", "own", "speed", "speculation")
    before = {name: getattr(held, name) for name in names}
    held.caches, held.kept = caches(HELD), Cache(HELD)
    held.own, held.speculation = Own(HELD), Speculation(HELD)
    held.speed = Speed(speculate=True)
    yield held
    for name, value in before.items():
        setattr(held, name, value)


def _job(number):
    """One of many: another clip, prompt, place and seed each time."""
    start = 1.0 + 0.1 * (number % 11)
    return replace(
        asked("repaint", CLIPS[number % 4], (start, start + 1.0), prompt=f"song {number}", steps=1),
        seed=number,
        take=1 + (number % 5 == 1),
        later_seeds=(number + 1,) if number % 5 == 1 else (),
    )


def _one(session, number):
    """Run a job; some are cancelled, some prepared, some made ahead of the next."""
    if number % 7 == 3:
        performing.prepare(session, _job(number), Desk())
    with contextlib.suppress(Cancelled):
        performing.perform(session, _job(number), Desk(4 if number % 9 == 5 else None))
    if number % 20 == 8:
        performing.idle(session, Desk())


def _tensors():
    gc.collect()
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def test_it_does_not_grow_over_two_hundred_jobs(session):
    for number in range(WARM):
        _one(session, number)
    tensors, rss = _tensors(), psutil.Process().memory_info().rss
    for number in range(WARM, JOBS):
        _one(session, number)
    assert session.caches.held_bytes <= HELD
    assert session.kept.held_bytes <= HELD
    assert _tensors() < tensors + 100
    assert psutil.Process().memory_info().rss - rss < GROWTH
