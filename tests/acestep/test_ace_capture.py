"""Capturing on a CUDA device that is pretended: what a capture forbids, and what outlives it.

A replay of a pretended graph computes its ops again on the places they were captured on, and
nothing else; see `pretended`.
"""

import gc

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music
from pretended import CUDA
from safetensors.torch import save_file

from daemon.engines.acestep import graphs
from daemon.engines.acestep.dit.conditions import Conditions
from daemon.engines.acestep.dit.forward import cross_of, null_of, velocity
from daemon.engines.acestep.dit.layout import layout
from daemon.engines.acestep.graphs import Steps, captured

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason="a CUDA device is here: test_ace_cuda takes the real one"
)
CLIP = music(6.0)


@pytest.fixture
def step(loaded, tiny_models):
    """`step(frames, tokens, seed, guided, valid)`: what a step of the base transformer takes."""
    session = loaded(tiny_models, precision="float32")._session
    checkpoint = session.named("acestep-v15-base")
    dit = checkpoint.transformer

    def make(frames=60, tokens=40, seed=1, guided=False, valid=None):
        own = torch.Generator().manual_seed(seed)

        def drawn(*shape):
            return torch.randn(*shape, generator=own).to(CUDA)

        keep = torch.ones(1, tokens, dtype=torch.bool, device=CUDA)
        cross = cross_of(dit, Conditions(drawn(1, tokens, dit.config.hidden_size), keep))
        null = null_of(dit, checkpoint.condition_encoder.null_condition_emb) if guided else None
        channels = checkpoint.channels
        x, context = drawn(1, frames, channels), drawn(1, frames, 2 * channels)
        return dit, x, context, cross, layout(dit, frames, valid), null

    return make


def _run(run, given, t):
    dit, x, *rest = given
    return run(dit, x, t, *rest).cpu()


def _off(one, other):
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize(
    "how", [{}, {"guided": True}, {"frames": 200, "valid": 150}], ids=["plain", "guided", "padded"]
)
def test_a_captured_step_depends_on_what_lies_in_its_places_alone(card, step, how):
    steps = Steps(captured(CUDA))
    steps.want(*step(**how))
    steps.make_ready(lambda: None)
    (graph,) = card.driver.graphs
    for tokens, seed, t in ((40, 2, 0.9), (11, 3, 0.1), (128, 4, 1.0)):
        other = step(tokens=tokens, seed=seed, **how)
        plain = _run(velocity, other, t)
        before = len(card.syncs)
        assert _off(_run(steps.run, other, t), plain) < 1e-5
        assert len(card.syncs) == before
    assert graph.replays == 3


def test_a_weight_that_changes_where_it_lies_counts_in_a_captured_step(card, step):
    steps, one = Steps(captured(CUDA)), step()
    steps.want(*one)
    steps.make_ready(lambda: None)
    before = _run(steps.run, one, 0.5)
    with torch.no_grad():
        one[0].layers[1].mlp.down_proj.weight.mul_(1.5)
    after = _run(steps.run, one, 0.5)
    assert card.driver.graphs[0].replays == 2
    assert _off(after, before) > 1e-3
    assert _off(after, _run(velocity, one, 0.5)) < 1e-5


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda x: x * float(x.sum()),
        lambda x: x * torch.ones(60, 8).to(CUDA),
        lambda x: x.cpu().to(CUDA),
        lambda x: x[x > 0],
        lambda x: x + torch.tensor([1.0], device=CUDA),
    ],
    ids=["a number", "sent", "fetched", "sized by value", "a tensor of Python's numbers"],
)
def test_the_pretended_capture_refuses_what_a_real_one_does(card, forbidden):
    x = torch.ones(60, 8, device=CUDA)
    with pytest.raises(RuntimeError, match="when stream is capturing"):
        captured(CUDA)(lambda: forbidden(x))
    assert captured(CUDA)(lambda: 2 * x)().cpu().sum() == 960


def test_everything_is_captured_on_one_stream_that_was_warm(card, step):
    first, second = Steps(captured(CUDA)), Steps(captured(CUDA))
    for steps, frames in ((first, 60), (first, 80), (second, 60)):
        steps.want(*step(frames=frames))
        steps.make_ready(lambda: None)
    made = card.driver.graphs
    assert len(made) == 3
    assert len({graph.stream for graph in made}) == 1
    assert 0 < made[0].warm < made[1].warm < made[2].warm
    assert {graph.mode for graph in made} == {"thread_local"}


def test_a_pool_lives_as_long_as_one_of_its_graphs(card, step):
    steps = Steps(captured(CUDA))
    for frames in (60, 80):
        steps.want(*step(frames=frames))
        steps.make_ready(lambda: None)
    steps.drop()
    card.driver.forget_graphs()
    gc.collect()
    steps.want(*step(frames=60))
    steps.make_ready(lambda: None)
    assert len(steps) == 1
    assert card.driver.pools_of_captures == [1, 1, 2]


def test_memory_that_ends_in_a_capture_does_not_end_capturing(card, step):
    steps = Steps(captured(CUDA))
    steps.want(*step())
    card.driver.at_capture = lambda: setattr(card, "limit_bytes", card.used_bytes)
    steps.make_ready(lambda: None)
    assert len(steps) == 0
    card.driver.at_capture = lambda: None
    card.limit_bytes = 1 << 40
    steps.want(*step())
    steps.make_ready(lambda: None)
    assert len(steps) == 1


def test_a_compiler_that_fails_leaves_the_plain_step_to_capture(card, step):
    def compiled(*given):
        raise RuntimeError("Cannot find a working triton installation")

    steps = Steps(captured(CUDA), compiled)
    one = step()
    steps.want(*one)
    steps.make_ready(lambda: None)
    assert len(steps) == 1
    assert _off(_run(steps.run, one, 0.4), _run(velocity, one, 0.4)) < 1e-5


# -- in the engine -------------------------------------------------------------------------------


def _region(engine, **options):
    port = Desk()
    engine.run(asked("repaint", CLIP, (2.0, 3.6), steps=3, **options), port)
    return port.sounds()["region"]


def _far(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(other)


def test_a_prepared_job_replays_and_sounds_as_on_the_cpu(card, loaded, engine, tiny_turbo):
    there = loaded(tiny_turbo, precision="float32")
    there.prepare(asked("repaint", CLIP, (2.0, 3.6), steps=3), Desk())
    assert len(card.driver.graphs) == 1
    assert _far(_region(there), _region(engine)) < 1e-3
    assert card.driver.graphs[0].replays == 3


def test_a_lora_put_on_after_the_capture_is_heard(card, loaded, tiny_turbo, tmp_path):
    there = loaded(tiny_turbo, precision="float32")
    weight = there._session.checkpoint_for("repaint").transformer.layers[1].cross_attn.to_v.weight
    own = torch.Generator().manual_seed(1)
    layer = "transformer.layers.1.cross_attn.to_v"
    halves = {"lora_A": torch.randn(4, weight.shape[1], generator=own),
              "lora_B": torch.randn(weight.shape[0], 4, generator=own)}  # fmt: skip
    path = tmp_path / "x.safetensors"
    save_file({f"{layer}.{name}.weight": half for name, half in halves.items()}, path)
    plain = _region(there)
    there.idle(Desk())
    lora = {"lora": f"{path}=1"}
    replayed = _region(there, **lora)
    assert card.driver.graphs[0].replays >= 3
    assert _far(replayed, plain) > 1e-3
    there._session.steps = None
    assert _far(_region(there, **lora), replayed) < 1e-3


def test_the_language_model_writes_the_same_by_a_captured_step(
    card, loaded, tiny_models, tiny_turbo, monkeypatch
):
    from daemon.engines.acestep.lm import writing

    there = loaded(tiny_models, precision="float32")
    language = there._session.beside.language(1000)

    def written(capture):
        pen = writing.Pen(language, [language.ids("warm pop"), language.ids("a")], 12, capture)
        tokens = []
        for _ in range(10):
            tokens.append(int(pen.logits(slice(0, 500), 2.0).argmax()))
            pen.push(tokens[-1])
        return tokens, pen._again is not None

    captured_ones, replays = written(None)
    assert replays
    assert written(graphs.as_it_is)[0] == captured_ones
    assert card.driver.graphs[0].replays >= 8
