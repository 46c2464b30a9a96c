"""Tiny checkpoints for all tests of the model engine, made once; all are skipped without torch."""

import ast
import importlib.util
import os
import sys
from pathlib import Path

import pytest

# The clients of the wire are the house's.
sys.path.append(str(Path(__file__).parents[1] / "house"))

NEEDED = ("torch", "diffusers", "transformers", "safetensors")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
WHY = f"{', '.join(MISSING)} missing: pip install 'punchin[acestep]'"


class SkippedModule(pytest.Module):
    """Stands for a test module that cannot be imported here."""

    def collect(self):
        pytest.skip(WHY, allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    if MISSING:
        return SkippedModule.from_parent(parent, path=module_path)
    return None


def _tests_in(path):
    tree = ast.parse(path.read_text("utf-8"))
    return sum(isinstance(n, ast.FunctionDef) and n.name.startswith("test_") for n in tree.body)


def pytest_terminal_summary(terminalreporter, config):
    if MISSING:
        files = sorted((config.rootpath / "tests" / "acestep").glob("test_*.py"))
        count = sum(_tests_in(path) for path in files)
        terminalreporter.section("model engine not tested", yellow=True)
        terminalreporter.line(f"{count} test functions in {len(files)} files skipped: {WHY}")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory):
    """What engines keep on the disk is not the user's."""
    before = os.environ.get("PUNCHIN_HOME")
    os.environ["PUNCHIN_HOME"] = str(tmp_path_factory.mktemp("home"))
    yield
    if before is None:
        del os.environ["PUNCHIN_HOME"]
    else:
        os.environ["PUNCHIN_HOME"] = before


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory):
    """A folder of several models in the diffusers layout: turbo, base and a language model."""
    import tiny

    home = tmp_path_factory.mktemp("models")
    tiny.save(home / "acestep-v15-turbo", "turbo")
    tiny.save(home / "acestep-v15-base", "base")
    tiny.save_lm(home / "acestep-5Hz-lm-0.6B")
    return home


@pytest.fixture(scope="session")
def tiny_turbo(tiny_models):
    return tiny_models / "acestep-v15-turbo"


@pytest.fixture(scope="session")
def tiny_base(tiny_models):
    return tiny_models / "acestep-v15-base"


@pytest.fixture(scope="session")
def tiny_lm(tiny_models):
    return tiny_models / "acestep-5Hz-lm-0.6B"


@pytest.fixture(scope="session")
def pipeline():
    """`pipeline(folder)`: diffusers' pipeline, float32, posterior mean; one per folder, kept."""
    import tiny

    made = {}

    def get(folder):
        if folder not in made:
            made[folder] = tiny.pipeline(folder)
        return made[folder]

    return get


@pytest.fixture(scope="session")
def original_turbo(tmp_path_factory):
    """The turbo checkpoint as published: its folder, the VAE and the text encoder beside it."""
    import original_layout

    return original_layout.save(tmp_path_factory.mktemp("original"), "turbo")


@pytest.fixture(scope="session")
def cpu():
    """A placement: CPU, float32."""
    import torch

    from daemon.engines.acestep.parts import Placement

    return Placement(torch.device("cpu"), torch.float32, torch.float32)


@pytest.fixture(scope="session")
def engine(tiny_models):
    """The engine with turbo and base, and no language model; tests leave it as they found it."""
    from ace_desk import Desk

    from daemon.engines.acestep import AceStepEngine
    from daemon.engines.acestep.beside import Beside

    made = AceStepEngine()
    made.load(str(tiny_models), Desk())
    made._session.beside = Beside(made._session.placement)
    return made


@pytest.fixture(scope="session")
def acestep_house(tiny_models, tmp_path_factory):
    """A daemon with the engine on the tiny checkpoints."""
    from wire_house import House

    home = tmp_path_factory.mktemp("acestep-house")
    made = House(home, "--model", str(tiny_models), engine="acestep", OMP_NUM_THREADS="1")
    yield made
    made.stop()


@pytest.fixture
def card(monkeypatch):
    """A CUDA device that is pretended, see `pretended`; `card.driver` stands for torch.cuda."""
    from pretended import Card, standing_in

    from daemon.engines.acestep import graphs
    from daemon.engines.acestep.dit import attention
    from daemon.engines.acestep.latents import lean

    made = Card()
    made.driver = standing_in(monkeypatch, made)
    found = (graphs._side_stream, attention._has_flash, attention._is_ampere, lean.on_cuda)
    for cached in found:
        cached.cache_clear()
    with made:
        yield made
    for cached in found:
        cached.cache_clear()


@pytest.fixture
def loaded(monkeypatch, card):
    """`loaded(model, **settings)`: an engine, loaded onto the pretended card."""
    from ace_desk import Desk

    from daemon.engines.acestep import AceStepEngine

    usual = {"device": "cuda", "precision": "auto", "budget_gb": 0, "speculate": "auto"}
    usual["compile"] = False

    def load(model, **settings):
        for name, value in {**usual, **settings}.items():
            monkeypatch.setenv(f"PUNCHIN_ENGINE_{name.upper()}", str(value))
        engine = AceStepEngine()
        engine.load(str(model), Desk())
        return engine

    return load
