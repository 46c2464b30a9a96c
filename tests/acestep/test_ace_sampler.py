"""What the own sampler promises beyond the stock pipeline."""

import copy
from dataclasses import replace

import oracle
import pytest
import tiny
import torch
from diffusers import AceStepTransformer1DModel
from torch.nn.functional import pad
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from daemon.engines.acestep.dit.conditions import Conditions
from daemon.engines.acestep.dit.context import hole, new_frames
from daemon.engines.acestep.dit.forward import cross_of, velocity
from daemon.engines.acestep.dit.layout import layout
from daemon.engines.acestep.dit.sampler import Problem, blend, dit_of, sample
from daemon.engines.acestep.dit.schedule import schedule

NEAR = 1e-5
FRAMES = 150
NEW = (60, 95)


@pytest.fixture(scope="module")
def turbo(tiny_turbo, pipeline):
    return oracle.parts_of(pipeline(tiny_turbo), "turbo")


@pytest.fixture(scope="module")
def base(tiny_base, pipeline):
    shared, checkpoint = oracle.parts_of(pipeline(tiny_base), "base")
    return shared, replace(checkpoint, steps=6)


@pytest.fixture(scope="module", params=["turbo", "base"])
def either(request):
    return request.getfixturevalue(request.param)


def repaint(models, takes=1, frames=FRAMES, seed=5, **more):
    """A repaint of random latents with everything outside NEW held."""
    shared, checkpoint = models
    own = torch.Generator().manual_seed(seed)
    source = torch.randn(frames, 8, generator=own)
    noise = torch.randn(takes, frames, 8, generator=own)
    keep = torch.ones(frames, dtype=torch.bool)
    keep[slice(*NEW)] = False
    held = {"keep": keep, "source": source, **more}
    return oracle.problem_for(shared, checkpoint, "repaint", frames / 25, noise, source, **held)


def solved(models, problem, on_step=None):
    return sample(dit_of(models[1]), problem, on_step)


def states(models, problem):
    """x at the beginning of every step, with its time."""
    seen = []
    solved(models, problem, lambda i, t, x, v: seen.append((t, x.clone())))
    return seen


def test_kept_latents_are_the_source(either):
    problem = repaint(either, takes=2)
    got = solved(either, problem)
    assert torch.equal(got[:, problem.keep], problem.source[problem.keep].expand(2, -1, -1))
    assert oracle.apart(got[:, ~problem.keep], problem.source[~problem.keep]) > 0.1


def test_what_is_kept_stays_on_its_path_and_moves_what_is_new(turbo):
    problem = repaint(turbo)
    for t, x in states(turbo, problem):
        want = blend(problem.source, problem.noise, t)
        assert torch.allclose(x[:, problem.keep], want[:, problem.keep], atol=1e-6)
    free = solved(turbo, replace(problem, keep=None))
    assert oracle.apart(free[:, ~problem.keep], solved(turbo, problem)[:, ~problem.keep]) > 1e-3


@pytest.mark.parametrize(("hold", "held"), [(0.0, 0), (0.5, 4), (1.0, 8)])
def test_hold_releases_the_last_steps_but_not_the_result(turbo, hold, held):
    problem = repaint(turbo, hold=hold)
    kept = problem.keep
    on_path = [
        torch.allclose(x[:, kept], blend(problem.source, problem.noise, t)[:, kept], atol=1e-6)
        for t, x in states(turbo, problem)
    ]
    assert on_path == [i <= held for i in range(8)]
    assert torch.equal(solved(turbo, problem)[0, kept], problem.source[kept])


@pytest.mark.parametrize("strength", [0.3, 0.75])
def test_a_late_start_is_the_source_noised_to_that_time(turbo, strength):
    times = schedule(8, 3.0, strength)
    problem = repaint(turbo, schedule=times)
    seen = states(turbo, problem)
    assert [t for t, _ in seen] == list(times)
    assert times[0] == strength
    assert torch.allclose(seen[0][1], blend(problem.source, problem.noise, strength))


def test_a_smaller_strength_stays_nearer_to_the_source(turbo):
    far = [
        oracle.apart(
            solved(turbo, repaint(turbo, schedule=schedule(8, 3.0, s)))[0], repaint(turbo).source
        )
        for s in (0.1, 0.4, 0.8)
    ]
    assert far == sorted(far)


@pytest.mark.parametrize("more", [10, 48, 250])
def test_a_padded_bucket_equals_the_exact_length(either, more):
    problem = repaint(either, takes=2)
    padded = problem.padded(FRAMES + more)
    got, want = solved(either, padded), solved(either, problem)
    assert got.shape == want.shape
    assert oracle.apart(got, want) <= NEAR
    junk = replace(
        padded,
        context=torch.cat((problem.context, torch.full((1, more, 16), 7.0)), 1),
        noise=torch.cat((problem.noise, torch.full((2, more, 8), -3.0)), 1),
    )
    assert torch.equal(solved(either, junk), got), "padding was heard"


@pytest.mark.parametrize("frames", [FRAMES, 96, 30])
def test_one_place_for_masks_serves_all_lengths_of_a_bucket(turbo, frames):
    """As a captured graph has it: what it was captured with is written over."""
    transformer = turbo[1].transformer
    fixed = layout(transformer, 200, 60).room()

    def replayed(transformer, x, t, context, cross, laid, null=None):
        fixed.take(laid)
        return velocity(transformer, x, t, context, cross, fixed, null)

    problem = repaint(turbo, frames=frames) if frames > NEW[1] else short(turbo, frames)
    dit = replace(dit_of(turbo[1]), run=replayed, bucket=lambda n: 200)
    assert oracle.apart(sample(dit, problem), solved(turbo, problem)) <= NEAR


def short(models, frames):
    problem = repaint(models)
    cut = {name: getattr(problem, name)[:, :frames] for name in ("context", "noise")}
    return replace(problem, keep=None, source=problem.source[:frames], **cut)


def test_a_length_that_ends_inside_a_token_is_not_padded(turbo):
    problem = short(turbo, 31)
    dit = replace(dit_of(turbo[1]), bucket=lambda n: 200)
    assert torch.equal(sample(dit, problem), solved(turbo, problem))


@pytest.mark.parametrize("more", [1, 13])
def test_padded_condition_tokens_are_not_heard(either, more):
    problem = repaint(either)
    states, keep = problem.conditions.states, problem.conditions.keep
    conditions = Conditions(pad(states, (0, 0, 0, more), value=5.0), pad(keep, (0, more)))
    got = solved(either, replace(problem, conditions=conditions))
    assert oracle.apart(got, solved(either, problem)) <= NEAR


def test_a_take_of_a_batch_is_the_take_alone(either):
    problem = repaint(either, takes=3)
    together = solved(either, problem)
    for k in range(3):
        alone = solved(either, replace(problem, noise=problem.noise[k : k + 1]))
        assert oracle.apart(together[k], alone[0]) <= NEAR
    assert oracle.apart(together[1], together[0]) > 1e-2


def test_cached_keys_and_values_change_nothing(either):
    _, checkpoint = either
    problem = repaint(either)
    made = []

    def remembered(transformer, conditions):
        if not made:
            made.append(cross_of(transformer, conditions))
        return made[0]

    dit = replace(dit_of(checkpoint), cross=remembered)
    first, second = sample(dit, problem), sample(dit, problem)
    assert torch.equal(first, second)
    assert torch.equal(first, solved(either, problem))


def test_an_extension_is_a_repaint_of_the_padded_clip(turbo, tiny_turbo, pipeline):
    pipe = pipeline(tiny_turbo)
    shared, checkpoint = turbo
    clip = oracle.audio(4.0)
    padded = torch.cat((clip, torch.zeros(2, 2 * 48_000)), 1)
    noise = oracle.noise_for(pipe, 1, 150)
    want = oracle.stock(
        pipe, checkpoint, "repaint", 6.0, noise, padded, repainting_start=3.6, repainting_end=6.0
    )
    latents = oracle.latents_of(pipe, padded)
    context = hole(checkpoint, latents, new_frames(150, [(90, 150)]))
    got = oracle.own(shared, checkpoint, "repaint", 6.0, noise, latents, context=context)
    assert oracle.apart(got, want) <= NEAR


def test_nothing_given_is_written_to_and_nothing_remembered(either):
    problem = repaint(either)
    before = [x.clone() for x in (problem.context, problem.noise, problem.source)]
    first = solved(either, problem)
    assert torch.equal(first, solved(either, problem))
    for was, now in zip(before, (problem.context, problem.noise, problem.source), strict=True):
        assert torch.equal(was, now)
    assert first.dtype == torch.float32


def test_a_cancel_ends_the_sampling_at_that_step(turbo):
    class Stop(Exception):
        pass

    calls = []

    def on_step(i, t, x, v):
        calls.append(i)
        if i == 2:
            raise Stop

    with pytest.raises(Stop):
        solved(turbo, repaint(turbo), on_step)
    assert calls == [0, 1, 2]


def test_what_is_foreseen_is_the_result_at_the_last_step(turbo):
    problem = replace(repaint(turbo), keep=None)
    foreseen = []
    got = solved(turbo, problem, lambda i, t, x, v: foreseen.append(x - t * v))
    assert torch.allclose(foreseen[-1], got, atol=1e-6)


@pytest.mark.parametrize("frames", [20, 25, 26, 27, 96, 97, 150, 200])
def test_the_forward_pass_is_the_modules_own(turbo, frames):
    """Around the lengths too where masks come (over 13 tokens) and blocks (over 48)."""
    _, checkpoint = turbo
    problem = repaint(turbo, frames=200)
    x, context = problem.noise[:, :frames], problem.context[:, :frames]
    t = torch.tensor([0.7])
    want = checkpoint.transformer(x, t, t, problem.conditions.states, context, return_dict=False)[
        0
    ].detach()
    cross = cross_of(checkpoint.transformer, problem.conditions)
    laid = layout(checkpoint.transformer, frames)
    got = velocity(checkpoint.transformer, x, 0.7, context, cross, laid)
    assert oracle.apart(got, want) <= 0.3 * NEAR


def test_the_time_may_be_a_tensor(turbo):
    """As a captured graph needs it."""
    transformer = turbo[1].transformer
    problem = repaint(turbo)
    given = problem.context, cross_of(transformer, problem.conditions), layout(transformer, FRAMES)
    got = velocity(transformer, problem.noise, torch.tensor([0.3]), *given)
    assert torch.equal(got, velocity(transformer, problem.noise, 0.3, *given))


def test_masks_are_no_larger_than_they_must_be(turbo):
    transformer = turbo[1].transformer
    short, middle, long = (layout(transformer, frames) for frames in (26, 28, 400))
    assert short.sliding is None
    assert middle.sliding.shape == (1, 1, 14, 14)
    assert long.sliding is None
    assert long.near.shape == (17, 1, 12, 36)
    assert short.full is middle.full is long.full is None
    for mask in (*middle.masks, *middle.room().masks, *layout(transformer, 90, 60).masks):
        assert all(stride % 8 == 0 for stride in mask.stride()[:-1]), "copied by a CUDA kernel"


def test_half_precision_is_as_near_as_the_stock_forward_pass(turbo):
    """bfloat16 weights: rounding differs, its size does not."""
    _, checkpoint = turbo
    problem = repaint(turbo)
    t = torch.tensor([0.6])
    states, context = problem.conditions.states, problem.context
    exact = checkpoint.transformer(problem.noise, t, t, states, context).sample.detach()
    half = copy.deepcopy(checkpoint.transformer).to(torch.bfloat16)
    low = [x.to(torch.bfloat16) for x in (problem.noise, t, t, states, context)]
    stock = half(*low).sample.detach().float()
    laid = layout(half, FRAMES)
    got = velocity(half, problem.noise, 0.6, context, cross_of(half, problem.conditions), laid)
    assert got.dtype == torch.float32
    spread = (stock - exact).square().mean().sqrt()
    assert (got - exact).square().mean().sqrt() <= 1.2 * spread


@pytest.mark.parametrize(
    "broken",
    [
        {"source": None},
        {"source": None, "keep": None, "schedule": (0.5,)},
        {"schedule": (0.5, 0.5)},
        {"context": torch.zeros(1, 20, 16)},
    ],
)
def test_a_problem_that_makes_no_sense_is_refused(turbo, broken):
    problem = repaint(turbo)
    with pytest.raises(AssertionError):
        replace(problem, **broken)
    assert isinstance(problem, Problem)


class OneDevice(TorchDispatchMode):
    """Fails where devices are mixed, or where a value is waited for."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        flat = [x for x in tree_leaves(args) if isinstance(x, torch.Tensor)]
        assert len({x.device.type for x in flat if x.ndim}) <= 1, func
        if func is torch.ops.aten._local_scalar_dense.default:
            assert flat[0].device.type == "cpu", "a step waits"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("bucket", [FRAMES, 200])
def test_everything_is_moved_to_the_device_and_no_step_waits_for_it(base, bucket):
    """On a device without memory, since CUDA is at hand only here and there."""
    problem = repaint(base, takes=2)
    away = copy.deepcopy(base[1].transformer).to("meta")
    null = base[1].condition_encoder.null_condition_emb
    dit = replace(dit_of(base[1]), transformer=away, null_condition=null, bucket=lambda n: bucket)
    conditions = replace(problem.conditions, states=problem.conditions.states.to("meta"))
    with OneDevice():
        got = sample(dit, replace(problem, conditions=conditions))
    assert got.device.type == "meta"
    assert got.shape == problem.noise.shape


def test_cuda_takes_no_slow_kernel(turbo):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device: attention kernels not checked")
    problem = repaint(turbo)
    transformer = copy.deepcopy(turbo[1].transformer).to("cuda", torch.bfloat16)
    checkpoint = replace(turbo[1], transformer=transformer)
    got = sample(dit_of(checkpoint), problem.padded(200))
    assert torch.isfinite(got).all()


def test_a_transformer_wider_than_its_conditions():
    """As the XL checkpoints have it: other widths inside, and heads that are wider than those."""
    widths = {"hidden_size": 48, "intermediate_size": 64, "encoder_hidden_size": 32}
    heads = {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 16}
    latents = {"in_channels": 12, "audio_acoustic_hidden_dim": 4}
    layers = {"num_hidden_layers": 3, "sliding_window": 6}
    transformer = tiny.seeded(
        4, lambda: AceStepTransformer1DModel(**widths, **heads, **latents, **layers)
    )
    own = torch.Generator().manual_seed(1)
    x, context = (torch.randn(2, 60, width, generator=own) for width in (4, 8))
    states = torch.randn(1, 9, 32, generator=own)
    t = torch.tensor([0.4, 0.4])
    with torch.no_grad():
        want = transformer(x, t, t, states.expand(2, -1, -1), context).sample
    cross = cross_of(transformer, Conditions(states, torch.ones(1, 9, dtype=torch.bool)))
    got = velocity(transformer, x, 0.4, context, cross, layout(transformer, 60))
    assert oracle.apart(got, want) <= NEAR
