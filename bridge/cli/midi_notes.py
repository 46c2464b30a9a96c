"""`punchin midi play|record`: notes out of a port, and a played line into a file."""

from __future__ import annotations

import argparse
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.cli import show
from bridge.cli.listening import heard, opened
from bridge.cli.parser import add_connection
from bridge.protocol.errors import PunchinError, error

_LOOK_S = 0.25
_NEXT = "the next generate, bgm or layer arranges it"


def play_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `punchin midi play` takes."""
    parser.add_argument("what", help="the id of a job with a midi result, or a .mid file")
    parser.add_argument("--take", type=int, default=1, help="the job's take, default 1")
    parser.add_argument("--clock", action="store_true", help="send MIDI clock with the notes")
    parser.add_argument("--output", required=True, help="the output, by a part of its name")
    parser.add_argument(
        "--launch", choices=("now", "beat", "bar"),
        help="begin with the DAW's transport, where it runs, and follow its tempo",
    )  # fmt: skip
    add_connection(parser)


def record_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `punchin midi record` takes."""
    about = "the .mid file to write; default: a new one in the daemon's folder captures"
    parser.add_argument("file", type=Path, nargs="?", help=about)
    parser.add_argument("--bars", type=float, default=4.0, help="how long, default 4")
    parser.add_argument("--bpm", type=float, help="the tempo, where no MIDI clock comes in")
    parser.add_argument("--meter", default="4/4", help="the metre, default 4/4")
    about = "the input, by a part of its name; default: every one"
    parser.add_argument("--input", action="append", help=about)
    add_connection(parser)


def play(args: argparse.Namespace) -> int:
    """Play a MIDI result or file out of a port. Raises 101, 108, 200, 201, 403."""
    from bridge.midi.notes import clock_ticks, send_in_time, timed_notes
    from bridge.midi.ports import Ports

    path = _midi_file(args)
    try:
        data = path.read_bytes()
    except OSError as e:
        raise error(200, f"{path} can't be read ({e.strerror}): name a job or a file") from None
    ports = Ports((), (args.output,), args.backend, lambda *_: None)
    with opened(ports):
        if args.launch and _play_on_beats(args, data, ports.send):
            return 0
        messages = timed_notes(data)
        if args.clock:
            length_s = max((t for t, _ in messages), default=0.0)
            messages = [*clock_ticks(data, length_s), *messages]
        send_in_time(messages, ports.send)
    return 0


def _play_on_beats(args: argparse.Namespace, data: bytes, send: Callable[[bytes], object]) -> bool:
    """Play with the transport that the daemon knows; return False where that stands."""
    from bridge.cli.connect import client
    from bridge.midi import on_beats

    messages = on_beats.quarter_notes(data)
    if args.clock:
        length = max((place for place, _ in messages), default=0.0)
        messages = [*on_beats.clock_quarters(length), *messages]
    with client(args) as daemon:
        watch = on_beats.Watch(lambda: daemon.player()["transport"])
        if not watch.song.playing:
            return False
        with _looking(watch.look):
            is_whole = on_beats.send_on_beats(
                messages, watch.next(args.launch), lambda: watch.song, send
            )
    if not is_whole:
        show.complain("the transport has stopped")
    return True


@contextlib.contextmanager
def _looking(look: Callable[[], None]) -> Iterator[None]:
    """Look again and again in a thread of its own."""
    done = threading.Event()

    def keep() -> None:
        # A daemon that has gone leaves the song as it was.
        with contextlib.suppress(ConnectionError, TimeoutError, PunchinError):
            while not done.wait(_LOOK_S):
                look()

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def record(args: argparse.Namespace) -> int:
    """Write what is played to a file, and tell the daemon. Raises 103, 401, 403."""
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
        # Of what waits to be read, all that came before the end belongs to it.
        if recorder.done(row[2] if row else time.monotonic()):
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
