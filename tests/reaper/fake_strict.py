"""The guard before the fake: only what REAPER has, with the arguments that REAPER takes.

`signatures.tsv` holds the names and Lua parameters of REAPER's functions (6.09's own list, newer
ones derived from the C header of 7.78). A breach is kept in `World.breaches` as well as raised, so
that a script's `pcall` can't hide it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from fake_model import Thing


class Breach(Exception):
    """A script did what REAPER would refuse, or what would crash it."""


@lru_cache
def signatures() -> dict[str, tuple[tuple[str, bool], ...]]:
    """Return, by function, `(type, optional)` of each parameter."""
    text = (Path(__file__).parent / "signatures.tsv").read_text("utf-8")
    return {name: _parameters(rest) for name, rest in (x.split("\t") for x in text.splitlines())}


def _parameters(text: str) -> tuple[tuple[str, bool], ...]:
    rows = [p.split() for p in text.split(",") if p.strip()]
    return tuple((row[-2], row[0] == "optional" or row[-1].endswith("Optional")) for row in rows)


def guarded(world: Any, name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return `run(world, …)` as a script may call it."""
    wanted = signatures().get(name)

    def call(*args: Any) -> Any:
        if wanted is None:
            raise world.breach(f"reaper.{name} does not exist")
        least = len(wanted)
        while least and wanted[least - 1][1]:
            least -= 1
        if not least <= len(args) <= len(wanted):
            raise world.breach(
                f"reaper.{name} takes {least}…{len(wanted)} arguments, not {len(args)}"
            )
        for i, (arg, (kind, optional)) in enumerate(zip(args, wanted, strict=False), 1):
            if (why := _wrong(arg, kind)) and not (optional and arg is None):
                raise world.breach(f"reaper.{name}, argument {i}: {why}")
        world.calls.append(name)
        return run(world, *args)

    return call


def _wrong(arg: Any, kind: str) -> str:
    """Return what is wrong with an argument, an empty text when nothing is."""
    if kind in ("integer", "number"):
        if isinstance(arg, bool) or not isinstance(arg, (int, float)):
            return f"a number is needed, not {arg!r}"
        if arg != arg:
            return "not a number (NaN)"
        return "a whole number is needed" if kind == "integer" and arg != int(arg) else ""
    if kind == "boolean":
        return "" if isinstance(arg, bool) else f"true or false is needed, not {arg!r}"
    if kind == "string":
        return "" if isinstance(arg, (str, bytes)) else f"a text is needed, not {arg!r}"
    if kind == "function":
        return "" if callable(arg) else "a function is needed"
    if kind == "reaper.array":
        return "" if arg is not None and hasattr(arg, "keys") else "a reaper.array is needed"
    if kind == "identifier":
        return ""
    return _wrong_pointer(arg, kind)


def _wrong_pointer(arg: Any, kind: str) -> str:
    if kind == "ReaProject" and (arg is None or arg == 0):
        return ""
    if not isinstance(arg, Thing):
        return f"a {kind} is needed, not {arg!r}"
    if arg.kind != kind:
        return f"a {kind} is needed, not a {arg.kind}"
    return "" if arg.alive else f"this {kind} was removed: its pointer is freed"
