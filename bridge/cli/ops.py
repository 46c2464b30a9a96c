"""`punchin <op> [SOURCE] --key value …`: run a job, show its progress, print its files."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli import show
from bridge.cli.connect import client
from bridge.cli.interrupts import Interrupts
from bridge.cli.parser import FILES, Parser, add_connection, add_key, converter
from bridge.cli.progress import View, view
from bridge.client.job import Job
from bridge.client.launch import ensure
from bridge.client.values import Cancelled, NoDaemon, Result
from bridge.client.wire import absolute
from bridge.protocol import kinds
from bridge.protocol.errors import PunchinError
from bridge.protocol.ops import KEYS, OP

_SLICE_S = 0.1


def build(name: str) -> Parser:
    """Return the parser of an op."""
    op = OP[name]
    needs = f" Needs {', '.join(n.replace('|', ' or ') for n in op.needs)}."
    parser = Parser(name, f"{op.does[0].upper()}{op.does[1:]}.{needs}")
    parser.set_defaults(run=run, op=name, source=None)
    if name != "generate":
        source = parser.add_argument(
            "source",
            nargs="?",
            type=absolute,
            metavar="SOURCE",
            help="the file to work on; without it, the region that the DAW has told",
        )
        source.complete = FILES  # type: ignore[attr-defined]
    parser.add_argument("--id", type=converter(kinds.ID), help="the job's id; chosen without it")
    add_connection(parser)
    keys = parser.add_argument_group("keys")
    for key in KEYS:
        if name in key.ops:
            add_key(keys, key)
    return parser


def run(args: argparse.Namespace) -> int:
    """Run a job to its end; start a daemon for it when none answers."""
    if args.port is None and args.host is None:
        told, started = ensure()
        if started:
            show.complain(f"started a daemon, pid {told['pid']}; punchin quit stops it")
    keys = {k.removeprefix("key_"): v for k, v in vars(args).items() if k.startswith("key_")}
    with client(args) as daemon, Interrupts() as interrupts, view() as shown:
        job = daemon.start(args.op, args.source, id=args.id, on_progress=shown.progress, **keys)
        ended = _follow(job, shown, interrupts)
    _tell(job, ended, args.json)
    return 0 if isinstance(ended, Result) else 1


def _follow(job: Job, shown: View, interrupts: Interrupts) -> Result | Exception:
    """Wait for the end of a job, and cancel it at Ctrl-C; return what it ended with."""
    asked = False
    while True:
        try:
            return job.wait(_SLICE_S)
        except TimeoutError:
            shown.state(job.state, job.position)
        except (PunchinError, Cancelled, NoDaemon) as ended:
            return ended
        if interrupts.count and not asked:
            asked = True
            shown.state("cancelling", 0)
            job.cancel()


def _tell(job: Job, ended: Result | Exception, as_json: bool) -> None:
    if as_json:
        show.dump(_record(job, ended))
    else:
        show.files(job.files)
    if isinstance(ended, Exception):
        show.complain(show.failure_line(ended))
    elif not as_json:
        _remarks(ended.result)
        if not ended.files:
            show.facts(_readable(ended.result))


def _record(job: Job, ended: Result | Exception) -> dict[str, Any]:
    files = [f.as_dict() for f in job.files]
    if isinstance(ended, Result):
        return {"id": job.id, "state": "done", "files": files, "result": ended.result}
    state = job.state if job.ended else "unknown"
    record: dict[str, Any] = {"id": job.id, "state": state, "files": files}
    return record if isinstance(ended, Cancelled) else {**record, "error": show.failure(ended)}


def _remarks(result: dict[str, Any]) -> None:
    """Say what the engine could not do, and which keys it did not use."""
    # An analysis has its melody in `notes`, and says what it has to say in `remarks`.
    for note in (*(result.get("notes") or ()), *(result.get("remarks") or ())):
        if isinstance(note, str):
            show.complain(note)
    if ignored := result.get("ignored"):
        show.complain(f"not used here: {', '.join(map(str, ignored))}")


def _readable(result: dict[str, Any]) -> dict[str, Any]:
    """Return an analysis without its long lists: chords as names, notes as their number."""
    short = dict(result)
    if chords := short.get("chords"):
        short["chords"] = [c["name"] for c in chords]
    for name in ("notes", "downbeats"):
        if isinstance(short.get(name), list):
            short[name] = len(short[name])
    for name in ("ignored", "remarks"):
        short.pop(name, None)
    return short
