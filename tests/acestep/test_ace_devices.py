"""Every op on a CUDA device that is pretended: nothing of the CPU meets anything of the device.

See `pretended`. In float32 the numbers are the CPU's own, so the results are held against it.
"""

import gc
from dataclasses import replace

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music
from pretended import CUDA, Card, Event, OnCard, standing_in
from safetensors.torch import save_file

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep import performing
from daemon.engines.acestep import placement as placing
from daemon.engines.acestep.cache import bytes_of
from daemon.engines.acestep.dit.attention import FUSED, attend, fused_only
from daemon.engines.acestep.dit.pace import pace_of
from daemon.engines.acestep.finite import made_finite
from daemon.engines.acestep.ladder import do_less_at_once
from daemon.engines.acestep.memory import is_out_of_memory
from daemon.engines.acestep.models import folders
from daemon.engines.acestep.models.numbers import numbers_in
from daemon.engines.acestep.solving import Ways, ways_for
from daemon.engines.acestep.speed import Speed

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason="a CUDA device is here: test_ace_cuda takes the real one"
)
CLIP = music(6.0)
REPAINT = ("repaint", (2.0, 3.6))
OPS = {
    "repaint": (REPAINT, {"prompt": "warm pop", "lyrics": "[verse] soft notes", "steps": 3}),
    "strength": (REPAINT, {"strength": 0.6, "matching_eq": True, "steps": 3}),
    "extend": (("extend", (6.0, 7.6)), {"steps": 3}),
    "generate": (("generate", (0.0, 6.0)), {"lyrics": "soft notes", "steps": 3}),
    "cover": (("cover", (0.0, 6.0)), {"strength": 0.5, "steps": 3}),
    "retake": (("retake", (0.0, 6.0)), {"steps": 3}),
    "edit": (("edit", (2.0, 3.6)), {"lyrics": "other words", "steps": 3}),
    "layer": (("layer", (0.0, 6.0)), {"track": "drums", "steps": 3}),
    "stems": (("stems", (0.0, 6.0)), {"stems": ("drums", "vocals"), "steps": 3}),
    "complete": (("bgm", (0.0, 6.0)), {"ways": ("complete",), "steps": 3}),
    "lego": (("bgm", (0.0, 6.0)), {"ways": ("layer",), "steps": 2, "stems": "drums,bass"}),
    "bgm cover": (("bgm", (0.0, 6.0)), {"ways": ("cover",), "steps": 3}),
    "analyze": (("analyze", (0.0, 6.0)), {}),
}


def _played(engine, what, seed=7, later=(), **options):
    port = Desk()
    engine.run(asked(what[0], CLIP, what[1], seed=seed, later=later, **options), port)
    return port.sounds()


def _region(engine, steps=2, **options):
    return _played(engine, REPAINT, steps=steps, **options)["region"]


def _off(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(other)


@pytest.mark.parametrize("name", OPS)
def test_every_op_gives_what_the_cpu_gives(loaded, card, engine, tiny_models, name):
    what, options = OPS[name]
    there = _played(loaded(tiny_models, precision="float32"), what, **options)
    if name not in ("generate", "edit", "analyze"):  # there the other engine has a language model
        here = _played(engine, what, **options)
        assert there.keys() == here.keys()
        assert all(_off(there[role], here[role]) < 1e-3 for role in here)
    assert all(np.isfinite(sound).all() for sound in there.values())
    assert card.most_bytes > 0


def test_in_mixed_precision_every_part_gets_what_it_computes_in(loaded, card, engine, tiny_models):
    there = loaded(tiny_models)
    session = there._session
    session.open(session.found[0])
    assert placing.describe(session.placement) == "cuda:0, bfloat16, VAE float32"
    parts = (session.shared.vae, session.shared.text_encoder, *(
        module for checkpoint in session.loaded() for module in checkpoint.modules
    ))  # fmt: skip
    for module in parts:
        assert all(isinstance(t, OnCard) for t in (*module.parameters(), *module.buffers()))
    assert _off(_region(there, prompt="a"), _region(engine, prompt="a")) < 0.2
    _played(there, *OPS["complete"][:1], **OPS["complete"][1])


def test_a_half_vae_with_its_output_in_float32(loaded, card, engine, tiny_turbo):
    there = loaded(tiny_turbo)
    vae, latents = there._session.shared.vae, torch.randn(1, 8, 20, device=CUDA)
    # Not enough for the work beside a VAE in float32.
    card.limit_bytes = card.used_bytes + (placing.SMALL_WORK + placing.WORK) // 2
    small = loaded(tiny_turbo)._session
    assert "VAE float16" in placing.describe(small.placement)
    assert small.shared.vae.decoder.conv1.weight.dtype == torch.float16
    assert small.shared.vae.decoder.conv2.weight.dtype == torch.float32
    exact = vae.decoder(latents)
    rough = small.shared.vae.decoder(latents.half())
    assert rough.dtype == torch.float32
    assert 0 < float((rough - exact).norm() / exact.norm()) < 0.01


def test_takes_of_a_job_are_one_batch(loaded, engine, tiny_turbo):
    there = loaded(tiny_turbo, precision="float32")
    for take, seed in ((1, 7), (2, 8)):
        port, here = Desk(), Desk()
        request = asked("repaint", CLIP, REPAINT[1], seed=seed, later=(9,), steps=3)
        request = replace(request, take=take)
        there.run(request, port)
        engine.run(request, here)
        assert _off(port.sounds()["region"], here.sounds()["region"]) < 1e-3


def test_a_glance_half_way_comes_from_the_device(loaded, tiny_turbo):
    there = loaded(tiny_turbo)
    times = iter(float(n) for n in range(1000))
    there._session.ways = Ways(clock=lambda: 10 * next(times))
    port = Desk()
    there.run(asked("retake", CLIP, (0.0, 6.0)), port)
    assert any(chunk.provisional for chunk in port.chunks)


def test_the_next_seed_is_made_ahead(loaded, tiny_turbo):
    there = loaded(tiny_turbo, precision="float32")
    there._session.speed = Speed(speculate=True, graphs=True)
    _region(there, seed=7)
    there.idle(Desk())
    ahead = _region(there, seed=8)
    there._session.speculation.clear()
    assert np.array_equal(_region(there, seed=8), ahead)


def _lora(path, weight, layer="transformer.layers.1.cross_attn.to_v"):
    own = torch.Generator().manual_seed(1)
    out, into = weight.shape
    halves = {"lora_A": torch.randn(4, into, generator=own),
              "lora_B": torch.randn(out, 4, generator=own)}  # fmt: skip
    save_file({f"{layer}.{name}.weight": half for name, half in halves.items()}, path)
    return path


def test_a_lora_is_taken_on_and_off_on_the_device(loaded, tiny_turbo, tmp_path):
    there = loaded(tiny_turbo, precision="float32")
    weight = there._session.checkpoint_for("repaint").transformer.layers[1].cross_attn.to_v.weight
    before, plain = weight.clone(), _region(there)
    path = _lora(tmp_path / "x.safetensors", weight)
    assert _off(_region(there, lora=f"{path}=1"), plain) > 1e-3
    assert np.array_equal(_region(there), plain)
    assert bool((weight == before).all())


def test_parts_that_take_turns_leave_room_and_sound_the_same(loaded, card, tiny_turbo):
    there = _region(loaded(tiny_turbo, precision="float32"))
    gc.collect()
    held, weights = card.used_bytes, numbers_in(folders.recognise(tiny_turbo))
    budget = (placing.SMALL_WORK + 4 * weights.checkpoint + 1000) / 1e9
    turns = loaded(tiny_turbo, precision="float32", budget_gb=budget)
    assert turns._session.placement.offload
    assert card.driver.fractions[-1][0] == pytest.approx(budget * 1e9 / card.limit_bytes, rel=1e-6)
    assert card.used_bytes == held
    assert _off(_region(turns), there) < 1e-3
    modules = [turns._session.shared.vae, *turns._session.loaded()[0].modules]
    assert {t.device.type for module in modules for t in module.parameters()} == {"cpu"}


def test_memory_that_ends_is_climbed_until_parts_take_turns(loaded, card, tiny_turbo):
    small = loaded(tiny_turbo, precision="float32")
    weights = bytes_of([*small._session.loaded()[0].transformer.parameters()])
    do_less_at_once(small._session)
    card.most_bytes = 0
    whole, most = _region(small), card.most_bytes
    del small
    gc.collect()
    there = loaded(tiny_turbo, precision="float32")
    card.limit_bytes = most - weights // 2
    assert _off(_region(there), whole) < 0.02
    assert there._session.placement.offload
    card.limit_bytes = 1 << 18
    with pytest.raises(PunchinError) as caught:
        _region(there, prompt="new")
    assert caught.value.code == 304
    card.limit_bytes = 1 << 30
    assert np.isfinite(_region(there, prompt="new")).all()


def test_what_is_no_number_is_computed_again_in_float32_if_memory_holds_it(card):
    layer = torch.nn.Linear(4, 1, bias=False).to(CUDA, torch.float16)
    layer.weight.data.fill_(60_000.0)

    def make():
        return layer(torch.ones(1, 4, device=CUDA, dtype=layer.weight.dtype))

    with torch.no_grad():
        made = made_finite(make, lambda made: made, [layer], "it")
        assert (made.dtype, float(made)) == (torch.float32, 240_000.0)
        assert layer.weight.dtype == torch.float16
        card.limit_bytes = card.used_bytes + 28
        with pytest.raises(PunchinError) as caught:
            made_finite(make, lambda made: made, [layer], "it")
    assert caught.value.code == 307


# -- the device itself ---------------------------------------------------------------------------


def test_a_load_takes_the_device_for_its_thread(loaded, card, tiny_turbo):
    held = torch.backends.cuda.cudnn_sdp_enabled()
    try:
        loaded(tiny_turbo)
        assert card.driver.devices == [CUDA]
        assert not torch.backends.cuda.cudnn_sdp_enabled()
    finally:
        torch.backends.cuda.enable_cudnn_sdp(held)


def test_a_device_that_answers_no_more_takes_the_worker_with_it(loaded, tiny_turbo, monkeypatch):
    there = loaded(tiny_turbo)

    def fails(*given):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setitem(performing.OPS, "repaint", fails)
    with pytest.raises(RuntimeError, match="illegal"):
        _region(there)
    monkeypatch.setattr(torch.cuda, "synchronize", fails)
    with pytest.raises(SystemExit):
        _region(there)


def test_a_card_that_does_not_answer_is_passed_over(card, monkeypatch, caplog):
    def busy(number):
        raise RuntimeError("CUDA-capable device(s) is/are busy or unavailable\nmore")

    monkeypatch.setattr(torch.cuda, "mem_get_info", busy)
    assert list(placing.machine().free_bytes) == ["cpu"]
    assert "busy or unavailable" in caplog.text


def test_the_host_is_one_step_ahead_and_no_more(loaded, tiny_turbo):
    there = loaded(tiny_turbo)
    before = Event.waited
    _region(there, steps=8)
    assert Event.waited - before == 7  # for all of eight steps but the last
    assert pace_of(torch.device("cpu"))() is None


@pytest.mark.parametrize(
    ("flash", "capability", "dtype", "biased", "heads"),
    [
        (True, (9, 0), torch.bfloat16, False, 2),
        (True, (9, 0), torch.bfloat16, True, 4),
        (True, (9, 0), torch.float32, False, 4),
        (True, (7, 5), torch.float16, False, 4),
        (False, (9, 0), torch.bfloat16, False, 4),  # builds for Windows
    ],
)
def test_heads_stay_grouped_only_where_a_kernel_takes_them(
    monkeypatch, flash, capability, dtype, biased, heads
):
    from daemon.engines.acestep.dit import attention

    seen = []
    card = Card()
    standing_in(monkeypatch, card, capability)
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: flash)
    monkeypatch.setattr(
        attention.F, "scaled_dot_product_attention", lambda q, k, v, **how: seen.append((k, how))
    )
    attention._has_flash.cache_clear()
    attention._is_ampere.cache_clear()
    with card:
        query, key = (torch.zeros(1, n, 8, 16, device=CUDA, dtype=dtype) for n in (4, 2))
        bias = torch.zeros(1, 1, 8, 8, device=CUDA, dtype=dtype) if biased else None
        with fused_only(query):
            attend(query, key, key, bias)
    attention._has_flash.cache_clear()
    attention._is_ampere.cache_clear()
    assert seen[0][0].shape[1] == heads
    assert seen[0][1]["enable_gqa"] is (heads == 2)
    assert len(FUSED) == 2


def test_where_no_fused_kernel_may_be_the_plain_one_is_allowed(monkeypatch):
    from daemon.engines.acestep.dit import attention

    card = Card()
    standing_in(monkeypatch, card, (7, 5))
    attention._is_ampere.cache_clear()
    with card:
        for dtype, plain in ((torch.float16, False), (torch.bfloat16, True)):
            with fused_only(torch.zeros(1, device=CUDA, dtype=dtype)):
                assert torch.backends.cuda.math_sdp_enabled() is plain
                assert not torch.backends.cuda.cudnn_sdp_enabled()
    attention._is_ampere.cache_clear()


def test_tiles_are_short_where_convolutions_are(monkeypatch):
    from daemon.engines.acestep import solving
    from daemon.engines.acestep.latents import decode, encode
    from daemon.engines.acestep.parts import GRAIN, HOP

    assert ways_for(CUDA) == Ways()
    mps = torch.device("mps")
    for able in (True, False):
        monkeypatch.setattr(solving, "_long_convolutions", lambda device, able=able: able)
        ways = ways_for(mps)
        assert (ways == Ways()) is able
    assert (ways.chunk + 2 * decode.HALO) * HOP <= 1 << 16
    assert ways.tile * HOP <= 1 << 16
    assert ways.tile > 2 * encode.HALO
    assert ways.chunk >= GRAIN


def test_memory_that_ran_out_is_known_behind_what_it_brought_about():
    def capture():
        try:
            raise torch.OutOfMemoryError("CUDA out of memory")
        finally:
            raise RuntimeError("CUDA error: operation failed due to a previous error")

    with pytest.raises(RuntimeError) as caught:
        capture()
    assert is_out_of_memory(caught.value)
