"""The user's own maps: a learned control added to a file, checked before it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge.midi import map_file
from bridge.midi.learn import Learned, entry
from bridge.midi.map_entry import Mistake, control_of
from bridge.protocol.errors import error

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def check(
    map_name: str,
    messages: Sequence[Sequence[Any]],
    scale: Sequence[float] | None = None,
    whole: bool = False,
) -> None:
    """Refuse what no control could send, before one is moved. Raises 101 and the table's errors."""
    _checked(map_name)
    tried = {"name": "x", "note": 0, "send": list(messages), "round": whole}
    try:
        control_of(tried | ({"scale": list(scale)} if scale else {}), None, {})
    except Mistake as e:
        raise error(101, f"{e}: see docs/midi.md") from None


def _checked(map_name: str) -> None:
    if not _NAME.fullmatch(map_name):
        raise error(101, f"{map_name[:64]!r} is no name for a map: use a-z, 0-9 and -")


def add(map_name: str, learned: Learned, name: str, messages: Sequence[Sequence[Any]]) -> Path:
    """Add a control to one of the user's maps and return the file.

    A built-in map of this name is copied first. A control of the same name is replaced. Raises 101
    for a wrong name, `MapError` when the control can't be: nothing is written then.
    """
    _checked(map_name)
    path = map_file.folders()[1] / f"{map_name}.toml"
    built_in = map_file.folders()[0] / path.name
    text = path.read_text("utf-8") if path.exists() else _beginning(built_in)
    text = without(text, name).rstrip() + "\n\n" + entry(learned, name, messages)
    map_file.parse(text, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)
    return path


def _beginning(built_in: Path) -> str:
    if built_in.exists():
        return built_in.read_text("utf-8")
    return 'description = "learned with punchin midi learn"\n'


def without(text: str, name: str) -> str:
    """Return a map's text without the control of this name."""
    head, *sections = re.split(r"(?m)^(?=\s*\[\[\s*control\s*\]\])", text)
    kept = [s for s in sections if not re.search(rf'(?m)^\s*name\s*=\s*"{re.escape(name)}"\s*$', s)]
    return "".join([head, *kept])
