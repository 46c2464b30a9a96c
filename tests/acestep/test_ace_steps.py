"""Steps of the transformer that were made ready: what they compute is what the plain step does.

Capturing itself takes a CUDA device; here a stand-in computes the captured step again, on the same
fixed places.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music

from daemon.engines.acestep import graphs
from daemon.engines.acestep.dit.conditions import Conditions
from daemon.engines.acestep.dit.forward import cross_of, null_of, velocity
from daemon.engines.acestep.dit.layout import layout
from daemon.engines.acestep.graphs import MOST_STEPS, TOKENS, Steps
from daemon.engines.base import Cancelled

CLIP = music(12.0)
REPAINT = asked("repaint", CLIP, (4.0, 6.5), prompt="warm pop")


class Recorder:
    """A capture that counts: what was captured, and how often it was computed again."""

    def __init__(self, fails=None):
        self.captured = self.again = self.tries = 0
        self.fails = fails

    def __call__(self, step):
        self.tries += 1
        if self.fails:
            raise self.fails
        self.captured += 1

        def again():
            self.again += 1
            return step()

        return again


@pytest.fixture
def session(engine):
    held = engine._session
    held.caches.clear()
    held.kept.clear()
    yield held
    held.steps = None
    held.caches.clear()


@pytest.fixture(scope="module")
def given(engine):
    """`given(tokens, frames, seed, guided)`: what a step of the base transformer takes."""
    checkpoint = engine._session.named("acestep-v15-base")
    dit = checkpoint.transformer
    layouts = {}

    def make(tokens=40, frames=100, seed=1, guided=False, padded=0):
        own = torch.Generator().manual_seed(seed)
        states = torch.randn(1, tokens, dit.config.hidden_size, generator=own)
        keep = torch.ones(1, tokens, dtype=torch.bool)
        keep[:, tokens - padded :] = False
        x = torch.randn(1, frames, checkpoint.channels, generator=own)
        context = torch.randn(1, frames, 2 * checkpoint.channels, generator=own)
        laid = layouts.setdefault(frames, layout(dit, frames))
        null = null_of(dit, checkpoint.condition_encoder.null_condition_emb) if guided else None
        return dit, x, context, cross_of(dit, Conditions(states, keep)), laid, null

    return make


def _run(run, given, t=0.6):
    dit, x, context, cross, laid, null = given
    return run(dit, x, t, context, cross, laid, null)


def _far(one, two):
    return float((one - two).norm() / one.norm())


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("padded", [0, 7])
def test_a_ready_step_computes_the_same(given, guided, padded):
    capture = Recorder()
    steps = Steps(capture)
    one = given(guided=guided, padded=padded)
    assert torch.equal(_run(steps.run, one), _run(velocity, one))
    assert capture.captured == 0
    steps.make_ready(lambda: None)
    assert capture.captured == 1
    # Other numbers of the same shape, fewer and more tokens, other times.
    for tokens, seed, t in ((40, 2, 0.9), (11, 3, 0.1), (TOKENS, 4, 1.0), (40, 2, 0.9)):
        other = given(tokens, seed=seed, guided=guided, padded=padded)
        assert _far(_run(velocity, other, t), _run(steps.run, other, t)) < 1e-5
    assert capture.captured == 1
    assert capture.again == 4


def test_lengths_of_a_bucket_share_a_step(given):
    dit, *_ = given()
    capture = Recorder()
    steps = Steps(capture)
    laid = [layout(dit, 100, valid) for valid in (60, 90)]
    for valid in laid:
        _, x, context, cross, _, null = given(frames=100)
        one = (dit, x, context, cross, valid, null)
        want = _run(velocity, one)[:, : valid.valid]
        assert _far(want, _run(steps.run, one)[:, : valid.valid]) < 1e-5
        steps.make_ready(lambda: None)
    assert (capture.captured, capture.again) == (1, 1)


def test_what_a_step_gave_stays_what_it_was(given):
    steps = Steps(Recorder())
    steps.want(*given(seed=1))
    steps.make_ready(lambda: None)
    first = _run(steps.run, given(seed=1))
    kept = first.clone()
    _run(steps.run, given(seed=2))
    assert torch.equal(first, kept)


@pytest.mark.parametrize("other", [{"frames": 110}, {"tokens": TOKENS + 1}, {"guided": True}])
def test_another_shape_is_another_step(given, other):
    capture = Recorder()
    steps = Steps(capture)
    steps.want(*given())
    steps.make_ready(lambda: None)
    _run(steps.run, given(**other))
    assert capture.again == 0
    steps.make_ready(lambda: None)
    assert len(steps) == 2


def test_only_so_many_are_kept(given):
    steps = Steps(Recorder())
    for number in range(MOST_STEPS + 3):
        steps.want(*given(frames=20 + 2 * number))
        steps.make_ready(lambda: None)
    assert len(steps) == MOST_STEPS
    steps.drop()
    assert len(steps) == 0


def test_no_memory_for_one_costs_them_all_and_nothing_else(given):
    capture = Recorder()
    steps = Steps(capture)
    steps.want(*given())
    steps.make_ready(lambda: None)
    capture.fails = torch.OutOfMemoryError("no memory for a graph")
    steps.want(*given(frames=60))
    steps.make_ready(lambda: None)
    assert len(steps) == 0
    one = given()
    assert torch.equal(_run(steps.run, one), _run(velocity, one))


def test_what_can_not_be_done_is_not_tried_again(given):
    capture = Recorder(fails=RuntimeError("operation not permitted when stream is capturing"))
    steps = Steps(capture)
    for seed in (1, 2):
        one = given(seed=seed)
        assert torch.equal(_run(steps.run, one), _run(velocity, one))
        steps.make_ready(lambda: None)
    assert capture.tries == 1


def test_a_compiler_keeps_what_it_made_in_the_home(monkeypatch, tmp_path):
    name = "TORCHINDUCTOR_CACHE_DIR"
    monkeypatch.setattr(graphs, "home", lambda: tmp_path)
    for told, kept in (
        (str(Path(tempfile.gettempdir()) / "torchinductor_me"), str(tmp_path / "compiled")),
        ("", str(tmp_path / "compiled")),
        (str(tmp_path / "mine"), str(tmp_path / "mine")),
    ):
        monkeypatch.setenv(name, told)
        graphs.compiled()
        assert os.environ[name] == kept


def test_making_ready_gives_way(given):
    def check():
        raise Cancelled

    steps = Steps(Recorder())
    steps.want(*given())
    with pytest.raises(Cancelled):
        steps.make_ready(check)
    steps.make_ready(lambda: None)
    assert len(steps) == 1


def test_weights_elsewhere_are_not_taken_for_those_that_were_captured(given):
    capture = Recorder()
    steps = Steps(capture)
    one = given()
    steps.want(*one)
    steps.make_ready(lambda: None)
    weight = one[0].condition_embedder.weight
    lay = weight.data
    weight.data = lay.clone()
    try:
        _run(steps.run, one)
    finally:
        weight.data = lay
    assert capture.again == 0
    steps.make_ready(lambda: None)
    assert len(steps) == 1


# -- in the engine -------------------------------------------------------------------------------


def _rms(samples):
    return np.sqrt(np.mean(samples**2))


def _played(engine, request):
    port = Desk()
    engine.run(request, port)
    return port.sounds()["region"]


def test_a_preparation_makes_its_step_ready(engine, session):
    plain = _played(engine, REPAINT)
    capture = Recorder()
    session.steps = Steps(capture)
    engine.prepare(REPAINT, Desk())
    assert capture.captured == 1
    ready = _played(engine, REPAINT)
    assert capture.again == 8
    assert _rms(plain - ready) < 1e-5 * _rms(plain)


def test_without_one_the_job_is_plain_and_its_step_made_ready_after_it(engine, session):
    plain = _played(engine, REPAINT)
    capture = Recorder()
    session.steps = Steps(capture)
    first = _played(engine, REPAINT)
    assert (capture.captured, capture.again) == (0, 0)
    assert _rms(plain - first) < 1e-5 * _rms(plain)  # run in a bucket
    engine.idle(Desk())
    assert capture.captured == 1
    _played(engine, replace(REPAINT, seed=8, options={"prompt": "cold pop"}))
    assert capture.again == 8


def test_where_parts_take_turns_nothing_is_captured(engine, session):
    capture = Recorder()
    session.steps = Steps(capture)
    placement = session.placement
    session.placement = replace(placement, offload=True)
    try:
        _played(engine, REPAINT)
        engine.idle(Desk())
    finally:
        session.placement = placement
    assert capture.captured == 0


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="NOT TESTED, CUDA graphs need a CUDA device"
)
def test_a_captured_graph_computes_the_same(given):
    device = torch.device("cuda")
    dit, x, context, cross, *_ = given()
    moved = torch.nn.Module.to(dit, device)
    try:
        there = layout(moved, x.shape[1])
        keys = type(cross)(cross.keys.to(device), cross.values.to(device), None)
        args = (moved, x.to(device), context.to(device), keys, there, None)
        steps = Steps(graphs.captured(device))
        steps.want(*args)
        steps.make_ready(lambda: None)
        assert len(steps) == 1
        assert _far(_run(velocity, args), _run(steps.run, args)) < 1e-3
    finally:
        torch.nn.Module.to(dit, "cpu")
