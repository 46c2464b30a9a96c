"""What a folder of models holds, told by names and configurations alone."""

import json
import shutil

import original_layout
import pytest

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep.models.folders import look, recognise


def published(home, name, **config):
    folder = home / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(original_layout.config("base", **config)))
    return folder


@pytest.mark.parametrize(
    ("name", "config", "family", "xl"),
    [
        ("acestep-v15-base", {}, "base", False),
        ("acestep-v15-sft", {}, "sft", False),
        ("mine", {"model_version": "sft"}, "sft", False),
        ("mine", {"model_version": None}, "base", False),
        ("mine", {"is_turbo": True}, "turbo", False),
        ("mine", {"model_version": "turbo"}, "turbo", False),
        ("acestep-v15-xl-sft", {"hidden_size": 2560}, "sft", True),
        ("acestep-v15-xl-turbo", {"hidden_size": 2560, "is_turbo": True}, "turbo", True),
    ],
)
def test_families(tmp_path, name, config, family, xl):
    found = recognise(published(tmp_path, name, **config))
    assert (found.name, found.layout, found.family, found.xl) == (name, "original", family, xl)


def test_vae_and_text_encoder_lie_inside_or_beside(tmp_path):
    folder = published(tmp_path, "acestep-v15-base")
    assert recognise(folder).vae is None
    for name in ("vae", "Qwen3-Embedding-0.6B"):
        (tmp_path / name).mkdir()
    assert recognise(folder).vae == tmp_path / "vae"
    assert recognise(folder).tokenizer == tmp_path / "Qwen3-Embedding-0.6B"
    for name in ("vae", "Qwen3-Embedding-0.6B"):
        (folder / name).mkdir()
    assert recognise(folder).text_encoder == folder / "Qwen3-Embedding-0.6B"


def test_a_folder_as_ace_step_lays_it_out(tmp_path, tiny_lm):
    published(tmp_path, "acestep-v15-turbo", is_turbo=True)
    published(tmp_path, "acestep-v15-base")
    shutil.copytree(tiny_lm, tmp_path / "acestep-5Hz-lm-1.7B")
    (tmp_path / "vae").mkdir()
    text = tmp_path / "Qwen3-Embedding-0.6B"
    text.mkdir()
    (text / "config.json").write_text('{"model_type": "qwen3"}')
    published(tmp_path / ".incoming", "acestep-v15-sft")
    home = look(tmp_path)
    assert [found.name for found in home.checkpoints] == ["acestep-v15-base", "acestep-v15-turbo"]
    assert home.language_models == (tmp_path / "acestep-5Hz-lm-1.7B",)
    assert look(tmp_path / "acestep-v15-base").language_models == home.language_models


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (None, 303, "holds no model"),
        ('{"model_type": "qwen3"}', 303, "holds no model"),
        ("[]", 303, "can't be read"),
        ("{", 303, "can't be read"),
    ],
)
def test_what_is_no_model(tmp_path, content, code, told):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(PunchinError, match=told) as caught:
        look(tmp_path)
    assert caught.value.code == code


def test_another_pipeline_is_no_model(tmp_path):
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableAudioPipeline"}')
    with pytest.raises(PunchinError, match="holds no model"):
        look(tmp_path)
    with pytest.raises(PunchinError, match="is no model"):
        recognise(tmp_path)
    with pytest.raises(PunchinError, match="punchin models pull") as caught:
        look(tmp_path / "nobody")
    assert caught.value.code == 302
