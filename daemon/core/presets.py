"""Presets: named values for jobs, read from TOML files.

Two shelves. A task (`tasks/*.toml`) holds values of the key table:

    description = "Four bars that lead into the clip"
    ops = ["extend"]
    [values]
    side = "before"
    bars = 4

A style (`styles/*.toml`) belongs to the engine that plays it, which also checks the file. Here it
is known by name and summary, and as a preset it stands for `prompt = "<name>"`: a prompt in the job
goes before it, as every key of the job does.

A preset's name is its file's name. Later folders override earlier ones, and a task goes before a
style of the same name. A broken file is listed with what is wrong in it and stops nothing.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge import places, resources
from bridge.protocol.check import nearest
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.ops import KEY, OP

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FIELDS = ("description", "ops", "values")
# Values that belong to one job or one file and would surprise in any other.
_OF_ONE_JOB = frozenset(
    {"start", "end", "start_frame", "end_frame", "start_beat", "end_beat", "of", "tag", "preset"}
    | {"clip_start", "clip_end", "clip_start_frame", "clip_end_frame", "downbeat", "tempomap"}
)


@dataclass(frozen=True)
class Preset:
    """One preset. `values` are converted by the key table; a style has no `ops`."""

    name: str
    kind: str
    description: str
    path: Path
    ops: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Broken:
    """A file that is no preset, and why."""

    path: Path
    mistakes: tuple[str, ...]


@dataclass(frozen=True)
class Presets:
    """Every preset by name, tasks and styles apart, and the files that could not be read."""

    tasks: Mapping[str, Preset]
    styles: Mapping[str, Preset]
    broken: tuple[Broken, ...] = ()

    def get(self, name: str) -> Mapping[str, Any]:
        """Return a preset's values. Raises 103 for an unknown name, naming the nearest one."""
        found = self.tasks.get(name.strip().lower()) or self.styles.get(name.strip().lower())
        if found:
            return found.values
        known = [*self.tasks, *self.styles]
        close = difflib.get_close_matches(name[:64].lower(), known, 1, 0.4)
        hint = f"did you mean {close[0]!r}?" if close else "ask /punchin/presets for the names"
        raise error(103, f"no preset {name[:64]!r}: {hint}")

    def describe(self) -> dict[str, Any]:
        """Return the reply to `/punchin/presets`, JSON-ready."""
        return {
            "tasks": [
                {**_facts(p), "ops": list(p.ops), "values": _plain(p.values)}
                for p in self.tasks.values()
            ],
            "styles": [_facts(p) for p in self.styles.values()],
            "broken": [{"path": str(b.path), "mistakes": list(b.mistakes)} for b in self.broken],
        }


def _facts(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "description": preset.description,
        "path": str(preset.path),
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values in the form in which a client sends them."""
    return {k: ",".join(v) if isinstance(v, tuple) else v for k, v in values.items()}


def preset_folders() -> tuple[Path, ...]:
    """Return where presets lie: Punchin's own, then the user's."""
    return resources.folder("presets"), places.config() / "presets"


def load_presets(folders: Sequence[Path] | None = None) -> Presets:
    """Read the presets of `folders` (by default `preset_folders()`); missing ones are skipped."""
    shelves: dict[str, dict[str, Preset]] = {"tasks": {}, "styles": {}}
    broken: list[Broken] = []
    for folder in preset_folders() if folders is None else folders:
        for shelf, presets in shelves.items():
            for path in _files(folder / shelf, broken):
                preset = _read(path, shelf)
                if isinstance(preset, Preset):
                    presets[preset.name] = preset
                else:
                    broken.append(preset)
    return Presets(
        dict(sorted(shelves["tasks"].items())),
        dict(sorted(shelves["styles"].items())),
        tuple(broken),
    )


def _files(folder: Path, broken: list[Broken]) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == ".toml")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as e:
        broken.append(Broken(folder, (f"can't be read: {e.strerror or e}",)))
        return []


def _read(path: Path, shelf: str) -> Preset | Broken:
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError) as e:
        return Broken(path, (f"can't be read: {e}",))
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        return Broken(path, (f"not valid TOML: {e}",))
    wrong = [] if _NAME.fullmatch(path.stem) else ["the file's name must be a-z 0-9 and -"]
    if shelf == "styles":
        return Broken(path, tuple(wrong)) if wrong else _style(path, data)
    values = _values(data.get("values"), wrong)
    wrong += _mistakes(data)
    if wrong:
        return Broken(path, tuple(wrong))
    return Preset(path.stem, "task", data["description"], path, tuple(data["ops"]), values)


def _style(path: Path, data: Mapping[str, Any]) -> Preset:
    told = data.get("summary", data.get("description", ""))
    return Preset(path.stem, "style", str(told), path, values={"prompt": path.stem})


def _mistakes(data: Mapping[str, Any]) -> list[str]:
    wrong = []
    if not isinstance(data.get("description"), str) or not data["description"].strip():
        wrong.append("description must be a text")
    ops = data.get("ops")
    if not isinstance(ops, list) or not ops:
        wrong.append("ops must be a list of ops")
        ops = []
    unknown = [op for op in ops if op not in list(OP)]
    wrong += [f"no op {op!r}: use {', '.join(OP)}" for op in unknown]
    strange = sorted(data.keys() - _FIELDS)
    wrong += [f"{name!r} is no field: use {', '.join(_FIELDS)}" for name in strange]
    named = data.get("values")
    for key in named if isinstance(named, dict) and ops and not unknown else ():
        if key in KEY and KEY[key].ops.isdisjoint(ops):
            wrong.append(f"values.{key}: none of the ops uses it")
    return wrong


def _values(given: Any, wrong: list[str]) -> dict[str, Any]:
    if not isinstance(given, dict) or not given:
        wrong.append("values must be a table with at least one key")
        return {}
    values = {}
    for name, value in given.items():
        if name not in KEY:
            wrong.append(f"values.{name}: no such key, did you mean {nearest(name)!r}?")
        elif name in _OF_ONE_JOB:
            wrong.append(f"values.{name}: belongs to a single job, leave it out")
        else:
            try:
                values[name] = KEY[name].kind.convert(_joined(value))
            except PunchinError as e:
                wrong.append(f"values.{name}: {e.message}")
    return values


def _joined(value: Any) -> Any:
    """Lists of names may be written as TOML lists."""
    names = isinstance(value, list) and all(isinstance(v, str) for v in value)
    return ",".join(value) if names else value
