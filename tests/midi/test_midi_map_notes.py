"""Layers that are only half of what a shift needs: no mistake, but told."""

import asyncio
import json

import pytest

from bridge.cli.main import main
from bridge.midi import map_file
from bridge.midi.map_notes import notes
from daemon.cli.doctor import devices
from daemon.core.sections import Midi
from daemon.frontends.midi import MidiFrontend

NEVER = """
[[control]]
name = "two"
note = 37
layer = "shft"
send = ["/punchin/stop"]

[[control]]
name = "three"
note = 38
layer = "shft"
send = ["/punchin/stop"]
"""
SHIFT = """
[[control]]
name = "hold"
note = 36
shift = "shift"
"""
PLAIN = '[[control]]\nname = "one"\nnote = 1\nsend = ["/punchin/stop"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path / "config"))
    made = tmp_path / "config" / "presets" / "midi"
    made.mkdir(parents=True)
    return made


def maps(folder, *texts):
    paths = [folder / f"{chr(97 + i)}.toml" for i in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return [map_file.load(str(path)) for path in paths]


def test_a_layer_that_nothing_switches_is_told(folder):
    (note,) = notes(maps(folder, NEVER))
    assert note.code == 101
    assert note.message.startswith("a: 'two' and 1 more: no control switches the layer 'shft' on")
    assert note.message.endswith("give a control shift = 'shft'")


def test_both_halves_of_a_slip_name_each_other(folder):
    never, empty = (note.message for note in notes(maps(folder, NEVER + SHIFT)))
    assert "is 'shift' meant?" in never
    assert empty.startswith("a: 'hold': nothing is in the layer 'shift'")
    assert "is 'shft' meant?" in empty


def test_maps_that_are_loaded_together_share_their_layers(folder):
    assert notes(maps(folder, NEVER, SHIFT.replace('"shift"', '"shft"'))) == []
    assert len(notes(maps(folder, NEVER, SHIFT))) == 2


@pytest.mark.parametrize("name", ["pads", "pads-16", "knobs"])
def test_built_in_maps_have_whole_layers(name):
    assert notes([map_file.load(name)]) == []


def test_the_daemon_tells_it_and_the_map_works(folder, caplog):
    (folder / "mine.toml").write_text(NEVER + PLAIN)
    settings = Midi(input=("x",), output=(), clock_output=(), map=("mine",), clock="off",
                    backend="auto")  # fmt: skip

    class Ports:
        def __init__(self, *_):
            self.send = None

        def names(self, _direction):
            return []

        def problem(self):
            return None

    frontend = MidiFrontend(None, None, settings)
    frontend.ports = Ports()
    row = frontend.health()
    assert (row["state"], row["maps"]) == ("ready", ["mine"])
    assert [note["code"] for note in row["notes"]] == [101]
    assert "MIDI map: mine: 'two'" in caplog.text
    asyncio.run(frontend.close())


def test_the_command_line_tells_it(folder, capsys):
    (folder / "mine.toml").write_text(NEVER)
    assert main(["midi", "maps"]) == 0
    assert "note 101: mine: 'two' and 1 more" in capsys.readouterr().err
    assert main(["midi", "maps", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["mistakes"], [note["code"] for note in told["notes"]]) == ([], [101])
    (found,) = devices.midi_maps()
    assert found.text.startswith("mine: 'two'")
