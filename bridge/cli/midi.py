"""`punchin midi list|maps|monitor|learn|play|record`: ports, maps, notes out and in."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.cli import show
from bridge.cli.listening import heard, opened
from bridge.cli.parser import Parser, add_connection
from bridge.midi.maps import MODES
from bridge.protocol.errors import error

_SETTLE_S, _PATIENCE_S = 1.0, 30.0
_NEXT = "the next generate, bgm or layer arranges it"


def build(name: str) -> Parser:
    """Return the parser."""
    parser = Parser(name, "MIDI ports and maps; docs/midi.md has the set-up of a controller.")
    actions = parser.add_subparsers(
        metavar="ACTION", required=True, parser_class=argparse.ArgumentParser
    )
    for action, (about, run) in _ACTIONS.items():
        one = actions.add_parser(action, help=about, description=f"{about.capitalize()}.")
        one.add_argument("--backend", default="auto", help="alsa, coremidi, winmm, jack or auto")
        _ARGUMENTS[action](one)
        one.set_defaults(run=run)
    parser.set_defaults(run=_list)
    return parser


def _input(parser: argparse.ArgumentParser) -> None:
    about = "the input, by a part of its name; default: every one"
    parser.add_argument("--input", action="append", help=about)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def _monitor_arguments(parser: argparse.ArgumentParser) -> None:
    _input(parser)
    _json(parser)


def _learn_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("map", help="your map; it is made when there is none of this name")
    parser.add_argument("address", help="what the control sends: /punchin/do")
    parser.add_argument("words", nargs="*", help="its arguments; $value is the control's position")
    parser.add_argument("--name", help="what the control is called; default: what it sends")
    parser.add_argument("--mode", choices=MODES["cc"], help="in place of what is heard")
    _input(parser)
    _json(parser)


def _play_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", help="the id of a job with a midi result, or a .mid file")
    parser.add_argument("--take", type=int, default=1, help="the job's take, default 1")
    parser.add_argument("--clock", action="store_true", help="send MIDI clock with the notes")
    parser.add_argument("--output", required=True, help="the output, by a part of its name")
    add_connection(parser)


def _record_arguments(parser: argparse.ArgumentParser) -> None:
    about = "the .mid file to write; default: a new one in the daemon's folder captures"
    parser.add_argument("file", type=Path, nargs="?", help=about)
    parser.add_argument("--bars", type=float, default=4.0, help="how long, default 4")
    parser.add_argument("--bpm", type=float, help="the tempo, where no MIDI clock comes in")
    parser.add_argument("--meter", default="4/4", help="the metre, default 4/4")
    _input(parser)
    add_connection(parser)


_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "list": _json,
    "maps": _json,
    "monitor": _monitor_arguments,
    "learn": _learn_arguments,
    "play": _play_arguments,
    "record": _record_arguments,
}


def _list(args: argparse.Namespace) -> int:
    from bridge.midi import backends

    found, problems = backends.listing(args.backend)
    if not found and problems:
        raise problems[0]
    if args.json:
        show.dump({"ports": [vars(p) for p in found]})
        return 0
    for place in found:
        print(f"{place.direction:<4} {place.backend:<9} {place.name}")
    if not found:
        print("no MIDI ports")
    return 0


def _maps(args: argparse.Namespace) -> int:
    from bridge.midi import map_file

    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for name in sorted(map_file.known()):
        try:
            found = map_file.load(name)
            rows.append({"name": name, "controls": len(found.controls), "about": found.description})
        except map_file.MapError as e:
            wrong += e.mistakes
    if args.json:
        show.dump({"maps": rows, "mistakes": wrong})
    else:
        for row in rows:
            print(f"{row['name']:<12} {row['controls']:>3} controls  {row['about']}")
        for line in wrong:
            show.complain(line)
    return 1 if wrong else 0


def _monitor(args: argparse.Namespace) -> int:
    from bridge.midi.events import describe

    with contextlib.suppress(KeyboardInterrupt):
        for row in filter(None, heard(args.input, args.backend, "listening; Ctrl-C ends it")):
            port, message, _ = row
            if args.json:
                show.dump({"port": port, "bytes": message.hex(), "text": describe(message)})
            else:
                print(f"{port}  {describe(message)}", flush=True)
    return 0


def _learn(args: argparse.Namespace) -> int:
    from bridge.midi.learn import guess
    from bridge.midi.own_map import add

    learned = guess(_moved(args))
    if learned is None:
        raise error(403, f"no control was moved for {_PATIENCE_S:g} s: see punchin midi monitor")
    if args.mode and learned.kind == "cc":
        learned = type(learned)(**{**vars(learned), "mode": args.mode})
    words = [_value(w) for w in args.words]
    name = args.name or " ".join(map(str, [args.address.rsplit("/", 1)[-1], *words]))
    path = add(args.map, learned, name, [[args.address, *words]])
    if args.json:
        show.dump({"file": str(path), "name": name, **vars(learned)})
    else:
        place = f"{learned.kind} {learned.number} on channel {learned.channel} ({learned.mode})"
        print(f"{place} of {learned.port} sends {name}: written to {path}")
    return 0


def _moved(args: argparse.Namespace) -> list[Any]:
    """Return what one control did, until it rests."""
    from bridge.midi.events import event_of

    events: list[Any] = []
    last_s = time.monotonic()
    ask = f"move the control that shall send {args.address} …"
    for row in heard(args.input, args.backend, ask):
        event = event_of(row[1], row[0]) if row else None
        if event and not (event.kind == "note" and event.value == 0):
            events.append(event)
            last_s = time.monotonic()
        if time.monotonic() - last_s > (_SETTLE_S if events else _PATIENCE_S):
            break
    return events


def _play(args: argparse.Namespace) -> int:
    from bridge.midi.notes import clock_ticks, send_in_time, timed_notes
    from bridge.midi.ports import Ports

    path = _midi_file(args)
    try:
        data = path.read_bytes()
    except OSError as e:
        raise error(200, f"{path} can't be read ({e.strerror}): name a job or a file") from None
    messages = timed_notes(data)
    if args.clock:
        length_s = max((t for t, _ in messages), default=0.0)
        messages = [*clock_ticks(data, length_s), *messages]
    ports = Ports((), (args.output,), args.backend, lambda *_: None)
    with opened(ports):
        send_in_time(messages, ports.send)
    return 0


def _record(args: argparse.Namespace) -> int:
    from bridge.midi.clock import Clock
    from bridge.midi.played import Recorder, midi_file, new_file
    from bridge.protocol import kinds

    beats, unit = (int(n) for n in kinds.METRE.convert(args.meter).split("/"))
    bpm = kinds.BPM.convert(120.0 if args.bpm is None else args.bpm)
    clock, bar = Clock(), beats * 4 / unit
    recorder = Recorder(clock.song, bar, bpm, kinds.BARS.convert(args.bars) * bar)
    ask = f"recording {args.bars:g} bars from the first note on; Ctrl-C drops it"
    for row in heard(args.input, args.backend, ask):
        if row and row[1][0] >= 0xF0:
            clock.feed(row[1], row[2])
        elif row:
            recorder.feed(row[1], row[2])
        if recorder.done(time.monotonic()):
            break
    notes, length = recorder.finish()
    path = (args.file or new_file()).absolute()
    bpm = clock.line.bpm if clock.line else bpm
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(midi_file(notes, bpm, beats, unit, length))
    except OSError as e:
        raise error(401, f"{path} can't be written ({e.strerror}): name another") from None
    is_told = _tell_line(args, path, bpm, beats, unit)
    if args.json:
        show.dump({"file": str(path), "notes": len(notes), "bpm": bpm, "in_context": is_told})
    else:
        print(f"{len(notes)} notes at {bpm:.2f} bpm: {path}")
        print(_NEXT if is_told else f"punchin generate --melody {path} arranges it")
    return 0


def _tell_line(args: argparse.Namespace, path: Path, bpm: float, beats: int, unit: int) -> bool:
    """Make the line the melody of later jobs, where a daemon runs."""
    from bridge.cli.connect import client
    from bridge.client.values import NoDaemon

    try:
        with client(args) as daemon:
            daemon.set(melody=str(path))
            daemon.tempo(bpm, beats, unit)
    except NoDaemon:
        return False
    return True


def _midi_file(args: argparse.Namespace) -> Path:
    if args.what.endswith((".mid", ".midi")):
        return Path(args.what).expanduser()
    from bridge.cli.connect import client

    with client(args) as daemon:
        files = daemon.job(args.what)["files"]
    found = [f["path"] for f in files if (f["role"], f["take"]) == ("midi", args.take)]
    if not found:
        raise error(108, f"job {args.what} has no midi of take {args.take}: see punchin job")
    return Path(found[0])


def _value(word: str) -> Any:
    for make in (int, float):
        with contextlib.suppress(ValueError):
            return make(word)
    return word


_ACTIONS: dict[str, tuple[str, Callable[[argparse.Namespace], int]]] = {
    "list": ("lists the MIDI ports of this machine", _list),
    "maps": ("lists the maps and what is wrong in them", _maps),
    "monitor": ("prints what comes in until Ctrl-C", _monitor),
    "learn": ("teaches a map a control that you move", _learn),
    "play": ("plays a job's MIDI result out of a port", _play),
    "record": ("writes what you play, from the first note on, to a MIDI file", _record),
}
