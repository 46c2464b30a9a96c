"""Plug-ins by entry point; broken ones are named and stop nothing."""

import zlib

import pytest

from bridge.protocol.errors import PunchinError
from daemon.engines import registry


def test_built_in_and_strange_engines_come_through_one_door():
    assert {"sketch", "fake", "unimportable", "bomb"} <= registry.doors().keys()


def test_a_stranger_cannot_take_a_built_in_name(tmp_path, monkeypatch):
    facts = tmp_path / "impostor-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: impostor\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[punchin.engines]\nsketch = impostor:Engine\nhonest = impostor:Engine\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    doors = registry.doors()
    assert doors["honest"].value == "impostor:Engine"
    assert doors["sketch"].value == "daemon.engines.sketch:SketchEngine"


def test_an_unknown_engine_is_300_and_names_the_others():
    with pytest.raises(PunchinError) as refusal:
        registry.make("nobody")
    assert refusal.value.code == 300
    assert "sketch" in refusal.value.message


def test_an_engine_that_cannot_be_imported_is_300_and_says_why():
    with pytest.raises(PunchinError) as refusal:
        registry.make("unimportable")
    assert refusal.value.code == 300
    assert "a_package_that_nobody_has" in refusal.value.message


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise SystemExit('no licence')", "SystemExit: no licence"),
        ("def Engine(): raise ValueError('no GPU')", "ValueError: no GPU"),
        ("Engine = object", "capabilities"),
        ("class Engine:\n    def capabilities(self): return 1 / 0", "ZeroDivisionError"),
        ("", "Engine"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_whatever_a_plug_in_does_on_import_becomes_300(tmp_path, monkeypatch, body, reason):
    name = f"plugin_{zlib.crc32(body.encode())}"
    (tmp_path / f"{name}.py").write_text(body)
    facts = tmp_path / f"{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[punchin.engines]\nodd = {name}:Engine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PunchinError) as refusal:
        registry.make("odd")
    assert refusal.value.code == 300
    assert reason in refusal.value.message
