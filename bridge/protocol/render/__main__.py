"""`python -m bridge.protocol.render [--check]`: rewrite the generated files, or tell stale ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.protocol.render.lua import module
from bridge.protocol.render.reference import reference

ROOT = Path(__file__).resolve().parents[3]


def pages() -> dict[str, str]:
    """Return the text of every generated file by its path in the checkout."""
    return {
        "docs/osc.md": reference(),
        "reaper_scripts/Punchin/lib/protocol.lua": module(),
    }


def stale(root: Path) -> list[str]:
    """Return the generated files that are missing or differ from the table."""
    return [name for name, text in pages().items() if _read(root / name) != text]


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError:
        return None


def write(root: Path) -> None:
    """Write every generated file below `root`, with line feeds on every system."""
    for name, text in pages().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode("utf-8"))


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bridge.protocol.render", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell which files are stale")
    if not parser.parse_args(argv).check:
        write(root)
        return 0
    old = stale(root)
    for name in old:
        print(f"{name} is stale: run python -m bridge.protocol.render", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
