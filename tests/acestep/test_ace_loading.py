"""Both layouts load to the very weights of diffusers' pipeline; what is wrong is 303 and a file."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep import loading
from daemon.engines.acestep.models import folders
from daemon.engines.acestep.parts import Placement

OWN = {
    "transformer": "transformer",
    "condition_encoder": "condition_encoder",
    "audio_tokenizer": "audio_tokenizer",
    "audio_detokenizer": "audio_token_detokenizer",
}


def same(ours, theirs):
    ours, theirs = ours.state_dict(), theirs.state_dict()
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.mark.parametrize("layout", ["tiny_turbo", "original_turbo"])
def test_every_part_is_as_diffusers_loads_it(layout, tiny_turbo, pipeline, cpu, request):
    found = folders.recognise(request.getfixturevalue(layout))
    oracle = pipeline(tiny_turbo)
    checkpoint = loading.load_checkpoint(found, cpu)
    for field, name in OWN.items():
        same(getattr(checkpoint, field), getattr(oracle, name))
    shared = loading.load_shared(found, cpu)
    same(shared.text_encoder, oracle.text_encoder)
    text = "# Lyric\nla la<|endoftext|>"
    assert shared.tokenizer(text).input_ids == oracle.tokenizer(text).input_ids


def test_the_vae_sounds_the_same_made_lean(tiny_turbo, pipeline, cpu):
    shared = loading.load_shared(folders.recognise(tiny_turbo), cpu)
    assert not [n for n, _ in shared.vae.named_parameters() if n.endswith("weight_g")]
    latents = torch.randn(1, 8, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours = shared.vae.decode(latents).sample
        theirs = pipeline(tiny_turbo).vae.decode(latents).sample
        mean = shared.vae.encode(theirs).latent_dist.mean
        wanted = pipeline(tiny_turbo).vae.encode(theirs).latent_dist.mean
    assert (ours - theirs).norm() / theirs.norm() < 3e-6
    assert (mean - wanted).norm() / wanted.norm() < 3e-6


def test_a_half_precision_vae_ends_in_a_float32_layer(tiny_turbo, pipeline):
    small = Placement(torch.device("cpu"), torch.bfloat16, torch.bfloat16)
    shared = loading.load_shared(folders.recognise(tiny_turbo), small)
    latents = torch.randn(1, 8, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours = shared.vae.decode(latents.bfloat16()).sample
        theirs = pipeline(tiny_turbo).vae.decode(latents).sample
    assert ours.dtype == torch.float32
    assert (ours - theirs).norm() / theirs.norm() < 0.05
    assert shared.text_encoder.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("fixture", "family", "made_for"),
    [
        ("tiny_turbo", "turbo", (3.0, 8, 1.0)),
        ("tiny_base", "base", (1.0, 50, 7.0)),
        ("original_turbo", "turbo", (3.0, 8, 1.0)),
    ],
)
def test_what_a_checkpoint_was_made_for(fixture, family, made_for, cpu, request):
    checkpoint = loading.load_checkpoint(folders.recognise(request.getfixturevalue(fixture)), cpu)
    assert checkpoint.family == family
    assert (checkpoint.shift, checkpoint.steps, checkpoint.guidance) == made_for
    assert checkpoint.channels == 8


def test_nothing_learns(tiny_turbo, cpu):
    found = folders.recognise(tiny_turbo)
    checkpoint, shared = loading.load_checkpoint(found, cpu), loading.load_shared(found, cpu)
    for module in (checkpoint.transformer, shared.vae, shared.text_encoder):
        assert not module.training
        assert not any(p.requires_grad for p in module.parameters())


def load_all(folder, placement):
    found = folders.recognise(folder)
    return loading.load_checkpoint(found, placement), loading.load_shared(found, placement)


# -- what is wrong -------------------------------------------------------------------------------

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"


def _cut(file):
    file.write_bytes(file.read_bytes()[:-1000])


def _garbage(file):
    file.write_bytes(b"<html>not found</html>" * 50)


def _changed(file, change):
    state = load_file(file)
    change(state)
    save_file(state, file)


def _without(name):
    return lambda file: _changed(file, lambda state: state.pop(name))


def _with(name, tensor):
    return lambda file: _changed(file, lambda state: state.update({name: tensor}))


def _not_whole(file):
    index = {"weight_map": {"a": file.name, "b": "diffusion_pytorch_model-00002.safetensors"}}
    (file.parent / f"{file.name}.index.json").write_text(json.dumps(index))
    file.unlink()
    (file.parent / file.name).with_suffix(".bin").write_bytes(b"x")


def _pickled(file):
    file.rename(file.with_suffix(".bin"))


def _set(key, value):
    def spoil(file):
        config = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps({**config, key: value}), "utf-8")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "file", "told"),
    [
        (_cut, TRANSFORMER, "cut off"),
        (_garbage, TRANSFORMER, "no safetensors file"),
        (_without("scale_shift_table"), TRANSFORMER, "lacks scale_shift_table"),
        (_with("odd", torch.zeros(3)), TRANSFORMER, "odd, which"),
        (_with("norm_out.weight", torch.zeros(3)), TRANSFORMER, "[3] and should be [64]"),
        (_with("norm_out.weight", torch.ones(64, dtype=torch.int8)), TRANSFORMER, "whole numbers"),
        (_pickled, TRANSFORMER, "can run code"),
        (_cut, "vae/diffusion_pytorch_model.safetensors", "cut off"),
        (_cut, "text_encoder/model.safetensors", "cut off"),
        (_without("norm.weight"), "text_encoder/model.safetensors", "norm.weight"),
        (_garbage, "transformer/config.json", "can't be read"),
        (_set("hidden_size", "wide"), "transformer/config.json", "'wide' and should be a number"),
        (_set("shift", [3.0]), "transformer/config.json", "[3.0] and should be a number"),
        (lambda file: file.unlink(), "tokenizer/tokenizer.json", "tokenizer"),
        (lambda file: file.unlink(), "condition_encoder/config.json", "can't be read"),
    ],
)
def test_a_damaged_checkpoint_is_303_and_names_the_file(
    spoil, file, told, tiny_turbo, tmp_path, cpu
):
    folder = tmp_path / "acestep-v15-turbo"
    shutil.copytree(tiny_turbo, folder)
    spoil(folder / file)
    with pytest.raises(PunchinError) as caught:
        load_all(folder, cpu)
    assert caught.value.code == 303
    assert told in caught.value.message
    assert str(folder / file).removesuffix("/tokenizer.json").split(".")[0] in caught.value.message


def test_a_missing_shard_is_named(tiny_turbo, tmp_path, cpu):
    folder = tmp_path / "turbo"
    shutil.copytree(tiny_turbo, folder)
    _not_whole(folder / TRANSFORMER)
    with pytest.raises(PunchinError, match="diffusion_pytorch_model-00002") as caught:
        loading.load_checkpoint(folders.recognise(folder), cpu)
    assert caught.value.code == 303


def test_shards_that_are_all_there_load(tiny_turbo, tmp_path, cpu, pipeline):
    folder = tmp_path / "turbo"
    shutil.copytree(tiny_turbo, folder)
    whole = folder / TRANSFORMER
    state = load_file(whole)
    where = {name: f"part{i % 2}.safetensors" for i, name in enumerate(state)}
    for part in set(where.values()):
        here = {n: t for n, t in state.items() if where[n] == part}
        save_file(here, whole.parent / part)
    whole.unlink()
    index = whole.parent / f"{whole.name}.index.json"
    index.write_text(json.dumps({"weight_map": where}))
    loaded = loading.load_checkpoint(folders.recognise(folder), cpu)
    same(loaded.transformer, pipeline(tiny_turbo).transformer)


class Evil:
    """Unpickling it would make a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (open, (str(self.file), "w"))


def test_a_pickle_with_code_is_not_run(original_turbo, tmp_path, cpu):
    folder = tmp_path / "acestep-v15-turbo"
    shutil.copytree(original_turbo, folder)
    torch.save(Evil(tmp_path / "made"), folder / "silence_latent.pt")
    with pytest.raises(PunchinError, match=r"silence_latent\.pt") as caught:
        loading.load_checkpoint(folders.recognise(folder), cpu)
    assert caught.value.code == 303
    assert "can run code" in caught.value.message
    assert "weights_only" not in caught.value.message
    assert not (tmp_path / "made").exists()


def test_a_silence_of_another_model_is_303_and_names_the_file(original_turbo, tmp_path, cpu):
    folder = tmp_path / "acestep-v15-turbo"
    shutil.copytree(original_turbo, folder)
    torch.save(torch.zeros(1, 3, 100), folder / "silence_latent.pt")
    with pytest.raises(PunchinError) as caught:
        loading.load_checkpoint(folders.recognise(folder), cpu)
    assert caught.value.code == 303
    assert str(folder / "silence_latent.pt") in caught.value.message


def test_without_vae_and_text_encoder_it_says_what_brings_them(original_turbo, tmp_path, cpu):
    folder = tmp_path / "acestep-v15-turbo"
    shutil.copytree(original_turbo, folder)
    with pytest.raises(PunchinError, match="punchin models pull turbo") as caught:
        loading.load_shared(folders.recognise(folder), cpu)
    assert caught.value.code == 302
