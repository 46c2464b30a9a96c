"""The audio devices of this machine, and which of them the settings choose.

Run as `python -m daemon.player.devices [DEVICE [HOST_API]]` it prints the list as JSON; whoever
wants it without risk runs it so, because a broken sound server can hang whoever asks PortAudio.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bridge.protocol.errors import PunchinError, error
from daemon.player import portaudio_library

_RATES = (44100, 48000, 88200, 96000, 192000)


@dataclass(frozen=True)
class Device:
    """One device as one host API shows it.

    `inputs` and `outputs` are channels, `rate` and `rates` Hz: its own, and all that it takes of
    the usual ones. Latencies in seconds, (low, high), 0 where it has no such side.
    """

    index: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    rate: int
    rates: tuple[int, ...]
    input_latency_s: tuple[float, float]
    output_latency_s: tuple[float, float]
    default_input: bool
    default_output: bool


def found(library: Any) -> list[Device]:
    """Return every device, in PortAudio's order."""
    apis = library.query_hostapis()
    return [_device(library, raw, apis) for raw in library.query_devices()]


def _device(library: Any, raw: dict[str, Any], apis: Sequence[dict[str, Any]]) -> Device:
    api, index = apis[raw["hostapi"]], raw["index"]
    inputs, outputs = raw["max_input_channels"], raw["max_output_channels"]
    return Device(
        index,
        raw["name"],
        api["name"],
        inputs,
        outputs,
        round(raw["default_samplerate"]),
        tuple(r for r in _RATES if takes(library, raw, r)),
        _latencies(raw, "input", inputs),
        _latencies(raw, "output", outputs),
        index == api["default_input_device"],
        index == api["default_output_device"],
    )


def _latencies(raw: dict[str, Any], side: str, channels: int) -> tuple[float, float]:
    low, high = raw[f"default_low_{side}_latency"], raw[f"default_high_{side}_latency"]
    return (low, high) if channels else (0.0, 0.0)


def takes(library: Any, raw: dict[str, Any], rate: int) -> bool:
    """Whether a device plays (or, without outputs, records) at `rate` Hz."""
    plays = raw["max_output_channels"] > 0
    check = library.check_output_settings if plays else library.check_input_settings
    channels = min(2, raw["max_output_channels"] or raw["max_input_channels"])
    try:
        check(device=raw["index"], channels=channels, dtype="float32", samplerate=rate)
    except (library.PortAudioError, ValueError):
        return False
    return True


def choose(devices: Sequence[Device], wanted: str, host_api: str, side: str = "outputs") -> Device:
    """Return the device that the settings name. Raises PunchinError 402.

    `wanted`: a number, a name or a part of one, empty for the default; `host_api`: a part of a
    name, empty for any. `side`: `outputs` or `inputs`. A whole name wins over a part, the first
    over later ones.
    """
    fit = [d for d in devices if getattr(d, side) and _part(host_api, d.host_api)]
    if not fit:
        where = f" of {host_api}" if host_api else ""
        way = side.removesuffix("s")
        mend = "connect one or start its sound server (punchin devices lists what there is)"
        raise error(402, f"no audio {way} device{where}: {mend}")
    if not wanted:
        return _default(fit, side)
    if wanted.isdecimal():
        named = [d for d in fit if d.index == int(wanted)]
    else:
        named = [d for d in fit if d.name.lower() == wanted.lower()]
        named = named or [d for d in fit if _part(wanted, d.name)]
    if not named:
        names = ", ".join(dict.fromkeys(d.name for d in fit))
        raise error(402, f"no audio device {wanted!r}, there is {names}: see punchin devices")
    return named[0]


def _part(part: str, name: str) -> bool:
    return part.lower() in name.lower()


def _default(fit: Sequence[Device], side: str) -> Device:
    flag = "default_output" if side == "outputs" else "default_input"
    return next((d for d in fit if getattr(d, flag)), fit[0])


def report(wanted: str = "", host_api: str = "") -> dict[str, Any]:
    """Return `{"devices": […], "error": null}`; each device has `chosen`.

    With an error (`code`, `name`, `message`) nothing is chosen.
    """
    devices: list[Device] = []
    try:
        with portaudio_library.session() as library:
            devices = found(library)
        chosen, trouble = choose(devices, wanted, host_api).index, None
    except PunchinError as problem:
        chosen, trouble = -1, problem.as_dict()
    rows = [{**asdict(d), "chosen": d.index == chosen} for d in devices]
    return {"devices": rows, "error": trouble}


if __name__ == "__main__":
    print(json.dumps(report(*sys.argv[1:3]), ensure_ascii=False))
