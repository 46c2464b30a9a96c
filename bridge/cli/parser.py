"""Options and arguments made from the command table, and an argument parser that helps."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from bridge.client.wire import absolute
from bridge.protocol import kinds
from bridge.protocol.errors import PunchinError
from bridge.protocol.kinds import Kind
from bridge.protocol.ops import Key

# What shtab reads from an action to complete file names.
FILES = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
_METAVARS = {"i": "N", "h": "N", "f": "X", "d": "X", "s": "TEXT"}


class Parser(argparse.ArgumentParser):
    """A parser that names the nearest option for an unknown one; exit code 2."""

    def __init__(self, name: str, about: str, **more: Any) -> None:
        super().__init__(prog=f"punchin {name}", description=about, allow_abbrev=False, **more)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; `--start_frame` is taken as `--start-frame`."""
        found, left = self.parse_known_args([_dashed(a) for a in args or ()], namespace)
        if left:
            self.error(self._unknown(left))
        return found

    def _unknown(self, left: Sequence[str]) -> str:
        option = next((a for a in left if a.startswith("-")), None)
        if not option:
            return f"too many arguments, beginning with {left[0]!r}: see {self.prog} --help"
        name = option.partition("=")[0]
        close = difflib.get_close_matches(name, self._option_string_actions, 1, 0.5)
        return f"no option {name}: " + (
            f"did you mean {close[0]}?" if close else f"see {self.prog} --help"
        )

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with exit code 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def _dashed(arg: str) -> str:
    if not arg.startswith("--"):
        return arg
    name, equals, value = arg.partition("=")
    return name.replace("_", "-") + equals + value


_FILES = (kinds.PATH, kinds.LORA_PATH)


def converter(kind: Kind) -> Callable[[str], Any]:
    """Return the function that makes a value for the wire from a word of the command line."""

    def convert(text: str) -> Any:
        try:
            if kind.osc in "ihfd":
                return kind.convert(_number(text))
            value = absolute(text) if kind in _FILES and text else text
            kind.convert(value)
            return value
        except PunchinError as e:
            raise argparse.ArgumentTypeError(e.message) from None

    return convert


def _number(text: str) -> Any:
    for make in (int, float):
        try:
            return make(text)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"{text!r} is no number")


def add_key(parser: argparse._ActionsContainer, key: Key) -> None:
    """Add the option of one key of the table."""
    action = parser.add_argument(
        "--" + key.name.replace("_", "-"),
        dest=f"key_{key.name}",
        type=converter(key.kind),
        metavar=metavar(key.kind),
        help=helped(key.meaning, key.kind),
    )
    complete(action, key.kind)


def complete(action: argparse.Action, kind: Kind) -> None:
    """Let the shell complete paths and names."""
    if kind in _FILES:
        action.complete = FILES  # type: ignore[attr-defined]
    elif kind.choices and isinstance(kind.shape(kind.choices[0]), str):
        action.choices = kind.choices


def metavar(kind: Kind) -> str:
    """Return what stands for a value in the usage line."""
    return "PATH" if kind is kinds.PATH else _METAVARS.get(kind.osc, "TEXT")


def helped(meaning: str, kind: Kind) -> str:
    """Return a help text: meaning, unit, range."""
    facts = [f for f in (kind.unit, kind.range) if f and f != meaning]
    return (f"{meaning} ({'; '.join(facts)})" if facts else meaning).replace("%", "%%")


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that asks a daemon."""
    group = parser.add_argument_group("connection")
    group.add_argument("--host", help="where the daemon listens, with --port")
    group.add_argument("--port", type=int, help="the daemon's port; default: as daemon.json says")
    group.add_argument("--json", action="store_true", help="print JSON, for scripts")
