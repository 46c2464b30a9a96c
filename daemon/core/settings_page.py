"""`docs/settings.md`, made from the schema: `python -m daemon.core.settings_page [--check]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daemon.core.schema import ROWS, SECTIONS, Row
from daemon.core.settings import FILE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"

_INTRODUCTION = f"""\
# Settings

<!-- Made from the schema by `python -m daemon.core.settings_page`; edit daemon/core/schema.py. -->

Punchin runs without any settings. What you want otherwise goes into one file, `{FILE}`:

| system | file |
| --- | --- |
| Linux | `~/.config/punchin/{FILE}` |
| macOS | `~/Library/Application Support/punchin/{FILE}` |
| Windows | `%LOCALAPPDATA%\\punchin\\{FILE}` |

`$PUNCHIN_CONFIG` names another folder. The file is TOML. A section or a key that is not on this
page is a mistake, and so is a value outside its range. The daemon then does not start: it lists
every mistake with its line and ends with exit code 2. `punchin doctor` checks the file as well.

Each setting can be overridden by an environment variable, and that by the command line. In an
environment variable a list has commas between, a list of paths the system's path separator, as in
`PATH`. A change takes effect at the next start of the daemon.
"""


def page() -> str:
    """Return the page as Markdown."""
    sections = [_section(name) for name in SECTIONS]
    return "\n".join([_INTRODUCTION, *sections, _example()])


def _section(name: str) -> str:
    lines = [
        f"## [{name}]",
        "",
        SECTIONS[name],
        "",
        "| key | value | default | meaning | variable |",
        "| --- | --- | --- | --- | --- |",
        *(_row(row) for row in ROWS if row.section == name),
        "",
    ]
    return "\n".join(lines)


def _row(row: Row) -> str:
    cells = [f"`{row.key}`", row.form.range, f"`{toml(row.default)}`", row.meaning]
    return "| " + " | ".join([*cells, f"`{row.variable}`"]) + " |"


def _example() -> str:
    """Return the whole file with every default, commented out."""
    lines = ["## The whole file, with the defaults", "", "```toml"]
    for name in SECTIONS:
        lines += [f"[{name}]"]
        lines += [f"# {row.key} = {toml(row.default)}" for row in ROWS if row.section == name]
        lines += [""]
    return "\n".join([*lines[:-1], "```", ""])


def toml(value: Any) -> str:
    """Return a default as TOML."""
    if value is None:
        return '""'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(toml(str(v)) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def main(argv: Sequence[str] | None = None, path: Path = PAGE) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m daemon.core.settings_page", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="only tell whether the page is stale")
    if not parser.parse_args(argv).check:
        path.write_bytes(page().encode("utf-8"))
        return 0
    if path.is_file() and path.read_bytes().decode("utf-8") == page():
        return 0
    print(f"{path.name} is stale: run python -m daemon.core.settings_page", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
