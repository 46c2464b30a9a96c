"""The settings: one TOML file, overridden by the environment, overridden by the command line.

`load` reports every mistake at once. The file is `punchin.toml` in the configuration folder; what
it leaves out has the default written here.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bridge import places
from daemon.core.schema import ROW, ROWS, SECTIONS, Row, Wrong
from daemon.core.sections import (
    Audio,
    EngineChoice,
    Jobs,
    Live,
    Log,
    Midi,
    Models,
    Server,
    Settings,
)

FILE = "punchin.toml"
_OURS = frozenset({"PUNCHIN_HOME", "PUNCHIN_CONFIG"})


_MADE = {
    "server": Server,
    "engine": EngineChoice,
    "models": Models,
    "jobs": Jobs,
    "audio": Audio,
    "live": Live,
    "midi": Midi,
    "log": Log,
}


class SettingsError(Exception):
    """Every mistake of the settings, one line each in `mistakes`."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def told_to_engines(settings: Settings) -> dict[str, str]:
    """Return the settings that engines read, as environment variables of their processes."""
    rows = (row for row in ROWS if row.section in ("engine", "models"))
    values = {r.variable: getattr(getattr(settings, r.section), r.key) for r in rows}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def default_path() -> Path:
    """Return where the settings file lies."""
    return places.config() / FILE


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings.

    `path`: a file that must exist; None means the default one, which may be missing. `environ`: by
    default the process's. `overrides`: values or texts by `section.key`, as from the command line;
    None values are left out. Raises `SettingsError` with every mistake.
    """
    mistakes: list[str] = []
    found: dict[str, Any] = {row.name: row.default for row in ROWS}
    _from_file(path, found, mistakes)
    _from_environment(os.environ if environ is None else environ, found, mistakes)
    _from_overrides(overrides or {}, found, mistakes)
    if mistakes:
        raise SettingsError(mistakes)
    return Settings(**{section: _section(section, found) for section in SECTIONS})


def _section(section: str, found: Mapping[str, Any]) -> Any:
    values = {row.key: found[row.name] for row in ROWS if row.section == section}
    return _MADE[section](**values)


def _take(row: Row, value: Any, place: str, found: dict[str, Any], mistakes: list[str]) -> None:
    try:
        found[row.name] = row.form.check(value)
    except Wrong as e:
        mistakes.append(f"{place}: {row.name} must be {e}, not {_short(value)}")


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


def _unknown(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:80], list(known), 1, 0.5)
    return f"did you mean {close[0]}?" if close else "see docs/settings.md"


# -- the file ------------------------------------------------------------------------------------


def _from_file(path: Path | None, found: dict[str, Any], mistakes: list[str]) -> None:
    file = path or default_path()
    try:
        content = file.read_bytes().decode("utf-8-sig")
        tables = tomllib.loads(content.replace("\r\n", "\n"))
    except FileNotFoundError:
        if path:
            mistakes.append(f"{file}: no such file; leave it out to use the defaults")
    except (OSError, UnicodeDecodeError) as e:
        mistakes.append(f"{file}: can't be read ({e}); it must be a UTF-8 text file")
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        mistakes.append(f"{file}: not valid TOML: {e}")
    else:
        _from_tables(tables, lambda s, k: f"{file}{_line(content, s, k)}", found, mistakes)


def _from_tables(
    tables: Mapping[str, Any],
    place: Callable[[str, str], str],
    found: dict[str, Any],
    mistakes: list[str],
) -> None:
    for section, table in tables.items():
        if section not in SECTIONS:
            hint = _unknown(section, SECTIONS)
            mistakes.append(f"{place(section, '')}: no section {section!r}: {hint}")
        elif not isinstance(table, dict):
            mistakes.append(f"{place(section, '')}: {section} is a section: write [{section}]")
        else:
            for key, value in table.items():
                name = f"{section}.{key}"
                where = place(section, key)
                if name in ROW:
                    _take(ROW[name], value, where, found, mistakes)
                else:
                    mistakes.append(f"{where}: no setting {name!r}: {_unknown(name, ROW)}")


def _line(content: str, section: str, key: str) -> str:
    """Return `, line N` of a key (of a section when `key` is empty), empty if it can't be told."""
    here = ""
    for i, line in enumerate(content.splitlines(), 1):
        head = re.match(r"\s*\[\s*([^\]\s]+)\s*\]", line)
        here = head[1] if head else here
        if head and not key and here == section:
            return f", line {i}"
        words = re.match(r"\s*([\w.\-\"' ]+?)\s*=", line)
        told = re.sub(r"[\"' ]", "", words[1]) if words else ""
        name = f"{here}.{told}" if here else told
        if words and name == (f"{section}.{key}" if key else section):
            return f", line {i}"
    return ""


# -- what overrides it ---------------------------------------------------------------------------


def _from_environment(
    environ: Mapping[str, str], found: dict[str, Any], mistakes: list[str]
) -> None:
    by_variable = {row.variable: row for row in ROWS}
    prefixes = tuple(f"PUNCHIN_{section.upper()}_" for section in SECTIONS)
    for variable, value in sorted(environ.items()):
        if variable in by_variable:
            _take_text(by_variable[variable], value, variable, found, mistakes)
        elif variable.startswith(prefixes) and variable not in _OURS:
            hint = _unknown(variable, by_variable)
            mistakes.append(f"{variable}: no setting of this name: {hint}")


def _from_overrides(
    overrides: Mapping[str, Any], found: dict[str, Any], mistakes: list[str]
) -> None:
    for name, value in overrides.items():
        if name not in ROW:
            mistakes.append(f"command line: no setting {name!r}: {_unknown(name, ROW)}")
        elif isinstance(value, str):
            _take_text(ROW[name], value, "command line", found, mistakes)
        elif value is not None:
            _take(ROW[name], value, "command line", found, mistakes)


def _take_text(
    row: Row, value: str, place: str, found: dict[str, Any], mistakes: list[str]
) -> None:
    try:
        parsed = row.form.parse(value)
    except ValueError:
        parsed = value
    _take(row, parsed, place, found, mistakes)
