"""LoRA: both formats, several at once, on and off while loaded; what is wrong changes nothing."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep.loading import load_checkpoint
from daemon.engines.acestep.lora import Loras
from daemon.engines.acestep.lora_file import read
from daemon.engines.acestep.models import folders

RANK = 3
LAYERS = ("self_attn", "cross_attn")
NAMES = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out.0": "o_proj"}


@pytest.fixture
def turbo(tiny_turbo, cpu):
    return load_checkpoint(folders.recognise(tiny_turbo), cpu)


def halves(transformer, seed, layers=range(4)):
    """Random halves for every attention projection, by diffusers' name of the layer."""
    own = torch.Generator().manual_seed(seed)
    made = {}
    for number in layers:
        for branch in LAYERS:
            for name in NAMES:
                layer = f"layers.{number}.{branch}.{name}"
                out, into = transformer.get_submodule(layer).weight.shape
                made[layer] = (
                    torch.randn(RANK, into, generator=own) / 8,
                    torch.randn(out, RANK, generator=own) / 8,
                )
    return made


def as_diffusers(made):
    return {
        f"transformer.{layer}.lora_{half}.weight": tensor
        for layer, pair in made.items()
        for half, tensor in zip("AB", pair, strict=True)
    }


def framed(frame):
    """PEFT's names in another frame than its own."""
    return lambda made: {
        name.replace("base_model.model.", frame): tensor for name, tensor in as_peft(made).items()
    }


def as_peft(made, infix=""):
    def theirs(layer):
        for ours, name in NAMES.items():
            layer = layer.replace(f".{ours}", f".{name}")
        return layer

    return {
        f"base_model.model.{theirs(layer)}.lora_{half}{infix}.weight": tensor
        for layer, pair in made.items()
        for half, tensor in zip("AB", pair, strict=True)
    }


def saved(path, state):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return path


def weights(checkpoint):
    return {n: t.clone() for n, t in checkpoint.transformer.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


@pytest.mark.parametrize(
    "form",
    [
        as_diffusers,
        as_peft,
        lambda made: as_peft(made, ".default"),
        framed("base_model.model.decoder."),
        framed("diffusion_model.decoder."),
        framed(""),
    ],
)
def test_both_formats_change_the_weights_by_b_times_a(form, turbo, tmp_path):
    made = halves(turbo.transformer, 1)
    before = weights(turbo)
    path = saved(tmp_path / "x.safetensors", form(made))
    assert Loras().use({path: 0.5}, [turbo])
    after = weights(turbo)
    for layer, (low, high) in made.items():
        wanted = before[f"{layer}.weight"] + 0.5 * high @ low
        torch.testing.assert_close(after[f"{layer}.weight"], wanted)
    untouched = [n for n in before if n.removesuffix(".weight") not in made]
    assert all(torch.equal(before[n], after[n]) for n in untouched)


def test_peft_and_diffusers_sound_the_same(turbo, tiny_turbo, pipeline, tmp_path):
    """The oracle: diffusers' own way of taking a LoRA, through the whole pipeline."""
    pytest.importorskip("peft", reason="needs peft: pip install 'punchin[acestep-oracle]'")
    from diffusers import AceStepPipeline

    path = saved(tmp_path / "x.safetensors", as_peft(halves(turbo.transformer, 2)))
    theirs = AceStepPipeline.from_pretrained(tiny_turbo, dtype=torch.float32)
    theirs.load_lora_weights(str(path), adapter_name="x")
    theirs.set_adapters(["x"], [0.7])
    Loras().use({path: 0.7}, [turbo])
    own = torch.Generator().manual_seed(3)
    inputs = {
        "hidden_states": torch.randn(1, 40, 8, generator=own),
        "timestep": torch.tensor([0.6]),
        "timestep_r": torch.tensor([0.6]),
        "encoder_hidden_states": torch.randn(1, 9, 64, generator=own),
        "context_latents": torch.randn(1, 40, 16, generator=own),
    }
    with torch.no_grad():
        ours = turbo.transformer(**inputs).sample
        wanted = theirs.transformer(**inputs).sample
        plain = pipeline(tiny_turbo).transformer(**inputs).sample
    assert (ours - wanted).norm() / wanted.norm() < 1e-5
    assert (ours - plain).norm() / plain.norm() > 1e-2


def test_off_puts_back_the_weights_bit_for_bit(turbo, tmp_path):
    before = weights(turbo)
    one = saved(tmp_path / "a.safetensors", as_diffusers(halves(turbo.transformer, 1)))
    two = saved(tmp_path / "b.safetensors", as_peft(halves(turbo.transformer, 2, [0])))
    loras = Loras()
    assert loras.use({one: 1.0, two: 0.3}, [turbo])
    both = weights(turbo)
    assert loras.use({two: 0.3}, [turbo])
    assert loras.use({one: 1.0, two: 0.3}, [turbo])
    assert same(weights(turbo), both)
    assert loras.use({one: 0.0}, [turbo])
    assert same(weights(turbo), before)


def test_several_add_up(turbo, tmp_path):
    first, second = halves(turbo.transformer, 1), halves(turbo.transformer, 2)
    before = weights(turbo)
    paths = [
        saved(tmp_path / "a.safetensors", as_diffusers(first)),
        saved(tmp_path / "b.safetensors", as_diffusers(second)),
    ]
    Loras().use({paths[0]: 1.0, paths[1]: -0.5}, [turbo])
    for layer in first:
        (a, b), (c, d) = first[layer], second[layer]
        wanted = before[f"{layer}.weight"] + b @ a - 0.5 * d @ c
        torch.testing.assert_close(weights(turbo)[f"{layer}.weight"], wanted)


def test_a_change_is_told_once_and_a_file_saved_anew_counts(turbo, tmp_path):
    told = []
    loras = Loras(lambda: told.append(1))
    path = saved(tmp_path / "x.safetensors", as_diffusers(halves(turbo.transformer, 1)))
    assert loras.use({path: 1.0}, [turbo])
    assert not loras.use({path: 1.0}, [turbo])
    assert len(told) == 1
    saved(path, as_diffusers(halves(turbo.transformer, 5, range(3))))
    assert loras.use({path: 1.0}, [turbo])
    assert len(told) == 2


@pytest.mark.parametrize(
    ("config", "factor"),
    [
        ({"peft_type": "LORA", "lora_alpha": 6, "r": RANK}, 2.0),
        ({"lora_alpha": 6, "r": RANK, "use_rslora": True}, 6 / RANK**0.5),
        ({}, 1.0),
    ],
)
def test_a_folder_of_peft_says_its_alpha(config, factor, turbo, tmp_path):
    made = halves(turbo.transformer, 1)
    folder = tmp_path / "adapter"
    saved(folder / "adapter_model.safetensors", as_peft(made))
    (folder / "adapter_config.json").write_text(json.dumps(config))
    changes = read(folder).changes
    assert changes.keys() == made.keys()
    for change in changes.values():
        assert change.factor == pytest.approx(factor)


def test_an_alpha_among_the_weights_counts(turbo, tmp_path):
    made = halves(turbo.transformer, 1, [0])
    state = as_diffusers(made)
    state |= {f"transformer.{layer}.alpha": torch.tensor(1.5) for layer in made}
    changes = read(saved(tmp_path / "x.safetensors", state)).changes
    assert {change.factor for change in changes.values()} == {0.5}


def test_dora_keeps_the_rows_at_their_magnitude(turbo, tmp_path):
    made = halves(turbo.transformer, 1, [0])
    before = weights(turbo)
    state, sizes = as_peft(made), {}
    for layer, name in zip(made, [n for n in state if "lora_A" in n], strict=True):
        sizes[layer] = before[f"{layer}.weight"].norm(dim=1) * 1.1
        state[name.replace("lora_A.weight", "lora_magnitude_vector")] = sizes[layer]
    Loras().use({saved(tmp_path / "x.safetensors", state): 1.0}, [turbo])
    for layer, (low, high) in made.items():
        whole = before[f"{layer}.weight"] + high @ low
        wanted = whole / whole.norm(dim=1, keepdim=True) * sizes[layer][:, None]
        torch.testing.assert_close(weights(turbo)[f"{layer}.weight"], wanted)


def test_a_checkpoint_that_arrives_later_is_changed_too(turbo, tiny_base, cpu, tmp_path):
    path = saved(tmp_path / "x.safetensors", as_diffusers(halves(turbo.transformer, 1)))
    loras = Loras()
    loras.use({path: 1.0}, [turbo])
    base = load_checkpoint(folders.recognise(tiny_base), cpu)
    before = weights(base)
    loras.arrive(base)
    assert not same(weights(base), before)
    loras.use({}, [turbo, base])
    assert same(weights(base), before)


def test_what_fits_one_checkpoint_leaves_the_other_alone_and_says_so(
    turbo, tiny_base, cpu, tmp_path
):
    base = load_checkpoint(folders.recognise(tiny_base), cpu)
    base.transformer.layers = base.transformer.layers[:2]
    before = weights(base)
    path = saved(tmp_path / "x.safetensors", as_diffusers(halves(turbo.transformer, 1)))
    loras = Loras()
    loras.use({path: 1.0}, [turbo, base])
    assert same(weights(base), before)
    assert loras.unfit(base) == (path,)
    assert loras.unfit(turbo) == ()
    loras.must_fit(turbo)
    with pytest.raises(PunchinError, match="made for another model") as caught:
        loras.must_fit(base)
    assert caught.value.code == 303


# -- what is wrong -------------------------------------------------------------------------------


def _spoilt(made, name):
    state = as_diffusers(made)
    key = next(iter(state))
    if name == "half":
        del state[key]
    elif name == "shape":
        state[key] = torch.zeros(RANK, 7)
    elif name == "rank":
        state[key] = state[key][:1]
    elif name == "layer":
        state = {n.replace("layers.0.", "layers.9."): t for n, t in state.items()}
    elif name == "kind":
        state = {"lora.lokr_w1": torch.zeros(2, 2)}
    return state


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("half", "one of the two halves"),
        ("shape", "does not fit the model"),
        ("rank", "do not fit"),
        ("layer", "no layer layers.9"),
        ("kind", "no part of a LoRA"),
    ],
)
def test_what_is_wrong_is_303_and_changes_nothing(name, told, turbo, tmp_path):
    before = weights(turbo)
    good = saved(tmp_path / "good.safetensors", as_diffusers(halves(turbo.transformer, 1)))
    loras = Loras()
    loras.use({good: 1.0}, [turbo])
    changed = weights(turbo)
    bad = saved(tmp_path / "bad.safetensors", _spoilt(halves(turbo.transformer, 2, [0]), name))
    with pytest.raises(PunchinError, match=told) as caught:
        loras.use({good: 1.0, bad: 1.0}, [turbo])
    assert caught.value.code == 303
    assert str(bad) in caught.value.message
    assert same(weights(turbo), changed)
    loras.use({}, [turbo])
    assert same(weights(turbo), before)


def test_no_file_an_empty_folder_and_another_kind_of_adapter(turbo, tmp_path):
    loras = Loras()
    with pytest.raises(PunchinError, match="no LoRA at"):
        loras.use({tmp_path / "none.safetensors": 1.0}, [turbo])
    with pytest.raises(PunchinError, match="0 files"):
        loras.use({tmp_path: 1.0}, [turbo])
    path = saved(tmp_path / "adapter_model.safetensors", as_peft(halves(turbo.transformer, 1)))
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LOKR"}')
    with pytest.raises(PunchinError, match="LOKR"):
        loras.use({path: 1.0}, [turbo])
    shutil.copy(path, tmp_path / "cut.safetensors")
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:-50])
    with pytest.raises(PunchinError, match="cut off"):
        loras.use({tmp_path / "cut.safetensors": 1.0}, [turbo])
