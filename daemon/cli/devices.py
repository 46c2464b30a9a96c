"""`punchin devices`: the audio devices, and which one the preview uses.

PortAudio is asked in a process of its own, because a broken sound server can hang whoever asks.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from bridge.protocol.errors import error
from daemon.cli.doctor.finding import Outcome, run
from daemon.core.sections import Settings
from daemon.core.settings import SettingsError, load

_S = 20.0
DONE, FAILED, USAGE = 0, 1, 2
Ask = Callable[[str, str], dict[str, Any]]


def main(argv: Sequence[str] | None = None, ask: Ask | None = None) -> int:
    """Print the devices; return 1 when there is none to play on."""
    parser = argparse.ArgumentParser(
        prog="punchin devices", description="Lists audio devices; * marks the preview's."
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    args = parser.parse_args(argv)
    try:
        settings = load()
    except SettingsError as mistakes:
        print(mistakes, file=sys.stderr)
        return USAGE
    told = report(settings, ask or asked)
    if args.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
    elif told["devices"]:
        print("\n".join(table(told["devices"])))
    if told["error"]:
        print(f"punchin devices: {told['error']['message']}", file=sys.stderr)
    return FAILED if told["error"] else DONE


def report(settings: Settings, ask: Ask) -> dict[str, Any]:
    """Return `{"devices", "error"}`, each device with `chosen`."""
    device, host_api = settings.audio.device, settings.audio.host_api
    if device != "none":
        return ask(device, host_api)
    told = ask("", "")
    return {"devices": [{**d, "chosen": False} for d in told["devices"]], "error": None}


def asked(device: str, host_api: str) -> dict[str, Any]:
    """Ask PortAudio in a process of its own."""
    command = [sys.executable, "-m", "daemon.player.devices", device, host_api]
    outcome = run(command, _S)
    try:
        return dict(json.loads(outcome.out.splitlines()[-1]))
    except (IndexError, ValueError):
        return {"devices": [], "error": _broken(outcome).as_dict()}


def _broken(outcome: Outcome) -> Any:
    mend = "restart the sound server, then see punchin doctor"
    return error(402, f"PortAudio does not answer ({outcome.last}): {mend}")


def table(devices: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line for each device, in columns."""
    rows = [_HEAD, *map(_row, devices)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


_HEAD = ("", "no", "device", "host API", "in", "out", "rates (Hz)", "latency out (ms)")


def _row(device: dict[str, Any]) -> tuple[str, ...]:
    rates = ", ".join(f"{r}" for r in device["rates"]) or str(device["rate"])
    low, high = device["output_latency_s"]
    return (
        "*" if device["chosen"] else "",
        str(device["index"]),
        device["name"],
        device["host_api"],
        str(device["inputs"]),
        str(device["outputs"]),
        rates,
        f"{low * 1000:.0f} … {high * 1000:.0f}" if device["outputs"] else "–",
    )
