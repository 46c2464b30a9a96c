"""`punchin midi list|maps|monitor|learn|play|record`: ports, maps, notes out and in."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bridge.cli import midi_notes, show
from bridge.cli.listening import heard
from bridge.cli.parser import Parser
from bridge.midi.maps import MODES
from bridge.protocol.errors import error

_SETTLE_S, _PATIENCE_S = 1.0, 30.0


def build(name: str) -> Parser:
    """Return the parser."""
    parser = Parser(name, "MIDI ports and maps; docs/midi.md has the set-up of a controller.")
    actions = parser.add_subparsers(
        metavar="ACTION", required=True, parser_class=argparse.ArgumentParser
    )
    for action, (about, run) in _ACTIONS.items():
        one = actions.add_parser(action, help=about, description=f"{about[0].upper()}{about[1:]}.")
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
    ends, about = ("LOW", "HIGH"), "what $value is at both ends; default: 0 1"
    parser.add_argument("--scale", nargs=2, type=float, metavar=ends, help=about)
    parser.add_argument("--round", action="store_true", help="$value in whole numbers")
    _input(parser)
    _json(parser)


_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "list": _json,
    "maps": _json,
    "monitor": _monitor_arguments,
    "learn": _learn_arguments,
    "play": midi_notes.play_arguments,
    "record": midi_notes.record_arguments,
}


def _list(args: argparse.Namespace) -> int:
    from bridge.midi import backends

    found, problems = backends.listing(args.backend)
    if len(problems) == len(backends.available(args.backend)):
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
    from bridge.midi.map_notes import notes

    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    odd: list[dict[str, Any]] = []
    for name in sorted(map_file.known()):
        try:
            found = map_file.load(name)
            rows.append({"name": name, "controls": len(found.controls), "about": found.description})
            odd += [note.as_dict() for note in notes([found])]
        except map_file.MapError as e:
            wrong += e.mistakes
    if args.json:
        show.dump({"maps": rows, "mistakes": wrong, "notes": odd})
    else:
        for row in rows:
            print(f"{row['name']:<12} {row['controls']:>3} controls  {row['about']}")
        for line in [*wrong, *(f"note {note['code']}: {note['message']}" for note in odd)]:
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
    from bridge.midi.own_map import add, check

    words = [_value(w) for w in args.words]
    check(args.map, [[args.address, *words]], args.scale, args.round)
    learned = guess(_moved(args))
    if learned is None:
        raise error(403, f"no control was moved for {_PATIENCE_S:g} s: see punchin midi monitor")
    if args.mode and learned.kind == "cc":
        learned = replace(learned, mode=args.mode)
    learned = replace(learned, scale=args.scale and tuple(args.scale), round=args.round)
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
    "play": ("plays a job's MIDI result out of a port", midi_notes.play),
    "record": ("writes what you play, from the first note on, to a MIDI file", midi_notes.record),
}
