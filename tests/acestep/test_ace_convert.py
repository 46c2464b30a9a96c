"""The converter: what it writes is what diffusers would have saved."""

import json
import shutil

import original_layout
import pytest
import tiny
import torch

from bridge.protocol.errors import PunchinError
from daemon.cli import models as command
from daemon.engines.acestep.loading import load_checkpoint
from daemon.engines.acestep.models import folders, original
from daemon.engines.acestep.models.convert import convert


@pytest.fixture(scope="module")
def converted(original_turbo, tmp_path_factory):
    home = tmp_path_factory.mktemp("converted")
    return convert(original_turbo, home / "acestep-v15-turbo", "float32")


def test_diffusers_loads_it_and_sounds_the_same(converted, tiny_turbo, pipeline):
    ours, theirs = tiny.pipeline(converted), pipeline(tiny_turbo)
    for name in ("transformer", "condition_encoder", "audio_tokenizer", "audio_token_detokenizer",
                 "vae", "text_encoder"):  # fmt: skip
        made, wanted = getattr(ours, name).state_dict(), getattr(theirs, name).state_dict()
        assert made.keys() == wanted.keys(), name
        assert all(torch.equal(made[n], wanted[n]) for n in made), name
    asked = {
        "prompt": "warm pop",
        "lyrics": "la la",
        "audio_duration": 2.0,
        "num_inference_steps": 2,
        "guidance_scale": 1.0,
        "output_type": "latent",
        "latents": torch.randn(1, 50, 8, generator=torch.Generator().manual_seed(1)),
    }
    assert torch.equal(ours(**asked).audios, theirs(**asked).audios)


def test_it_is_recognised_and_loads_here(converted, cpu):
    found = folders.recognise(converted)
    assert (found.layout, found.family, found.xl) == ("diffusers", "turbo", False)
    assert load_checkpoint(found, cpu).audio_tokenizer is not None


def test_the_default_halves_the_bytes(original_turbo, tmp_path):
    made = convert(original_turbo, tmp_path / "small")
    file = made / "transformer" / "diffusion_pytorch_model.safetensors"
    published = (original_turbo / "model.safetensors").stat().st_size
    assert file.stat().st_size < 0.6 * published
    assert not (tmp_path / ".incoming" / "small").exists()


def test_a_family_that_only_the_name_told_is_written_down(original_turbo, tmp_path):
    home = tmp_path / "models"
    shutil.copytree(original_turbo.parent, home)
    sft = (home / original_turbo.name).rename(home / "acestep-v15-sft")
    (sft / "config.json").write_text(json.dumps(original_layout.config("base")), "utf-8")
    assert folders.recognise(sft).family == "sft"
    assert folders.recognise(convert(sft, tmp_path / "mine")).family == "sft"


@pytest.mark.parametrize(
    ("spoil", "told", "code"),
    [
        (lambda f: (f / "silence_latent.pt").unlink(), "silence_latent.pt", 303),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing", 303),
        (lambda f: shutil.rmtree(f.parent / "vae"), "no vae", 302),
    ],
)
def test_what_is_not_whole_leaves_nothing(spoil, told, code, original_turbo, tmp_path):
    shutil.copytree(original_turbo.parent, tmp_path / "models")
    folder = tmp_path / "models" / original_turbo.name
    spoil(folder)
    with pytest.raises(PunchinError, match=told) as caught:
        convert(folder, tmp_path / "made")
    assert caught.value.code == code
    assert not (tmp_path / "made").exists()


def test_it_writes_over_nothing_and_leaves_its_own_layout_alone(
    original_turbo, tiny_turbo, tmp_path
):
    (tmp_path / "made").mkdir()
    with pytest.raises(PunchinError, match="is there already") as caught:
        convert(original_turbo, tmp_path / "made")
    assert caught.value.code == 401
    with pytest.raises(PunchinError, match="layout already") as caught:
        convert(tiny_turbo, tmp_path / "new")
    assert caught.value.code == 303


@pytest.fixture
def short_files():
    """No file of this process grows beyond 20,000 bytes."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_is_401_and_gets_its_space_back(
    original_turbo, tmp_path, short_files
):
    with pytest.raises(PunchinError, match="make room") as caught:
        convert(original_turbo, tmp_path / "new")
    assert caught.value.code == 401
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_command(original_turbo, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path))
    to = tmp_path / "made"
    assert (
        command.main(["convert", str(original_turbo), "--to", str(to), "--dtype", "float32"]) == 0
    )
    assert capsys.readouterr().out.strip().endswith(str(to))
    assert folders.recognise(to).layout == "diffusers"
    assert command.main(["convert", str(tmp_path)]) == 1
    assert "303 model-invalid" in capsys.readouterr().err


# -- names and sizes -------------------------------------------------------------------------------


def test_every_published_name_has_its_place(original_turbo, cpu):
    """Both ways: nothing is left over, nothing is made up."""
    parts = tiny.parts("turbo", tiny.SEEDS["turbo"])
    for component in original_layout.PREFIX:
        for name in parts[component].state_dict():
            if name != "silence_latent":
                theirs = original_layout.published(component, name)
                assert original.place(theirs) == (component, name)
    assert original.place("lm_head.weight") is None
    assert original.place("decoder.rotary_emb.inv_freq") is None
    assert original.place("tokenizer.quantizer.layers.0._levels") is None


def test_xl_has_a_narrow_encoder_under_a_wide_transformer():
    """Sizes as the published XL models have them."""
    published = original_layout.config(
        "turbo",
        hidden_size=2560,
        intermediate_size=9728,
        num_attention_heads=32,
        num_key_value_heads=8,
        encoder_hidden_size=2048,
        encoder_intermediate_size=6144,
        encoder_num_attention_heads=16,
        encoder_num_key_value_heads=8,
    )
    wide = original.config_of("transformer", published)
    assert (wide["hidden_size"], wide["encoder_hidden_size"]) == (2560, 2048)
    assert wide["num_attention_heads"] == 32
    for component in ("condition_encoder", "audio_tokenizer", "audio_token_detokenizer"):
        narrow = original.config_of(component, published)
        assert (narrow["hidden_size"], narrow["intermediate_size"]) == (2048, 6144)
        assert narrow["num_attention_heads"] == 16
        assert not [key for key in narrow if key.startswith("encoder_")]


def test_an_xl_checkpoint_loads(tmp_path, cpu):
    """Wide and narrow parts of a tiny XL model, through the published layout."""
    folder = original_layout.save_xl(tmp_path)
    found = folders.recognise(folder)
    made = load_checkpoint(found, cpu)
    assert found.config["encoder_hidden_size"] == 64
    assert made.transformer.condition_embedder.weight.shape == (96, 64)
    assert made.condition_encoder.config.hidden_size == 64
    assert json.loads((folder / "config.json").read_text())["hidden_size"] == 96
