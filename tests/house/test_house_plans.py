"""A plan, whole or as MIDI, is a request of its own: it says how long the piece is."""

import json
from pathlib import Path

import numpy as np
import pytest
from wire_house import native


def test_a_plan_without_a_length_is_rendered_to_the_same_samples(make_house):
    house = make_house(engine="sketch")
    with house.tcp() as client:
        first = client.done("generate", "first", "bars", 3, "prompt", "waltz at 150 in D minor")
        assert (first["bpm"], first["meter"], first["key"]) == (150, "3/4", "D minor")
        client.done("generate", "again", "plan", str(house.path("first", "plan")))
        client.done("generate", "played", "plan", str(house.path("first", "midi")))
    assert np.array_equal(native(house.path("first")), native(house.path("again")))
    assert len(native(house.path("played"))) == len(native(house.path("first")))
    plan = json.loads(Path(house.path("first", "plan")).read_text("utf-8"))
    assert plan["length_s"] == pytest.approx(3 * 3 * 60 / 150)


def test_a_plan_settles_the_grid_whatever_is_told(make_house):
    house = make_house(engine="sketch")
    with house.tcp() as client:
        client.done("generate", "first", "bars", 2, "prompt", "waltz at 150 in D minor")
        plan = str(house.path("first", "plan"))
        told = ("bpm", 93, "meter", "4/4", "key", "A major", "chords", "E | B", "prompt", "rock")
        again = client.done("generate", "again", "plan", plan, *told)
        near = client.done("retake", "near", "of", "first", "bpm", 93)
    assert (again["bpm"], again["meter"], again["key"]) == (150, "3/4", "D minor")
    assert again["downbeat"] == 0
    assert again["ignored"] == ["bpm", "chords", "key", "meter", "prompt"]
    assert (near["bpm"], near["meter"], near["ignored"]) == (150, "3/4", ["bpm"])
    assert np.array_equal(native(house.path("first")), native(house.path("again")))


def test_an_engine_that_reads_no_plans_asks_for_a_length(house, tcp, new_id, tmp_path):
    path, job_id = tmp_path / "plan.json", new_id()
    path.write_text("{}")
    tcp.send("/punchin/generate", job_id, "plan", str(path))
    failed = tcp.until("failed", id=job_id)
    assert failed.args[1] == 101
    assert "seconds or bars" in failed.args[3]
