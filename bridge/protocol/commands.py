"""The command table: every message that Punchin understands and every message that it sends.

A row is the only place where an address and its arguments are written down. Validation, `describe`,
the reference page, the Lua constants and the command line's options are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol import kinds as k
from bridge.protocol.kinds import Kind
from bridge.protocol.ops import OPS

PROTOCOL = 1
PREFIX = "/punchin/"
DEFAULT_PORT = 9140


@dataclass(frozen=True)
class Arg:
    """One positional argument."""

    name: str
    kind: Kind
    optional: bool = False


@dataclass(frozen=True)
class Command:
    """A message from a client.

    `keys`: key/value pairs of the key table follow the arguments. `clears`: a single empty string
    is accepted and clears the value. `op`: the job that it starts. `lane`: answered in the order in
    which jobs were asked for. `available`: False where this version answers 301.
    """

    address: str
    args: tuple[Arg, ...]
    summary: str
    section: str
    reply: str = ""
    keys: bool = False
    clears: bool = False
    op: str = ""
    lane: bool = False
    available: bool = True


@dataclass(frozen=True)
class Event:
    """A message to a client."""

    address: str
    args: tuple[Arg, ...]
    summary: str


def _op_rows() -> tuple[Command, ...]:
    args = (Arg("id", k.JOB_ID), Arg("source", k.PATH, optional=True))
    return tuple(
        Command(PREFIX + op.name, args, op.does, "jobs", "/punchin/accepted", keys=True, op=op.name, lane=True)
        for op in OPS
    )  # fmt: skip


def _context(name: str, args: tuple[Arg, ...], summary: str, clears: bool = True) -> Command:
    return Command(PREFIX + name, args, summary, "context", clears=clears)


def _live(name: str, args: tuple[Arg, ...], summary: str) -> Command:
    reply = "/punchin/player.reply" if name == "player" else ""
    return Command(PREFIX + name, args, summary, "preview", reply, lane=True)


_TAKE = k.whole("take", 1, 8)
_TAKE_OR_SOURCE = k.whole("take or 0", 0, 8)
_LAUNCH = k.choice("launch", ("now", "beat", "bar"))
_PUNCH = k.choice("when", ("now", "beat", "bar", "region"))
_FORWARD_BEAT = k.number("position", -1e6, 1e9, "quarter notes from project start", "d")

COMMANDS = (
    _context("region", (Arg("source", k.PATH), Arg("start", k.SECONDS), Arg("end", k.SECONDS), Arg("clip_start", k.SECONDS, True), Arg("clip_end", k.SECONDS, True)), "the selected part of a file, and the part that the DAW's clip shows"),
    _context("region_frames", (Arg("source", k.PATH), Arg("start", k.FRAME), Arg("end", k.FRAME), Arg("clip_start", k.FRAME, True), Arg("clip_end", k.FRAME, True)), "the same in sample positions"),
    _context("place", (Arg("seconds", k.SIGNED_SECONDS), Arg("beat", k.BEAT)), "where in the project the source's first sample lies"),
    _context("tempo", (Arg("bpm", k.BPM), Arg("beats", k.BEATS, True), Arg("unit", k.UNIT, True)), "tempo in quarter notes per minute, and metre"),
    _context("downbeat", (Arg("second", k.SIGNED_SECONDS),), "where in the source a bar starts"),
    _context("tempomap", (Arg("map", k.TEMPO_MAP),), "tempo and metre over the source"),
    _context("lyrics", (Arg("text", k.TEXT), Arg("language", k.WORD, True)), "the words", clears=False),
    _context("prompt", (Arg("text", k.TEXT),), "what it should sound like", clears=False),
    _context("key", (Arg("name", k.KEY_NAME),), "musical key"),
    _context("lora", (Arg("path", k.LORA_PATH), Arg("scale", k.LORA_SCALE, True)), "a file that changes the model, and how much (1 where nothing is said); 0 takes it off"),
    Command("/punchin/set", (), "any key as a default for later jobs; an empty string clears it", "context", keys=True),
    Command("/punchin/reset", (), "clears the whole context", "context"),
    _context("transport", (Arg("playing", k.FLAG), Arg("beat", _FORWARD_BEAT), Arg("bpm", k.BPM), Arg("bar_beat", k.BEAT, True)), "transport of the DAW, in quarter notes from project start and since this bar began"),
    _context("transport/playing", (Arg("value", k.FLAG),), "transport runs"),
    _context("transport/seconds", (Arg("value", k.SIGNED_SECONDS),), "play position in project time"),
    _context("transport/bpm", (Arg("value", k.BPM),), "tempo at the play position"),
    _context("selection/start", (Arg("value", k.SIGNED_SECONDS),), "start of the time selection, in project time"),
    _context("selection/end", (Arg("value", k.SIGNED_SECONDS),), "end of the time selection, in project time"),
    Command("/punchin/context", (), "what the daemon knows of the DAW", "context", "/punchin/context.reply"),
    *_op_rows(),
    Command("/punchin/do", (Arg("op", k.choice("op", tuple(op.name for op in OPS))), Arg("value", k.number("value", -1e9, 1e9), True)), "runs an op on the context with a chosen id; value 0 does nothing", "jobs", "/punchin/accepted", lane=True),
    Command("/punchin/cancel", (Arg("id", k.JOB_ID),), "cancels a job; * cancels every client's", "control", "/punchin/cancelled", lane=True),
    Command("/punchin/jobs", (), "running, waiting and recent jobs", "control", "/punchin/jobs.reply", lane=True),
    Command("/punchin/job", (Arg("id", k.ID),), "one job, as job.json holds it", "control", "/punchin/job.reply", lane=True),
    Command("/punchin/accept", (Arg("id", k.ID), Arg("take", _TAKE)), "makes a take the chosen one", "control", "/punchin/chosen", lane=True),
    Command("/punchin/forget", (Arg("id", k.ID),), "removes an ended job's folder", "control", "/punchin/forgotten", lane=True),
    Command("/punchin/notify", (Arg("on", k.FLAG), Arg("port", k.whole("port", 1, 65535), True)), "subscribes to the events of all jobs", "server"),
    Command("/punchin/version", (), "protocol and version", "server", "/punchin/version.reply"),
    Command("/punchin/status", (), "state, engine, device, queue, memory, disk, health, uptime", "server", "/punchin/status.reply"),
    Command("/punchin/sync", (Arg("n", k.whole("n", -(2**31), 2**31 - 1)),), "answered once every job that this client asked for before has ended", "server", "/punchin/synced", lane=True),
    Command("/punchin/describe", (), "this table", "server", "/punchin/describe.reply"),
    Command("/punchin/engine", (Arg("name", k.WORD), Arg("model", k.PATH, True)), "changes the engine, in turn with the jobs; none frees the GPU", "server", "/punchin/accepted", lane=True),
    Command("/punchin/presets", (), "presets for tasks and styles", "server", "/punchin/presets.reply"),
    Command("/punchin/dump", (Arg("on", k.FLAG),), "logs every message in and out", "server"),
    Command("/punchin/quit", (), "cancels open jobs and stops", "server", "/punchin/done"),
    _live("play", (Arg("id", k.ID), Arg("take", _TAKE_OR_SOURCE, True), Arg("role", k.WORD, True)), "plays a result"),
    _live("stop", (), "stops playing"),
    _live("loop", (Arg("on", k.FLAG),), "loops what plays"),
    _live("gain", (Arg("gain", k.DECIBEL),), "loudness of the preview"),
    _live("launch", (Arg("when", _LAUNCH),), "when a play begins"),
    _live("solo", (Arg("stem", k.WORD),), "plays one stem alone"),
    _live("swap", (Arg("id", k.ID), Arg("take", _TAKE_OR_SOURCE)), "changes the take without a gap"),
    Command("/punchin/capture", (Arg("on", k.FLAG), Arg("when", _PUNCH, True), Arg("bars", k.BARS, True), Arg("input", k.WORD, True)), "records an input into a WAV that becomes the region's source, or notes (input midi) that become the melody, told by /punchin/captured; 0 ends it", "preview"),
    _live("player", (), "position, level, underruns, device"),
)  # fmt: skip
COMMAND = {row.address: row for row in COMMANDS}

_JSON = k.text("json", 2**20)
_COUNT = k.whole("count", 0, 2**31 - 1)
_CODE = k.whole("code", 100, 500)
EVENTS = (
    Event("/punchin/accepted", (Arg("id", k.WORD), Arg("op", k.WORD), Arg("position", _COUNT), Arg("tag", k.TAG)), "the job is on disk; position 0 is next"),
    Event("/punchin/started", (Arg("id", k.WORD), Arg("engine", k.WORD)), "an engine works on it"),
    Event("/punchin/progress", (Arg("id", k.WORD), Arg("fraction", k.SHARE), Arg("stage", k.WORD), Arg("eta_s", k.number("eta", -1, 1e6, "seconds, -1 while unknown"))), "how far it is"),
    Event("/punchin/file", (Arg("id", k.WORD), Arg("role", k.WORD), Arg("take", _TAKE), Arg("path", k.PATH), Arg("seconds", k.LENGTH)), "a result is on disk, whole"),
    Event("/punchin/done", (Arg("id", k.WORD), Arg("json", _JSON)), "ended well; the result"),
    Event("/punchin/failed", (Arg("id", k.WORD), Arg("code", _CODE), Arg("name", k.WORD), Arg("message", k.TEXT)), "ended with a numbered error, or was refused"),
    Event("/punchin/cancelled", (Arg("id", k.WORD),), "ended by cancel, slot or quit"),
    Event("/punchin/chosen", (Arg("id", k.WORD), Arg("take", _TAKE), Arg("tag", k.TAG)), "a take was accepted, to all subscribers"),
    Event("/punchin/forgotten", (Arg("id", k.WORD),), "the job's folder is gone"),
    Event("/punchin/captured", (Arg("path", k.PATH), Arg("seconds", k.LENGTH), Arg("json", _JSON)), "a recording is on disk, whole, and is the region's source, or the melody of later jobs"),
    Event("/punchin/error", (Arg("code", _CODE), Arg("name", k.WORD), Arg("address", k.WORD), Arg("message", k.TEXT)), "a request that belongs to no job went wrong"),
    Event("/punchin/part", (Arg("name", k.WORD), Arg("index", _COUNT), Arg("count", _COUNT), Arg("text", k.TEXT)), "a piece of a JSON reply that is too long for one datagram"),
    Event("/punchin/version.reply", (Arg("protocol", _COUNT), Arg("version", k.WORD)), "protocol and version"),
    Event("/punchin/synced", (Arg("n", k.whole("n", -(2**31), 2**31 - 1)),), "every job asked for before has ended"),
    *(
        Event(f"/punchin/{name}.reply", (Arg("json", _JSON),), f"answer to /punchin/{name}")
        for name in ("context", "status", "describe", "presets", "jobs", "job", "player")
    ),
)  # fmt: skip
EVENT = {row.address: row for row in EVENTS}
TERMINAL = ("/punchin/done", "/punchin/failed", "/punchin/cancelled")
