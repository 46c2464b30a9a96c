"""On a CUDA device: placement, turns, LoRA, budget. Skipped where there is none."""

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music
from safetensors.torch import save_file

from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep import placement as placing
from daemon.engines.acestep.models import folders
from daemon.engines.acestep.models.numbers import numbers_in

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="NOT TESTED, this machine has no CUDA device"
)
CLIP = music(10.4)


@pytest.fixture(autouse=True)
def _whole_device():
    yield
    torch.cuda.set_per_process_memory_fraction(1.0, 0)


def loaded(monkeypatch, model, **environ):
    for name, value in {"device": "cuda:0", **environ}.items():
        monkeypatch.setenv(f"PUNCHIN_ENGINE_{name.upper()}", str(value))
    engine = AceStepEngine()
    engine.load(str(model), Desk())
    return engine


def made(engine, **options):
    port = Desk()
    engine.run(asked("repaint", CLIP, (4.0, 6.0), **options), port)
    return port.sounds()["region"]


def off(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(other)


def test_float32_sounds_as_on_the_cpu(monkeypatch, tiny_turbo):
    there = made(loaded(monkeypatch, tiny_turbo, precision="float32"))
    here = made(loaded(monkeypatch, tiny_turbo, device="cpu"))
    assert off(there, here) < 1e-2


def test_auto_is_bfloat16_with_a_float32_vae(monkeypatch, tiny_turbo):
    engine = loaded(monkeypatch, tiny_turbo)
    session = engine._session
    assert session.shared.vae.encoder.conv1.weight.dtype == torch.float32
    assert session.shared.vae.encoder.conv1.weight.device == torch.device("cuda:0")
    wanted = torch.bfloat16 if torch.cuda.get_device_capability(0) >= (8, 0) else torch.float16
    assert session.checkpoint_for("repaint").transformer.dtype == wanted
    assert np.isfinite(made(engine)).all()


def test_parts_that_take_turns_sound_the_same_and_go_home(monkeypatch, tiny_turbo):
    resident = made(loaded(monkeypatch, tiny_turbo))
    weights = numbers_in(folders.recognise(tiny_turbo))
    budget = (placing.SMALL_WORK + 2 * weights.checkpoint + 1000) / 1e9
    engine = loaded(monkeypatch, tiny_turbo, budget_gb=budget)
    assert engine._session.placement.offload
    assert off(made(engine), resident) < 0.05  # its VAE is in float16
    for module in (engine._session.shared.vae, *[c.transformer for c in engine._session.loaded()]):
        assert {p.device.type for p in module.parameters()} == {"cpu"}


def test_a_lora_off_again_is_bit_exact(monkeypatch, tiny_turbo, tmp_path):
    engine = loaded(monkeypatch, tiny_turbo)
    transformer = engine._session.checkpoint_for("repaint").transformer
    weight = transformer.layers[1].cross_attn.to_v.weight
    before = weight.clone()
    out, into = weight.shape
    own = torch.Generator().manual_seed(1)
    layer = "transformer.layers.1.cross_attn.to_v"
    path = tmp_path / "x.safetensors"
    save_file(
        {
            f"{layer}.lora_A.weight": torch.randn(4, into, generator=own),
            f"{layer}.lora_B.weight": torch.randn(out, 4, generator=own),
        },
        path,
    )
    plain = made(engine)
    assert off(made(engine, lora=f"{path}=1"), plain) > 1e-3
    assert not torch.equal(weight, before)
    assert np.array_equal(made(engine), plain)
    assert torch.equal(weight, before)


def test_the_allocator_refuses_what_goes_beyond_the_budget():
    device = torch.device("cuda:0")
    total = torch.cuda.get_device_properties(device).total_memory
    placing.keep_budget(
        placing.Placement(device, torch.bfloat16, torch.float32, budget_bytes=total // 10)
    )
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(total // 5, dtype=torch.uint8, device=device)
    placing.keep_budget(placing.Placement(device, torch.bfloat16, torch.float32))
    assert torch.empty(total // 5, dtype=torch.uint8, device=device).numel() == total // 5
