"""A job with LoRAs, through the engine: another sound with, the very same samples without."""

import json

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music
from safetensors.torch import save_file

from bridge.protocol.errors import PunchinError

CLIP = music(10.4)


@pytest.fixture(scope="module")
def lora(engine, tmp_path_factory):
    """A LoRA for the turbo checkpoint."""
    path = tmp_path_factory.mktemp("lora") / "x.safetensors"
    own = torch.Generator().manual_seed(5)
    state = {}
    transformer = engine._session.checkpoint_for("repaint").transformer
    for number in range(len(transformer.layers)):
        for name in ("self_attn.to_v", "cross_attn.to_k"):
            layer = f"layers.{number}.{name}"
            out, into = transformer.get_submodule(layer).weight.shape
            halves = {"A": (4, into), "B": (out, 4)}
            for half, shape in halves.items():
                made = torch.randn(shape, generator=own) / 6
                state[f"transformer.{layer}.lora_{half}.weight"] = made
    save_file(state, path)
    return path


def made(engine, **options):
    port = Desk()
    engine.run(asked("repaint", CLIP, (4.0, 6.0), prompt="pop", **options), port)
    return port.sounds()["region"]


def test_with_another_sound_without_the_same_again(engine, lora):
    plain = made(engine)
    changed = made(engine, lora=f"{lora}=1")
    weaker = made(engine, lora=f"{lora}=0.1")
    assert np.abs(changed - plain).max() > 1e-3
    assert 0 < np.abs(weaker - plain).max() < np.abs(changed - plain).max()
    assert np.array_equal(made(engine, lora=f"{lora}=1"), changed)
    assert np.array_equal(made(engine), plain)


def test_a_checkpoint_that_comes_later_has_them_as_well(engine, lora):
    made(engine, lora=f"{lora}=1")
    session = engine._session
    one = session.checkpoint_for("lego").transformer
    changed = one.layers[0].self_attn.to_v.weight.clone()
    made(engine)
    assert not torch.equal(one.layers[0].self_attn.to_v.weight, changed)


def test_a_file_that_is_not_there_fails_the_job_and_nothing_else(engine, tmp_path):
    plain = made(engine)
    with pytest.raises(PunchinError, match="no LoRA at") as caught:
        made(engine, lora=f"{tmp_path / 'none.safetensors'}=1")
    assert caught.value.code == 303
    assert np.array_equal(made(engine), plain)


def test_a_recipe_notes_them_and_its_retake_has_them_again(engine, lora, tmp_path, monkeypatch):
    port = Desk()
    told = {"prompt": "pop", "lora": f"{lora}=0.5"}
    documents = engine.run(asked("repaint", CLIP, (4.0, 6.0), **told), port).documents
    facts = lora.stat()
    (noted,) = json.loads(documents["recipe"])["loras"]
    assert noted == {
        "path": str(lora), "scale": 0.5, "size": facts.st_size, "mtime_ns": facts.st_mtime_ns
    }  # fmt: skip
    folder = tmp_path / "jobs" / "one"
    folder.mkdir(parents=True)
    (folder / "recipe-1.json").write_text(documents["recipe"])
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path))
    used = []
    for more in ({}, {"lora": "none"}):
        retake = asked("retake", CLIP, (0.0, 10.4), of="one", strength=0.3, steps=1, **more)
        result = engine.run(retake, Desk())
        used.append([(row.path, row.scale) for row in engine._session.loras.noted()])
        assert json.loads(result.documents["recipe"]).get("loras", []) == [noted] * (not more)
    assert used == [[(str(lora), 0.5)], []]
