"""Outputs by name, made from the settings: `preview`, `reastream`, `jack`.

Their libraries are loaded when an output is first made, so that a machine without one of them can
use the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from daemon.player import silent
from daemon.player.destinations import Destination
from daemon.player.outputs.base import Output

_SILENT_RATE = 48_000


def maker(options: Mapping[str, Any]) -> Callable[[str], Output]:
    """Return what makes an output of a name. It raises 402."""

    def make(name: str) -> Output:
        return _MAKERS[name](options)

    return make


def _preview(options: Mapping[str, Any]) -> Output:
    rate = options.get("rate")
    if options.get("device") == silent.NAME:
        return silent.SilentOutput(rate or _SILENT_RATE)
    from daemon.player.outputs.portaudio import PortAudioOutput

    return PortAudioOutput(
        options.get("device", ""), options.get("host_api", ""), options.get("latency", "safe"), rate
    )


def _jack(options: Mapping[str, Any]) -> Output:
    from daemon.player.outputs.jack import JackOutput
    from daemon.player.outputs.jack_ports import Rule

    told = options.get("jack", {})
    connect = tuple(Rule.parse(text) for text in told.get("connect", ()))
    return JackOutput(tuple(dict.fromkeys(told.get("pairs") or ("mix",))), connect)


def _reastream(options: Mapping[str, Any]) -> Output:
    from daemon.player.outputs.reastream import ReaStreamOutput

    told = options.get("reastream", {})
    destinations = [Destination.parse(text) for text in told.get("to", ())]
    pairs = Destination.pairs(destinations, options.get("jack", {}).get("pairs", ()))
    return ReaStreamOutput(destinations, told.get("rate") or _SILENT_RATE, pairs)


_MAKERS: dict[str, Callable[[Mapping[str, Any]], Output]] = {
    "preview": _preview,
    "jack": _jack,
    "reastream": _reastream,
}
