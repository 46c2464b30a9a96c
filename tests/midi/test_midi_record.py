"""`punchin midi record` on a machine that stood still while a line was played."""

import json
import time

import pytest

from bridge.cli import midi_notes
from bridge.cli.main import main

BEAT_S = 0.25


@pytest.fixture
def waiting(monkeypatch, tmp_path):
    """Four beats that were played ten seconds ago and wait to be read."""
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path / "home"))
    first_s = time.monotonic() - 10
    rows = [("keys", bytes((0x90, 60 + i, 90)), first_s + i * BEAT_S) for i in range(5)]
    monkeypatch.setattr(midi_notes, "heard", lambda *_: iter([*rows, None]))


def test_all_that_came_before_the_end_is_in_the_file(waiting, tmp_path, capsys):
    path = tmp_path / "line.mid"
    assert main(["midi", "record", str(path), "--bars", "1", "--bpm", "240", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == 4
    assert path.exists()
