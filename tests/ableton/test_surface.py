"""The control surface under each of Live's base classes, and without any."""

from __future__ import annotations

import importlib
import sys
import types

import fake_live
import fake_objects
import pytest

from bridge.ableton import Punchin
from bridge.ableton.Punchin import buttons, surface


class CInstance:
    """What Live hands to a script."""

    def __init__(self, live):
        self.live = live

    def song(self):
        return self.live.song

    def show_message(self, text):
        self.live.status.append(text)

    def log_message(self, text):
        self.live.log.append(text)

    def handle(self):
        return 77

    def instance_identifier(self):
        return 3


class ControlSurface:
    """The base class of Live's packages, as far as a script meets it."""

    def __init__(self, c_instance):
        self._c_instance = c_instance
        self.calls = []

    def update_display(self):
        self.calls.append("update_display")

    def build_midi_map(self, midi_map_handle):
        self.calls.append("build_midi_map")

    def receive_midi(self, midi_bytes):
        self.calls.append(("receive_midi", midi_bytes))

    def disconnect(self):
        self.calls.append("disconnect")


def live_module(forwarded, view="Session"):
    def forward(kind):
        return lambda *args: forwarded.append((kind, *args))

    application = types.SimpleNamespace(view=types.SimpleNamespace(focused_document_view=view))
    return types.SimpleNamespace(
        MidiMap=types.SimpleNamespace(
            forward_midi_note=forward("note"), forward_midi_cc=forward("cc")
        ),
        Clip=types.SimpleNamespace(WarpMarker=fake_objects.WarpMarker),
        Application=types.SimpleNamespace(get_application=lambda: application),
    )


BASES = {"v2": "ableton.v2.control_surface", "old": "_Framework.ControlSurface", "none": None}


@pytest.fixture(params=BASES)
def loaded(request, monkeypatch, tmp_path):
    """The module as Live of that kind loads it; the messages that it had forwarded."""
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path / "home"))
    forwarded = []
    monkeypatch.setitem(sys.modules, "Live", live_module(forwarded))
    name = BASES[request.param]
    parts = name.split(".") if name else []
    for i in range(1, len(parts) + 1):
        module = types.ModuleType(".".join(parts[:i]))
        if i == len(parts):
            module.ControlSurface = ControlSurface
        monkeypatch.setitem(sys.modules, module.__name__, module)
    importlib.reload(surface)
    yield request.param, forwarded
    monkeypatch.undo()
    importlib.reload(surface)


@pytest.fixture
def live():
    made = fake_live.Live()
    made.track()
    return made


def test_live_s_calls(loaded, live):
    kind, forwarded = loaded
    made = Punchin.create_instance(CInstance(live))
    assert isinstance(made, ControlSurface) == (kind != "none")
    made.build_midi_map(5)
    assert forwarded == [("note", 77, 5, 15, n) for n in range(36, 36 + len(buttons.ACTIONS))]
    made.receive_midi((0x9F, 46, 100))  # status
    made.receive_midi((0x8F, 46, 0))
    made.receive_midi((0x9F, 46, 0))
    made.receive_midi((0x9F, 99, 100))
    made.update_display()
    assert live.log == ["Punchin: the daemon is not running: run `punchin start`"]
    if kind != "none":
        assert "update_display" in made.calls
        assert ("receive_midi", (0x9F, 99, 100)) in made.calls
        assert ("receive_midi", (0x9F, 46, 100)) not in made.calls
    assert live.song.listeners > 0
    made.disconnect()
    assert live.song.listeners == live.song.view.listeners == 0
    made.update_display()
    made.receive_midi((0x9F, 46, 100))


def test_what_live_offers_is_found(loaded, live):
    tools = surface.tools(CInstance(live))
    assert tools.make_marker(1.5, 2.0).sample_time == 1.5
    assert tools.main_view() == "Session"
    assert tools.song is live.song


def test_without_live_s_module_there_are_no_buttons_and_no_crash(monkeypatch, live, tmp_path):
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path))
    made = surface.make(CInstance(live))
    made.build_midi_map(5)
    made.update_display()
    assert made.suggest_input_port() == made.suggest_output_port() == ""
    assert made.can_lock_to_devices() is made.supports_pad_translation() is False
    assert (made.suggest_map_mode(1, 0), made.instance_identifier()) == (0, 3)
    made.connect_script_instances([])
    made.refresh_state()
    made.disconnect()


def test_a_script_that_can_t_start_does_not_keep_live_from_opening(monkeypatch, live):
    monkeypatch.setattr(surface, "Script", lambda tools: 1 / 0)
    made = surface.make(CInstance(live))
    made.update_display()
    made.receive_midi((0x9F, 36, 1))
    made.disconnect()
    assert live.log == ["Punchin could not start: ZeroDivisionError: division by zero"]


@pytest.mark.parametrize(
    ("told", "first"),
    [
        ({}, buttons.Button("go", False, 15, 36)),
        ({"buttons": {"channel": 1, "kind": "cc", "first": 20}}, buttons.Button("go", True, 0, 20)),
        ({"buttons": {"channel": 99, "first": -1}}, buttons.Button("go", False, 15, 36)),
        ({"buttons": "nonsense"}, buttons.Button("go", False, 15, 36)),
        ({"buttons": {"first": 127}}, buttons.Button("go", False, 15, 36)),
    ],
)
def test_buttons_can_be_laid_out_otherwise(told, first):
    laid = buttons.layout(told)
    assert laid[0] == first
    assert [b.number for b in laid] == list(range(first.number, first.number + len(laid)))
