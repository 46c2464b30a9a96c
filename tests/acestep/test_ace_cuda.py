"""On a CUDA device: what a card does that a pretended one can't show. Skipped where there is none.

Times are printed, not held against anything: run with `-s`.
"""

import gc
import time

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music
from safetensors.torch import save_file

from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep import placement as placing
from daemon.engines.acestep.dit.attention import attend, fused_only
from daemon.engines.acestep.latents.lean import on_cuda, plain
from daemon.engines.acestep.models import folders
from daemon.engines.acestep.models.numbers import numbers_in
from daemon.engines.acestep.speed import Speed

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="NOT TESTED, this machine has no CUDA device"
)
CLIP = music(10.4)
CUDA = torch.device("cuda:0")
OPS = {
    "repaint": ((4.0, 6.0), {"strength": 0.6, "matching_eq": True}),
    "extend": ((10.4, 12.4), {}),
    "cover": ((0.0, 10.4), {"strength": 0.5}),
    "retake": ((0.0, 10.4), {}),
    "layer": ((0.0, 10.4), {"track": "drums", "steps": 4}),
    "stems": ((0.0, 10.4), {"stems": ("drums", "vocals"), "steps": 4}),
    "bgm": ((0.0, 10.4), {"ways": ("complete", "cover"), "steps": 4}),
    "generate": ((0.0, 10.4), {"prompt": "warm pop", "lyrics": "soft notes"}),
    "edit": ((4.0, 6.0), {"lyrics": "other words", "steps": 4}),
}


@pytest.fixture(autouse=True)
def _whole_device():
    yield
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1.0, 0)


@pytest.fixture
def loaded(monkeypatch):
    """`loaded(model, **settings)`: an engine on the first card."""

    usual = {"device": "cuda:0", "precision": "auto", "budget_gb": 0, "speculate": "auto"}
    usual["compile"] = False

    def load(model, **settings):
        for name, value in {**usual, **settings}.items():
            monkeypatch.setenv(f"PUNCHIN_ENGINE_{name.upper()}", str(value))
        engine = AceStepEngine()
        engine.load(str(model), Desk())
        return engine

    return load


def made(engine, seed=7, **options):
    port = Desk()
    engine.run(asked("repaint", CLIP, (4.0, 6.0), seed=seed, **options), port)
    return port.sounds()["region"]


def eager(engine, **options):
    """The same without captured steps, and with nothing in hand but what was encoded."""
    session = engine._session
    held, session.steps = session.steps, None
    try:
        return made(engine, **options)
    finally:
        session.steps = held


def off(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(other)


# -- placement and precision -----------------------------------------------------------------------


@pytest.mark.parametrize("op", OPS)
def test_every_op_runs_and_is_finite(loaded, tiny_models, op):
    span, options = OPS[op]
    port = Desk()
    loaded(tiny_models).run(asked(op, CLIP, span, **options), port)
    sounds = port.sounds()
    assert sounds
    assert all(np.isfinite(sound).all() and sound.any() for sound in sounds.values())


def test_float32_sounds_as_on_the_cpu(loaded, tiny_turbo):
    there = made(loaded(tiny_turbo, precision="float32"))
    here = made(loaded(tiny_turbo, device="cpu"))
    assert off(there, here) < 1e-2  # convolutions are in TF32


def test_auto_is_bfloat16_with_a_float32_vae(loaded, tiny_turbo):
    engine = loaded(tiny_turbo)
    session = engine._session
    assert session.shared.vae.encoder.conv1.weight.dtype == torch.float32
    assert session.shared.vae.encoder.conv1.weight.device == CUDA
    ampere = torch.cuda.get_device_capability(0) >= (8, 0) or torch.version.hip
    wanted = torch.bfloat16 if ampere else torch.float16
    assert session.checkpoint_for("repaint").transformer.dtype == wanted
    assert np.isfinite(made(engine)).all()


def test_a_half_vae_stays_below_what_is_heard(loaded, tiny_turbo):
    vae = loaded(tiny_turbo, precision="float32")._session.shared.vae
    weights = numbers_in(folders.recognise(tiny_turbo))
    resident = 2 * (weights.checkpoint + weights.text_encoder) + 4 * weights.vae
    budget = (resident + (placing.WORK + placing.SMALL_WORK) // 2) / 1e9
    session = loaded(tiny_turbo, budget_gb=budget)._session
    assert "VAE float16" in placing.describe(session.placement)
    own = torch.Generator().manual_seed(3)
    latents = torch.randn(1, 8, 50, generator=own).to(CUDA)
    with torch.inference_mode():
        exact, rough = vae.decoder(latents), session.shared.vae.decoder(latents.half())
    noise_db = 20 * float(((rough - exact).norm() / exact.norm()).log10())
    print(f"\nnoise of a VAE in float16: {noise_db:.1f} dB")
    assert rough.dtype == torch.float32
    assert noise_db < -50


def test_the_snake_is_one_kernel_and_computes_the_same():
    torch.cuda.set_device(CUDA)
    kernel = on_cuda(CUDA)
    own = torch.Generator().manual_seed(1)
    x = torch.randn(2, 4, 1000, generator=own).to(CUDA)
    rate, depth = (torch.rand(1, 4, 1, generator=own).to(CUDA) + 0.5 for _ in range(2))
    assert kernel is not plain
    assert torch.allclose(kernel(x, rate, depth), plain(x, rate, depth), atol=1e-5)
    # As behind a VAE in half precision: the output layer's numbers are of two widths.
    mixed = kernel(x, rate.half(), depth.half())
    assert mixed.dtype == torch.float32
    assert torch.allclose(mixed, plain(x, rate.half(), depth.half()), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("biased", [False, True])
def test_attention_is_fused_and_right(dtype, biased):
    if dtype == torch.bfloat16 and torch.cuda.get_device_capability(0) < (8, 0):
        pytest.skip("no fused kernel takes bfloat16 before Ampere")
    own = torch.Generator().manual_seed(2)
    query, key, value = (torch.randn(2, n, 48, 64, generator=own) for n in (8, 4, 4))
    bias = torch.zeros(1, 1, 48, 48).masked_fill_(torch.eye(48, dtype=torch.bool), -torch.inf)
    bias = bias if biased else None
    there = [None if t is None else t.to(CUDA, dtype) for t in (query, key, value, bias)]
    with fused_only(there[0]):
        assert torch.version.hip or not torch.backends.cuda.math_sdp_enabled()
        got = attend(*there).float().cpu()
    assert off(got.numpy(), attend(query, key, value, bias).numpy()) < 0.01


# -- captured steps --------------------------------------------------------------------------------


def test_a_captured_step_sounds_as_the_plain_one(loaded, tiny_turbo):
    engine = loaded(tiny_turbo, precision="float32")
    plainly = eager(engine)
    engine.prepare(asked("repaint", CLIP, (4.0, 6.0)), Desk())
    assert len(engine._session.steps) == 1
    replayed = made(engine)
    assert off(replayed, plainly) < 1e-3
    assert np.array_equal(made(engine), replayed)
    # Other words and another seed through the same graph.
    other = {"prompt": "cold strings", "lyrics": "one two three", "seed": 9}
    assert off(made(engine, **other), eager(engine, **other)) < 1e-3
    assert len(engine._session.steps) == 1


def test_captured_steps_of_several_lengths_do_not_disturb_each_other(loaded, tiny_turbo):
    engine = loaded(tiny_turbo, precision="float32", speculate="off")
    clip = music(70.0)

    def sound(end):
        port = Desk()
        engine.run(asked("repaint", clip[: end * 48_000], (4.0, 6.0)), port)
        return port.sounds()["region"]

    first = {end: sound(end) for end in (12, 20, 30, 60)}
    engine.idle(Desk())
    assert len(engine._session.steps) == 4
    for end in (60, 12, 30, 20, 12, 60):
        assert off(sound(end), first[end]) < 1e-3


def test_captured_steps_come_back_after_they_were_let_go(loaded, tiny_turbo):
    engine = loaded(tiny_turbo, precision="float32", speculate="off")
    before = made(engine)
    for _ in range(3):
        engine.idle(Desk())
        assert len(engine._session.steps) == 1
        assert off(made(engine), before) < 1e-3
        engine._session.steps.drop()
        assert off(made(engine), before) < 1e-3


def test_captures_leave_nothing_behind(loaded, tiny_turbo):
    engine = loaded(tiny_turbo, speculate="off")
    held = []
    for _ in range(12):
        made(engine)
        engine.idle(Desk())
        engine._session.steps.drop()
        gc.collect()
        torch.cuda.empty_cache()
        held.append(torch.cuda.memory_reserved(0))
    assert held[-1] <= held[2]


def _lora(path, weight, layer="transformer.layers.1.cross_attn.to_v"):
    own = torch.Generator().manual_seed(1)
    out, into = weight.shape
    halves = {"lora_A": torch.randn(4, into, generator=own),
              "lora_B": torch.randn(out, 4, generator=own)}  # fmt: skip
    save_file({f"{layer}.{name}.weight": half for name, half in halves.items()}, path)
    return f"{path}=1"


def test_a_lora_is_heard_through_a_captured_step_and_off_again_is_bit_exact(
    loaded, tiny_turbo, tmp_path
):
    engine = loaded(tiny_turbo)
    weight = engine._session.checkpoint_for("repaint").transformer.layers[1].cross_attn.to_v.weight
    before = weight.clone()
    lora = _lora(tmp_path / "x.safetensors", weight)
    made(engine)
    engine.idle(Desk())
    without = made(engine, seed=20)
    changed = made(engine, seed=20, lora=lora)
    assert off(changed, without) > 1e-3
    assert off(changed, eager(engine, seed=20, lora=lora)) < 0.05
    assert not torch.equal(weight, before)
    assert np.array_equal(made(engine, seed=20), without)
    assert torch.equal(weight, before)


def test_the_language_model_writes_the_same_by_a_captured_step(loaded, tiny_models):
    from daemon.engines.acestep import graphs
    from daemon.engines.acestep.lm import writing

    engine = loaded(tiny_models, precision="float32")
    language = engine._session.beside.language(1000)

    def written(capture):
        pen = writing.Pen(language, [language.ids("warm pop"), language.ids("a")], 40, capture)
        tokens = []
        for _ in range(32):
            tokens.append(int(pen.logits(slice(0, 500), 2.0).argmax()))
            pen.push(tokens[-1])
        return tokens, pen._again is not None

    captured, replays = written(None)
    assert replays
    assert written(graphs.as_it_is)[0] == captured


def test_a_compiled_step_sounds_as_the_plain_one(loaded, tiny_turbo, monkeypatch, tmp_path):
    pytest.importorskip("triton")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    engine = loaded(tiny_turbo, precision="float32", compile="True", speculate="off")
    plainly = eager(engine)
    made(engine)
    engine.idle(Desk())
    assert len(engine._session.steps) == 1
    assert off(made(engine), plainly) < 1e-2


# -- memory ----------------------------------------------------------------------------------------


def test_parts_that_take_turns_sound_the_same_and_go_home(loaded, tiny_turbo):
    resident = made(loaded(tiny_turbo, precision="float32"))
    weights = numbers_in(folders.recognise(tiny_turbo))
    budget = (placing.SMALL_WORK + 4 * weights.checkpoint + 1000) / 1e9
    engine = loaded(tiny_turbo, precision="float32", budget_gb=budget)
    assert engine._session.placement.offload
    assert off(made(engine), resident) < 1e-3
    for module in (engine._session.shared.vae, *[c.transformer for c in engine._session.loaded()]):
        assert {p.device.type for p in module.parameters()} == {"cpu"}


def test_the_allocator_refuses_what_goes_beyond_the_budget():
    total = torch.cuda.get_device_properties(CUDA).total_memory
    placing.keep_budget(
        placing.Placement(CUDA, torch.bfloat16, torch.float32, budget_bytes=total // 10)
    )
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(total // 5, dtype=torch.uint8, device=CUDA)
    placing.keep_budget(placing.Placement(CUDA, torch.bfloat16, torch.float32))
    assert torch.empty(total // 5, dtype=torch.uint8, device=CUDA).numel() == total // 5


def test_memory_that_ends_is_climbed_and_capturing_goes_on(loaded, tiny_turbo):
    engine = loaded(tiny_turbo, precision="float32", speculate="off")
    whole = made(engine)
    engine.idle(Desk())
    session = engine._session
    total = torch.cuda.get_device_properties(CUDA).total_memory
    gc.collect()
    torch.cuda.empty_cache()
    room = torch.cuda.memory_reserved(0) + (8 << 20)
    torch.cuda.set_per_process_memory_fraction(room / total, 0)
    session.caches.clear()
    session.own.clear()
    try:
        assert off(made(engine), whole) < 1e-2
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
        print(f"\nwith 8 MiB to work in: {session.ways}, {placing.describe(session.placement)}")
    assert off(made(engine, seed=8), eager(engine, seed=8)) < 1e-2


# -- times, of a model that is far too small to tell anything but whether something waits ----------


def test_times_are_printed(loaded, tiny_turbo):
    engine = loaded(tiny_turbo, speculate="off")
    session = engine._session

    def took(name, **options):
        torch.cuda.synchronize(CUDA)
        began = time.perf_counter()
        made(engine, **options)
        print(f"{name}: {1000 * (time.perf_counter() - began):.1f} ms")

    print()
    for mode in ("eager", "captured"):
        session.speed = Speed(graphs=mode == "captured")
        if mode == "eager":
            held, session.steps = session.steps, None
        else:
            session.steps = held
        took(f"{mode}, first", prompt=f"{mode} one")
        engine.idle(Desk())
        session.caches.clear()
        took(f"{mode}, cold", prompt=f"{mode} two")
        engine.prepare(asked("repaint", CLIP, (4.0, 6.0), prompt=f"{mode} three"), Desk())
        took(f"{mode}, prepared", prompt=f"{mode} three")
    assert len(session.steps) == 1
