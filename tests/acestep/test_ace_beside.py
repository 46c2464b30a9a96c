"""Models beside the checkpoints: loaded when first needed, once, and where the placement says."""

import shutil
from dataclasses import replace

import pytest
import torch

from daemon.engines.acestep.beside import Beside
from daemon.engines.acestep.models.folders import look


@pytest.fixture
def two(tiny_lm, tmp_path):
    """A small and a large language model."""
    small, large = tmp_path / "a-lm-small", tmp_path / "b-lm-large"
    for folder in (small, large):
        shutil.copytree(tiny_lm, folder)
    (large / "more.safetensors").write_bytes(b"x" * 1000)
    return small, large


def test_nothing_is_loaded_without_folders(cpu):
    nothing = Beside(cpu)
    assert nothing.language(1000) is None
    assert nothing.separator() is None


def test_the_largest_language_model_is_loaded_once(cpu, two):
    beside = Beside(cpu, two)
    first = beside.language(1000)
    assert first.name == "b-lm-large"
    assert beside.language(1000) is first
    beside.clear()
    assert beside.language(1000) is not first


def test_where_parts_take_turns_it_stays_on_the_cpu(cpu, two):
    elsewhere = replace(cpu, device=torch.device("meta"), offload=True)
    assert Beside(elsewhere, two[:1]).language(1000).device.type == "cpu"


def test_a_separator_is_chosen_by_its_stems(cpu, tmp_path):
    pytest.importorskip("demucs", reason="demucs missing: pip install 'punchin[stems]'")
    from test_ace_demucs import SOURCES, write_model

    for name, sources in (("six", [*SOURCES, "guitar", "piano"]), ("four", SOURCES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yaml").write_text("models: [a]\n")
        write_model(tmp_path / name / "a.safetensors", 1, sources)
    beside = Beside(cpu, (), (tmp_path / "six", tmp_path / "four"))
    assert beside.separator().name == "four"
    assert beside.separator(frozenset({"vocals"})).name == "four"
    assert beside.separator(frozenset({"keyboard"})).name == "six"
    assert beside.separator(frozenset({"strings"})).name == "four"


def test_they_are_found_beside_the_checkpoints(tiny_models, tmp_path):
    for folder in tiny_models.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    (tmp_path / "htdemucs").mkdir()
    (tmp_path / "htdemucs" / "htdemucs.yaml").write_text("models: [a]\n")
    (tmp_path / "htdemucs" / "a.safetensors").write_bytes(b"")
    (tmp_path / "notes").mkdir()
    home = look(tmp_path)
    assert [p.name for p in home.language_models] == ["acestep-5Hz-lm-0.6B"]
    assert [p.name for p in home.separators] == ["htdemucs"]
    assert len(home.checkpoints) == 2
    one = look(tmp_path / "acestep-v15-turbo")
    assert [p.name for p in one.separators] == ["htdemucs"]
