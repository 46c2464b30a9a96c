"""The only module that meets Live's own packages: the control surface, its timer, its MIDI.

Live's base classes for control surfaces differ between versions and may be missing: `ableton.v2`,
then `_Framework`, then a bare object with the few methods that Live calls. MIDI is taken in the one
way that works with all of them: notes are forwarded to the script in `build_midi_map`.

Threads: Live's main thread calls everything here.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

from . import buttons, lom, places
from .script import Script, Tools
from .udp import Udp

try:
    import Live  # type: ignore[import-not-found]
except ImportError:
    Live = None


class Bare:
    """What Live calls on a control surface, for a Live without its Python classes."""

    def __init__(self, c_instance: Any) -> None:
        self._c_instance = c_instance

    def update_display(self) -> None:
        """Live's timer, every 100 ms."""

    def build_midi_map(self, midi_map_handle: Any) -> None:
        """Live asks which MIDI messages the script wants."""

    def receive_midi(self, midi_bytes: Any) -> None:
        """Live hands over a forwarded MIDI message."""

    def disconnect(self) -> None:
        """Live closes the set, or the script was deselected."""

    def connect_script_instances(self, instanciated_scripts: Any) -> None:
        """Live tells which other scripts there are."""

    def can_lock_to_devices(self) -> bool:
        """Whether devices can be locked to this surface."""
        return False

    def refresh_state(self) -> None:
        """Live asks for lights to be sent again."""

    def suggest_input_port(self) -> str:
        """Return no port: the musician chooses one."""
        return ""

    def suggest_output_port(self) -> str:
        """Return no port."""
        return ""

    def suggest_map_mode(self, cc_no: int, channel: int) -> int:
        """Return absolute."""
        return 0

    def supports_pad_translation(self) -> bool:
        """Whether this surface has drum pads of its own."""
        return False

    def instance_identifier(self) -> Any:
        """Return the number by which Live knows this script."""
        return self._c_instance.instance_identifier()


def _base() -> Any:
    for name in ("ableton.v2.control_surface", "_Framework.ControlSurface"):
        try:
            return importlib.import_module(name).ControlSurface
        except (ImportError, AttributeError):
            continue
    return Bare


Base: Any = _base()

NOTE_ON, CONTROL = 0x90, 0xB0


class Surface(Base):
    """The control surface `Punchin`."""

    def __init__(self, c_instance: Any) -> None:
        super().__init__(c_instance)
        self._own = c_instance
        self._buttons = {
            (CONTROL if b.is_cc else NOTE_ON, b.channel, b.number): b.action
            for b in buttons.layout(places.installed())
        }
        self._script: Any = None
        try:
            self._script = Script(tools(c_instance))
        except Exception as e:  # Live must open its set whatever happens here
            c_instance.log_message(f"Punchin could not start: {type(e).__name__}: {e}")

    def update_display(self) -> None:
        """Live's timer, every 100 ms."""
        super().update_display()
        if self._script is not None:
            self._script.tick()

    def build_midi_map(self, midi_map_handle: Any) -> None:
        """Have Live forward the buttons' messages."""
        super().build_midi_map(midi_map_handle)
        midi = lom.get(Live, "MidiMap")
        if midi is None:
            return
        handle = self._own.handle()
        for kind, channel, number in self._buttons:
            forward = midi.forward_midi_cc if kind == CONTROL else midi.forward_midi_note
            forward(handle, midi_map_handle, channel, number)

    def receive_midi(self, midi_bytes: Any) -> None:
        """Start the action of a button that was pressed (value above 0)."""
        if self._script is not None and len(midi_bytes) == 3 and midi_bytes[2] > 0:
            key = (midi_bytes[0] & 0xF0, midi_bytes[0] & 0x0F, midi_bytes[1])
            if key in self._buttons:
                self._script.press(self._buttons[key])
                return
        super().receive_midi(midi_bytes)

    def disconnect(self) -> None:
        """Let go of Live; it opens another set, or the script was deselected."""
        if self._script is not None:
            self._script.close()
            self._script = None
        super().disconnect()


def tools(c_instance: Any) -> Tools:
    """Return what this Live offers."""
    return Tools(
        song=c_instance.song(),
        say=c_instance.show_message,
        log=c_instance.log_message,
        clock=time.monotonic,
        open_udp=Udp,
        make_marker=lom.get(lom.get(Live, "Clip"), "WarpMarker"),
        main_view=_main_view,
    )


def _main_view() -> str:
    """Return `Session` or `Arranger`."""
    application = lom.get(Live, "Application")
    try:
        return str(application.get_application().view.focused_document_view)
    except lom.UNREADABLE:
        return "Session"


def make(c_instance: Any) -> Any:
    """Return the control surface for one set."""
    return Surface(c_instance)
