"""`punchin midi list|maps|monitor|learn|play`: ports, maps, and notes out."""

from __future__ import annotations

import argparse
import contextlib
import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bridge.cli import show
from bridge.cli.parser import Parser, add_connection
from bridge.midi.maps import MODES
from bridge.protocol.errors import error

_SETTLE_S, _PATIENCE_S = 1.0, 30.0
_APPEAR_S = 2.0


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


_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "list": _json,
    "maps": _json,
    "monitor": _monitor_arguments,
    "learn": _learn_arguments,
    "play": _play_arguments,
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
        for port, message, _ in _heard(args, "listening; Ctrl-C ends it"):
            if args.json:
                show.dump({"port": port, "bytes": message.hex(), "text": describe(message)})
            else:
                print(f"{port}  {describe(message)}", flush=True)
    return 0


def _learn(args: argparse.Namespace) -> int:
    from bridge.midi.events import Event, event_of
    from bridge.midi.learn import guess
    from bridge.midi.own_map import add

    ask = f"move the control that shall send {args.address} …"
    events: list[Event] = []
    for port, message, _ in _heard(args, ask, lambda: _SETTLE_S if events else _PATIENCE_S):
        event = event_of(message, port)
        if event and not (event.kind == "note" and event.value == 0):
            events.append(event)
    learned = guess(events)
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
    with _opened(ports):
        send_in_time(messages, ports.send)
    return 0


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


# -- ports ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(ports: Any) -> Iterator[None]:
    """Hold ports open. Raises 403 when the wanted ones don't appear."""
    ports.open()
    try:
        until_s = time.monotonic() + _APPEAR_S
        while not ports.looked_s or (ports.problem() and time.monotonic() < until_s):
            time.sleep(0.01)
        if problem := ports.problem():
            raise problem
        yield
    finally:
        ports.close()


def _heard(
    args: argparse.Namespace, ready: str, patience_s: Callable[[], float] | None = None
) -> Iterator[tuple[str, bytes, float]]:
    """Say `ready`, then yield what comes in, until nothing did for `patience_s()`."""
    from bridge.midi.ports import Ports

    heard: queue.SimpleQueue[tuple[str, bytes, float]] = queue.SimpleQueue()

    def deliver(port: str, messages: list[tuple[bytes, float]]) -> None:
        for message, came_s in messages:
            heard.put((port, message, came_s))

    with _opened(Ports(tuple(args.input or ("",)), (), args.backend, deliver)):
        show.complain(ready)
        while True:
            try:
                yield heard.get(timeout=patience_s() if patience_s else None)
            except queue.Empty:
                return


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
}
