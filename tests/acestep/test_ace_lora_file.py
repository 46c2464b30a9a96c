"""What a LoRA file tells beside its weights: alpha in the header, by layer; what is no use."""

import json
import math

import pytest
import torch
from safetensors.torch import save_file

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep.lora_file import read

RANK = 2
Q, K = "layers.0.self_attn.to_q", "layers.1.cross_attn.to_k"


def state(prefix="", **more):
    """Halves for two layers."""
    made = {}
    for layer in (Q, K):
        made[f"{prefix}{layer}.lora_A.weight"] = torch.ones(RANK, 8)
        made[f"{prefix}{layer}.lora_B.weight"] = torch.ones(8, RANK)
    return {**made, **more}


def factors(file):
    return {layer: change.factor for layer, change in read(file).changes.items()}


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_diffusers_tells_alpha_in_the_header(tmp_path, prefix):
    told = {"lora_alpha": 16, "r": RANK, "peft_type": "LORA", "alpha_pattern": {}}
    header = {"lora_adapter_metadata": json.dumps({prefix + k: v for k, v in told.items()})}
    save_file(state(prefix), tmp_path / "x.safetensors", {"format": "pt", **header})
    # That of another file beside it counts for nothing then.
    (tmp_path / "adapter_config.json").write_text('{"lora_alpha": 1}')
    assert factors(tmp_path / "x.safetensors") == {Q: 8.0, K: 8.0}


def test_diffusers_itself_is_understood(tmp_path):
    """The oracle: a LoRA that diffusers saved and fused."""
    peft = pytest.importorskip("peft", reason="needs peft: pip install 'punchin[acestep-oracle]'")
    import tiny

    model = tiny.parts("turbo", 10)["transformer"]
    before = {n: t.clone() for n, t in model.state_dict().items()}
    model.add_adapter(peft.LoraConfig(r=2, lora_alpha=7, target_modules=["to_q"], use_rslora=True))
    own = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape, generator=own))
    model.save_lora_adapter(tmp_path, weight_name="pytorch_lora_weights.safetensors")
    changes = read(tmp_path).changes
    model.fuse_lora()
    after = {n.replace(".base_layer", ""): t for n, t in model.state_dict().items()}
    assert len(changes) == 8
    for layer, change in changes.items():
        weight = before[f"{layer}.weight"]
        torch.testing.assert_close(weight + change.of(weight), after[f"{layer}.weight"])


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"lora_alpha": 4, "alpha_pattern": {"to_k": 1}}, {Q: 2.0, K: 0.5}),
        ({"lora_alpha": 4, "alpha_pattern": {"self_attn.q_proj": 6}}, {Q: 3.0, K: 2.0}),
        ({"lora_alpha": 4, "alpha_pattern": {"o_q": 6, r".*\.1\..*": 8}}, {Q: 2.0, K: 4.0}),
        (
            {"lora_alpha": 4, "alpha_pattern": {"to_k": 1}, "use_rslora": True},
            {Q: 4 / math.sqrt(2), K: 1 / math.sqrt(2)},
        ),
        ({"lora_alpha": 4, "alpha_pattern": None}, {Q: 2.0, K: 2.0}),
    ],
)
def test_layers_can_have_an_alpha_of_their_own(tmp_path, config, wanted):
    theirs = {
        name.replace("to_q", "q_proj").replace("to_k", "k_proj"): tensor
        for name, tensor in state("base_model.model.").items()
    }
    save_file(theirs, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    assert factors(tmp_path) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "config",
    ["[1]", "{", '{"lora_alpha": "much"}', '{"lora_alpha": null}', '{"alpha_pattern": {"(": 1}}'],
)
def test_a_damaged_configuration_is_303(tmp_path, config):
    save_file(state(), tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(config)
    with pytest.raises(PunchinError, match=r"adapter_config\.json.*copy it again") as caught:
        read(tmp_path)
    assert caught.value.code == 303


@pytest.mark.parametrize(
    "more",
    [
        {f"{Q}.lora_A.weight": torch.full((RANK, 8), math.nan)},
        {f"{Q}.lora_A.weight": torch.ones(RANK, 8, dtype=torch.int32)},
        {f"{Q}.lora_A.weight": torch.ones(0, 8), f"{Q}.lora_B.weight": torch.ones(8, 0)},
        {f"{Q}.alpha": torch.ones(3)},
        {f"{Q}.lora_magnitude_vector": torch.ones(3)},
    ],
)
def test_parts_that_make_no_change_are_303(tmp_path, more):
    save_file(state(**more), tmp_path / "x.safetensors")
    with pytest.raises(PunchinError, match=Q) as caught:
        read(tmp_path / "x.safetensors")
    assert caught.value.code == 303


def test_a_lora_of_changed_weights_is_refused(tmp_path):
    save_file(state(), tmp_path / "adapter_model.safetensors")
    config = {"lora_alpha": 4, "init_lora_weights": "pissa_niter_4"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(PunchinError, match="path_initial_model_for_weight_conversion") as caught:
        read(tmp_path)
    assert caught.value.code == 303
