"""`punchin serve`: the daemon in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge import places
from daemon import app
from daemon.core.sections import Settings
from daemon.core.settings import SettingsError, load
from daemon.home import Home, Occupied


def main(argv: Sequence[str]) -> int:
    """Run until told to stop; return 0 after a clean stop, 1 if it can't start, 2 for settings."""
    options = _parser().parse_args(argv)
    try:
        settings = load(options.settings, overrides=_overrides(options))
    except SettingsError as e:
        print("punchin: the settings need mending:", *e.mistakes, sep="\n  ", file=sys.stderr)
        return 2
    _log_to_standard_error(settings)
    try:
        with Home(places.home()) as home:
            asyncio.run(app.serve(settings, home, _say_ready))
    except Occupied as e:
        print(f"punchin: {e}", file=sys.stderr)
        return 1
    except OSError as e:
        print(f"punchin: {_why_not(e, settings)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("punchin serve", description="Run the daemon in front.")
    parser.add_argument("--host", help="address to listen on; default 127.0.0.1")
    parser.add_argument("--port", type=int, help="port for UDP and TCP, 0 for a free one")
    parser.add_argument("--engine", help="engine of jobs that name none")
    parser.add_argument("--model", type=Path, help="folder of the engine's model")
    parser.add_argument("--settings", type=Path, help="settings file instead of the default one")
    return parser


def _overrides(options: argparse.Namespace) -> dict[str, object]:
    model = options.model.absolute() if options.model else None
    return {
        "server.host": options.host,
        "server.port": options.port,
        "engine.name": options.engine,
        "engine.model": model and str(model),
    }


def _log_to_standard_error(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log.level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


def _say_ready(host: str, port: int) -> None:
    print(f"punchin: ready on {host}:{port} (OSC over UDP and TCP)", flush=True)


def _why_not(problem: OSError, settings: Settings) -> str:
    if problem.strerror and "in use" in problem.strerror:
        port = settings.server.port
        return f"port {port} is taken by another program: stop it, or choose another with --port"
    return f"{problem}: check the address and that {places.home()} is writable"
