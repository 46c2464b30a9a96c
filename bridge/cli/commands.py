"""The list of commands: name, group, summary, module."""

from __future__ import annotations

from typing import NamedTuple

from bridge.protocol.commands import COMMANDS as ROWS
from bridge.protocol.commands import PREFIX
from bridge.protocol.ops import OPS


class Entry(NamedTuple):
    """One command. `module` is empty where `bridge.entry` hands the command to the daemon."""

    group: str
    summary: str
    module: str


_OWN_CONTEXT = ("set", "reset", "context")
_PLAYING = ("loop", "gain", "launch", "solo", "swap")


def context_rows() -> dict[str, str]:
    """Return the context commands made straight from their rows: name and address."""
    names = {row.address.removeprefix(PREFIX): row for row in ROWS if row.section == "context"}
    return {
        name.replace("_", "-"): row.address
        for name, row in names.items()
        if "/" not in name and name not in _OWN_CONTEXT
    }


def _summary(address: str) -> str:
    return next(row.summary for row in ROWS if row.address == address)


COMMANDS: dict[str, Entry] = {
    "serve": Entry("daemon", "runs the daemon in the foreground", ""),
    "start": Entry("daemon", "leaves a daemon in the background", "server"),
    "status": Entry("daemon", "state, engine, queue, memory, disk, health", "server"),
    "engine": Entry("daemon", _summary("/punchin/engine"), "server"),
    "quit": Entry("daemon", "cancels open jobs and stops the daemon", "server"),
    **{op.name: Entry("jobs", op.does, "ops") for op in OPS},
    "jobs": Entry("jobs", "running, waiting and recent jobs", "server"),
    "job": Entry("jobs", "one job, as job.json holds it", "server"),
    "cancel": Entry("jobs", "cancels a job, or all with '*'", "server"),
    "forget": Entry("jobs", "removes an ended job's folder", "server"),
    "accept": Entry("jobs", "makes a take the chosen one", "server"),
    "watch": Entry("jobs", "prints the events of all jobs until Ctrl-C", "watch"),
    **{n: Entry("context", _summary(address), "context") for n, address in context_rows().items()},
    "set": Entry("context", "sets any key as a default for later jobs", "context"),
    "reset": Entry("context", "clears the whole context", "context"),
    "context": Entry("context", "prints what the daemon knows of the DAW", "server"),
    "play": Entry("preview", "plays a result", "context"),
    "stop": Entry("preview", "stops playing", "context"),
    **{n: Entry("preview", _summary(f"/punchin/{n}"), "context") for n in _PLAYING},
    "player": Entry("preview", "what plays, how, and where the DAW's transport is", "server"),
    "capture": Entry("preview", _summary("/punchin/capture"), "context"),
    "devices": Entry("preview", "audio devices, and which one the preview uses", ""),
    "midi": Entry("preview", "MIDI: list, maps, monitor, learn, play, record", "midi"),
    "send": Entry("protocol", "sends any message and prints the replies", "send"),
    "describe": Entry(
        "protocol", "prints the table of commands, keys, events and errors", "describe"
    ),
    "presets": Entry("protocol", "presets for tasks and styles", "server"),
    "models": Entry("installation", "lists, fetches, checks and converts model weights", ""),
    "install": Entry(
        "installation", "login service, scripts for REAPER and Live; --remove undoes it", "install"
    ),
    "doctor": Entry("installation", "checks the installation and says how to mend it", ""),
    "demo": Entry("installation", "plays the DAW's part on two clips that come with Punchin", ""),
    "completion": Entry("installation", "prints the shell completion", "completion"),
}
