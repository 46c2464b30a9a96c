"""What is heard of the new material of an extension on both sides: one after the other."""

from types import SimpleNamespace

from daemon.core import programme
from daemon.core.jobs import ResultFile


def test_both_sides_are_heard_one_after_the_other(monkeypatch):
    monkeypatch.setattr(programme, "_region_s", lambda job: 0.0)
    job = SimpleNamespace(id="both", op="extend")
    files = [
        ResultFile("mix", 1, "/mix.wav", 4.0, 8000, 2, 1),
        ResultFile("region", 1, "/region.wav", 1.0, 8000, 2, 1),
        ResultFile("region", 1, "/region-2.wav", 0.5, 8000, 2, 1),
        ResultFile("region", 2, "/other.wav", 1.0, 8000, 2, 1),
    ]
    found = programme.of_take(job, files, 1, "region")
    assert found["frames"] == 12_000
    assert found["loop"] == [0, 12_000]
    assert found["pairs"]["mix"] == [
        [
            {"start": 0, "end": 8000, "file": "/region.wav"},
            {"start": 8000, "end": 12_000, "file": "/region-2.wav"},
        ]
    ]
    alone = programme.of_take(job, files, 2, "region")
    assert alone["pairs"]["mix"] == [[{"start": 0, "end": 8000, "file": "/other.wav"}]]
