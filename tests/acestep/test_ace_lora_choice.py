"""The LoRAs of a retake: those of the take's recipe, unless others are told."""

import json
import os
from pathlib import Path

import pytest
from wire_house import write_lora

from daemon.engines.acestep.lora_choice import loras_for
from daemon.engines.acestep.recipe import Noted, loras_of, with_loras
from daemon.loras import mark_of

DOCUMENT = {"recipe": json.dumps({"form": 1, "engine": "acestep", "parts": []}), "plan": "{}"}


@pytest.fixture
def keep(tmp_path, monkeypatch):
    """Keep a recipe with LoRAs as that of the job `one`."""
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path))
    folder = tmp_path / "jobs" / "one"
    folder.mkdir(parents=True)

    def write(*loras):
        documents = with_loras(DOCUMENT, loras)
        assert documents["plan"] == "{}"
        (folder / "recipe-1.json").write_text(documents["recipe"])

    return write


@pytest.fixture
def lora(tmp_path):
    path = write_lora(tmp_path / "voice.safetensors")
    return Noted(path, 0.5, *mark_of(Path(path)))


def test_those_of_the_recipe_are_used_again(keep, lora):
    keep(lora)
    assert loras_of("one") == loras_of("one:1") == (lora,)
    assert loras_for("retake", {"of": "one"}) == ({lora.path: 0.5}, ())


@pytest.mark.parametrize(
    ("row", "told"), [("none", {}), ("/other=1 | /more=0.5", {"/other": 1.0, "/more": 0.5})]
)
def test_what_is_told_goes_before_the_recipe(keep, lora, row, told):
    keep(lora)
    assert loras_for("retake", {"of": "one", "lora": row}) == (told, ())


def test_a_file_that_is_gone_is_left_out_and_one_that_changed_is_used_and_both_are_told(
    keep, lora, tmp_path
):
    keep(lora, Noted(str(tmp_path / "gone.safetensors"), 1.0, 5, 5))
    os.utime(lora.path, ns=(lora.mtime_ns + 10**9,) * 2)
    there, notes = loras_for("retake", {"of": "one"})
    assert there == {lora.path: 0.5}
    assert [("has changed" in note, "not there" in note) for note in notes] == [
        (True, False),
        (False, True),
    ]
    assert lora.path in notes[0]
    assert "gone.safetensors" in notes[1]


@pytest.mark.parametrize("loras", [None, 5, [5], [{}], [{"path": "/a", "scale": "much"}]])
def test_a_damaged_recipe_has_none(keep, lora, tmp_path, loras):
    keep(lora)
    file = tmp_path / "jobs" / "one" / "recipe-1.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "loras": loras}))
    assert loras_for("retake", {"of": "one"}) == ({}, ())


def test_other_ops_and_takes_without_any_have_none(keep, lora):
    keep(lora)
    assert loras_for("edit", {"of": "one"}) == ({}, ())
    keep()
    assert loras_for("retake", {"of": "one"}) == ({}, ())
    assert "loras" not in json.loads(with_loras(DOCUMENT, ())["recipe"])
