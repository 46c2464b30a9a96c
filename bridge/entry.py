"""The console script `punchin`: hands the resident commands to `daemon`, all others to the client.

Only this module of `bridge` knows the package `daemon`, and finds it at run time, so that client
commands never load it.
"""

from __future__ import annotations

import sys
from importlib import import_module

RESIDENT = ("serve", "models", "doctor", "demo", "devices")
USAGE = 2


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit code: 0 done, 1 failed, 2 usage or installation."""
    args = sys.argv[1:] if argv is None else argv
    if args and args[0] in RESIDENT:
        return _resident(args[0], args[1:])
    from bridge.cli.main import main as client

    return client(args)


def _resident(name: str, args: list[str]) -> int:
    if trouble := wrong_daemon():
        print(trouble, file=sys.stderr)
        return USAGE
    run = import_module(f"daemon.cli.{name}").main
    return int(run(args))


def wrong_daemon() -> str:
    """Return what is wrong with the package `daemon`, an empty text when it is Punchin's.

    PyPI's python-daemon has the same import name.
    """
    from importlib.util import find_spec

    spec = find_spec("daemon")
    try:
        marked = spec is not None and getattr(import_module("daemon"), "PUNCHIN", False) is True
    except Exception:  # whatever a foreign package does on import
        marked = False
    if marked:
        return ""
    if not spec:
        return (
            "punchin: the package 'daemon' is missing from this Python.\n"
            f"  mend it: {sys.executable} -m pip install --force-reinstall --no-deps punchin"
        )
    return (
        f"punchin: the package 'daemon' found at {_place(spec)} is not Punchin's; PyPI's "
        "python-daemon has the same import name.\n"
        f"  mend it: {sys.executable} -m pip uninstall python-daemon\n"
        f"           {sys.executable} -m pip install --force-reinstall --no-deps punchin\n"
        "  or install Punchin into an environment of its own."
    )


def _place(spec: object) -> str:
    folders = list(getattr(spec, "submodule_search_locations", None) or ())
    return str(getattr(spec, "origin", None) or (folders[0] if folders else "an unknown place"))


if __name__ == "__main__":
    sys.exit(main())
