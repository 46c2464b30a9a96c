"""Maps as files: `presets/midi/*.toml`, and the user's own in the configuration folder.

    description = "Four pads"
    channel = 10                      # of every control that names none; left out: any

    [[control]]
    name = "again"
    note = 36
    send = ["/punchin/do", "repaint"]
    led = { idle = 1, busy = 13 }

`docs/midi.md` explains every field. A mistake names the file, the line and the control.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bridge import places, resources
from bridge.midi.map_entry import Mistake, control_of, whole
from bridge.midi.maps import Control, Map
from bridge.protocol.errors import PunchinError, error

_TOP = ("description", "port", "channel", "colours", "control")
_MOST_BYTES = 1 << 20


class MapError(PunchinError):
    """A file that is no map: error 101; every mistake is a line of `mistakes`."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        more = f" (and {len(self.mistakes) - 1} more)" if len(self.mistakes) > 1 else ""
        first = error(101, f"{self.mistakes[0]}{more}: mend the file, see docs/midi.md")
        super().__init__(first.code, first.message)


def folders() -> tuple[Path, ...]:
    """Return where maps lie; the later ones win."""
    return resources.folder("presets") / "midi", places.config() / "presets" / "midi"


def known() -> dict[str, Path]:
    """Return the file of every map by name."""
    return {path.stem: path for folder in folders() for path in sorted(folder.glob("*.toml"))}


def find(name: str) -> Path:
    """Return a map's file, by its name or its own path. Raises 103."""
    if name.endswith(".toml"):
        return Path(name).expanduser()
    found = known()
    if name in found:
        return found[name]
    close = difflib.get_close_matches(name[:64], found, 1, 0.4)
    hint = f"did you mean {close[0]!r}?" if close else "see punchin midi maps"
    raise error(103, f"no MIDI map {name[:64]!r}: {hint}")


def load(name: str) -> Map:
    """Return a map, checked. Raises 103 for an unknown name, `MapError` with every mistake."""
    path = find(name)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise MapError([f"{path} is over 1 MiB"])
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise MapError([f"{path} can't be read ({e})"]) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Map:
    """Return the map in a file's text. Raises `MapError`."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        raise MapError([f"{path}: not valid TOML: {e}"]) from None
    mistakes = [
        f"{_line_of(name, text, path)}: no field {name!r}: {_likely(name, _TOP)}"
        for name in table
        if name not in _TOP
    ]
    head = _head(table, text, path, mistakes)
    controls = _controls(table, head, _places(text, path), mistakes)
    mistakes += _clashes(controls)
    if mistakes:
        raise MapError(mistakes)
    made = tuple(control for _, control in controls)
    return Map(path.stem, head["description"], made, head["port"])


def _head(table: dict[str, Any], text: str, path: Path, mistakes: list[str]) -> dict[str, Any]:
    head = {"description": "", "port": "", "channel": None, "colours": {}} | {
        k: v for k, v in table.items() if k in _TOP
    }
    for name in ("description", "port"):
        if not isinstance(head[name], str):
            mistakes.append(f"{_line_of(name, text, path)}: {name} is a text")
    name = "channel"
    try:
        if head["channel"] is not None:
            whole("channel", head["channel"], 1, 16)
        if not isinstance(head["colours"], dict):
            name = "colours"
            raise Mistake("colours is a table of names and values")
        for name, value in head["colours"].items():
            whole(f"colour {name}", value, 0, 127)
    except Mistake as e:
        mistakes.append(f"{_line_of(name, text, path)}: {e}")
        head |= {"channel": None, "colours": {}}
    return head


def _line_of(name: str, text: str, path: Path) -> str:
    """Return the file and the first line that gives `name` a value, or heads its table."""
    given = re.compile(rf"""\s*(["']?){re.escape(name)}\1\s*=|\s*\[+\s*{re.escape(name)}\s*\]""")
    found = (i for i, line in enumerate(text.splitlines(), 1) if given.match(line))
    return next((f"{path}, line {i}" for i in found), str(path))


def _controls(
    table: dict[str, Any], head: dict[str, Any], where: list[str], mistakes: list[str]
) -> list[tuple[str, Control]]:
    rows = table.get("control", [])
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        mistakes.append(f"{where[0]}: a control is a section: write [[control]]")
        return []
    made = []
    for number, row in enumerate(rows, 1):
        place = where[number] if number < len(where) else where[0]
        label = f"{place}: control {number} ({str(row.get('name', 'no name'))[:40]})"
        try:
            made.append((label, control_of(row, head["channel"], head["colours"])))
        except (Mistake, PunchinError) as e:
            mistakes.append(f"{label}: {getattr(e, 'message', e)}")
    return made


def _places(text: str, path: Path) -> list[str]:
    """Return the file, then file and line of each control."""
    lines = [
        i for i, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*control\b", line)
    ]
    return [str(path), *(f"{path}, line {i}" for i in lines)]


def _clashes(controls: list[tuple[str, Control]]) -> list[str]:
    """Return a mistake for every control that another one with the same trigger hides."""
    found = []
    for i, (label, one) in enumerate(controls):
        for _, other in controls[:i]:
            if _same(one, other):
                found.append(f"{label}: {other.name!r} has the same trigger and layer")
                break
            if one.name == other.name:
                found.append(f"{label}: two controls have this name")
                break
    return found


def _same(one: Control, other: Control) -> bool:
    a, b = one.trigger, other.trigger
    channels = a.channel is None or b.channel is None or a.channel == b.channel
    if (a.kind, one.layer) != (b.kind, other.layer) or not channels:
        return False
    # One program goes before `any`, so those two don't clash.
    return a.number == b.number or bool(_numbers(one) & _numbers(other))


def _numbers(control: Control) -> set[int]:
    number = control.trigger.number
    if number is None:
        return set()
    return {number, number + 32} if control.mode == "14bit" else {number}


def _likely(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:64], list(names), 1, 0.4)
    return f"did you mean {close[0]}?" if close else f"use {', '.join(names)}"
