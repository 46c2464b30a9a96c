"""Opening models: which folder, which device, which precision, and what is in the way."""

import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked, music

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep import placement as placing
from daemon.engines.acestep.models import folders
from daemon.engines.acestep.models.numbers import numbers_in
from daemon.engines.acestep.opening import open_session


@pytest.fixture(autouse=True)
def _threads():
    yield
    torch.set_num_threads(1)


def opened(model, **environ):
    told = {f"PUNCHIN_{name.upper()}": str(value) for name, value in environ.items()}
    return open_session(model and str(model), Desk(), {"PUNCHIN_ENGINE_DEVICE": "cpu", **told})


def test_without_a_name_it_is_the_folder_of_models(tiny_models):
    session = opened(None, models_folder=tiny_models)
    assert [found.family for found in session.found] == ["base", "turbo"]
    assert [checkpoint.family for checkpoint in session.loaded()] == ["turbo"]
    session.checkpoint_for("lego")
    assert [checkpoint.family for checkpoint in session.loaded()] == ["turbo", "base"]


def test_one_checkpoint_by_its_folder_in_either_layout(tiny_base, original_turbo):
    assert [c.family for c in opened(tiny_base).loaded()] == ["base"]
    session = opened(original_turbo)
    assert [found.layout for found in session.found] == ["original"]
    assert [c.family for c in opened(original_turbo.parent).loaded()] == ["turbo"]


@pytest.mark.parametrize(
    ("environ", "code", "told"),
    [
        ({"models_folder": "/nobody/models"}, 302, "punchin models pull turbo"),
        ({"engine_device": "cuda:9"}, 301, "cuda:9"),
        ({"engine_budget_gb": 0.5}, 304, "0.5 GB"),
    ],
)
def test_what_is_in_the_way(tiny_models, environ, code, told):
    with pytest.raises(PunchinError, match=told) as caught:
        opened(None, **{"models_folder": tiny_models, **environ})
    assert caught.value.code == code


def test_an_empty_folder_and_one_of_something_else(tmp_path):
    for spoil in (lambda: None, lambda: (tmp_path / "config.json").write_text("{}")):
        spoil()
        with pytest.raises(PunchinError, match="punchin models pull turbo") as caught:
            opened(tmp_path)
        assert caught.value.code == 303


class Holding:
    """Stands for steps made ready for a transformer."""

    def __init__(self, transformer):
        self.held = transformer

    def drop(self):
        self.held = None


def test_a_budget_for_one_has_the_other_leave_with_all_that_was_made_for_it(tiny_models, cpu):
    first = numbers_in(folders.recognise(tiny_models / "acestep-v15-turbo"))
    bytes_ = placing.needed(cpu, first) + placing.WORK + 1000
    session = opened(None, models_folder=tiny_models, engine_budget_gb=bytes_ / 1e9)
    turbo = weakref.ref(session.checkpoint_for("repaint").transformer)
    session.steps = Holding(turbo())
    session.checkpoint_for("lego")
    assert [c.family for c in session.loaded()] == ["base"]
    assert turbo() is None
    session.checkpoint_for("repaint")
    assert [c.family for c in session.loaded()] == ["turbo"]


def test_bfloat16_when_it_is_asked_for(tiny_turbo, monkeypatch):
    sounds = []
    for precision in ("float32", "bfloat16"):
        monkeypatch.setenv("PUNCHIN_ENGINE_DEVICE", "cpu")
        monkeypatch.setenv("PUNCHIN_ENGINE_PRECISION", precision)
        engine, port = AceStepEngine(), Desk()
        assert engine.load(str(tiny_turbo), port) == f"cpu, {precision}"
        transformer = engine._session.checkpoint_for("repaint").transformer
        assert transformer.dtype == getattr(torch, precision)
        engine.run(asked("repaint", music(4.0), (1.2, 2.4), steps=2), port)
        sounds.append(port.sounds()["region"])
    exact, rough = sounds
    assert np.isfinite(rough).all()
    off = np.linalg.norm(rough - exact) / np.linalg.norm(exact)
    assert 1e-5 < off < 0.3


_LOADS = """
import sys
from daemon.engines.acestep import AceStepEngine
from bridge.protocol.errors import PunchinError
try:
    AceStepEngine().load(sys.argv[1], None)
except PunchinError as problem:
    print(problem.code, "torch" in sys.modules, problem.message)
"""


def _cut(folder):
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    return file


def _lose(folder):
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    return folder / "vae"


def _empty(folder):
    (folder / "model_index.json").unlink()
    return folder


@pytest.mark.parametrize("harm", [_cut, _lose, _empty])
def test_a_folder_that_is_no_model_is_named_before_torch_is_imported(tiny_turbo, tmp_path, harm):
    folder = Path(shutil.copytree(tiny_turbo, tmp_path / "acestep-v15-turbo"))
    named = harm(folder)
    command = [sys.executable, "-c", _LOADS, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, with_torch, message = done.stdout.split(" ", 2)
    assert (code, with_torch) == ("303", "False")
    assert str(named) in message
