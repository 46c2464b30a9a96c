"""The doctor on the model engine: packages, models, where they would run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.doctor.acestep import acestep
from daemon.cli.doctor.finding import Level, Outcome

ALL = {"torch": "2.13.0+cpu", "diffusers": "0.42.1", "transformers": "5.23.0", "safetensors": "0.8"}


def says(**told: Any) -> Any:
    whole = {"checkpoints": [], "beside": [], "placement": "", "trouble": "", **told}
    return lambda command, timeout_s: Outcome(0, f"a warning\n{json.dumps(whole)}\n", "")


def test_without_its_packages_it_is_a_hint_and_nothing_is_run() -> None:
    def never(command: Sequence[str], timeout_s: float) -> Outcome:
        raise AssertionError("nothing to run")

    (found,) = acestep({**ALL, "torch": None}.get, never)
    assert found.level is Level.HINT
    assert "torch is not installed" in found.text
    assert 'install "punchin[acestep]"' in found.mend
    (old,) = acestep({**ALL, "diffusers": "0.37.1"}.get, never)
    assert "diffusers 0.37.1 is older than 0.42" in old.text


def test_it_is_a_problem_where_it_is_the_engine_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PUNCHIN_ENGINE_NAME", "acestep")
    (found,) = acestep({}.get)
    assert found.level is Level.PROBLEM
    (found,) = acestep(ALL.get, says(trouble="no model is here: punchin models pull turbo"))
    assert (found.level, found.text) == (Level.PROBLEM, "no model is here")
    assert found.mend == "punchin models pull turbo"


def test_what_is_here_and_where_it_would_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def runner(command: Sequence[str], timeout_s: float) -> Outcome:
        asked.append(command[-1])
        told = {
            "checkpoints": ["acestep-v15-turbo"],
            "beside": ["htdemucs"],
            "placement": "cuda:0, bfloat16, VAE float32",
        }
        return says(**told)(command, timeout_s)

    monkeypatch.setenv("PUNCHIN_ENGINE_DEVICE", "cuda:1")
    monkeypatch.setenv("PUNCHIN_MODELS_FOLDER", str(tmp_path))
    (found,) = acestep(ALL.get, runner)
    assert found.level is Level.OK
    assert found.text == "acestep-v15-turbo, htdemucs; cuda:0, bfloat16, VAE float32"
    assert "'PUNCHIN_ENGINE_DEVICE': 'cuda:1'" in asked[0]
    assert str(tmp_path) in asked[0]


def test_what_can_not_be_imported() -> None:
    def broken(command: Sequence[str], timeout_s: float) -> Outcome:
        return Outcome(1, "", "Traceback\nImportError: libc10.so\n")

    (found,) = acestep(ALL.get, broken)
    assert found.level is Level.HINT
    assert "ImportError: libc10.so" in found.text
