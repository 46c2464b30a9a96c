"""Plug-ins that can't be imported, or take their process down: the daemon lives and says so."""

import time

import pytest
from patience import PATIENCE_S
from real_house import Ear


def _engines(ear):
    return {row["name"]: row for row in ear.ask("/punchin/status")["engines"]}


def test_status_shows_how_each_plug_in_is(house):
    with Ear(house) as ear:
        end = time.monotonic() + PATIENCE_S
        # Each engine is looked at in a process of its own, after the daemon is ready.
        while any(row["state"] == "unseen" for row in _engines(ear).values()):
            assert time.monotonic() < end, _engines(ear)
            ear.next(0.05)
        engines = _engines(ear)
        assert engines["fake"]["state"] == "loaded"
        assert engines["fake"]["device"] == "cpu"
        assert engines["sketch"]["state"] == "available"
        assert "repaint" in engines["sketch"]["ops"]
        assert engines["unimportable"]["state"] == "broken"
        assert "a_package_that_nobody_has" in engines["unimportable"]["trouble"]
        assert engines["bomb"]["state"] == "broken"
        assert engines["bomb"]["trouble"]


@pytest.mark.parametrize("name", ["unimportable", "bomb"])
def test_a_job_on_a_broken_plug_in_fails_alone(house, name):
    with Ear(house) as ear:
        word, (code, *_) = ear.run("generate", name, "seconds", 0.1, "engine", name)
        assert (word, code) in (("failed", 300), ("failed", 305))
        assert ear.run("generate", f"after-{name}", "seconds", 0.1)[0] == "done"


@pytest.mark.parametrize("name", ["unimportable", "bomb"])
def test_a_change_to_a_broken_plug_in_fails_and_the_old_one_goes_on(house, name):
    with Ear(house) as ear:
        ear.send("/punchin/engine", name)
        word, (code, *_) = ear.ended("engine")
        assert (word, code) == ("failed", 300)
        assert ear.run("generate", f"then-{name}", "seconds", 0.1)[0] == "done"
        assert house.job(f"then-{name}")["engine"] == "fake"
