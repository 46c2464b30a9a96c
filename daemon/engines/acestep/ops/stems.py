"""`stems`: the clip taken apart, by Demucs where it is installed, else by the model's *extract*.

Demucs' stems sum to the clip. The model's are played anew, one run each: they do not.
"""

from __future__ import annotations

from collections.abc import Sequence

from daemon.engines.acestep.ops.passages import passages_of
from daemon.engines.acestep.ops.playing import asked, played
from daemon.engines.acestep.ops.repaint import spare_note
from daemon.engines.acestep.ops.sounding import hand_over, pieces_of
from daemon.engines.acestep.ops.tracks import BAND, asked_stems, track_of
from daemon.engines.acestep.recipe import alone
from daemon.engines.acestep.separate import demucs
from daemon.engines.acestep.separate.demucs import Demucs
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Part, Share
from daemon.engines.acestep.tasks import able
from daemon.engines.acestep.view import whole
from daemon.engines.base import Chunk, Port, Request, Result

USUAL = ("vocals", *BAND)
"""What the model takes out where nobody says which stems are wanted."""
_ANEW = (
    "The stems {} were played anew by the model: they do not sum to the clip. With Demucs they do: "
    "pip install 'punchin[stems]' and punchin models pull htdemucs."
)
_BY = "The stems are by {}: all of them together are the clip."


def stems(session: Session, request: Request, port: Port) -> Result:
    """Take the clip apart into what `stems` names. Raises 301 where nothing here can."""
    wanted = asked_stems(request.options.get("stems", ""))
    port.progress(0.01, "loading")
    separator = session.beside.separator(frozenset(wanted))
    sources = separator.sources if separator else ()
    split = tuple(name for name in wanted or sources if name in sources)
    anew = tuple(name for name in wanted or (() if sources else USUAL) if name not in sources)
    notes: list[str] = []
    if anew and split and able("extract", session.found) is None:
        notes.append(f"There is no stem {', '.join(anew)} here: punchin models pull base.")
        anew = ()
    middle = len(split) / len(split + anew)
    if separator and split:
        by_demucs(separator, request, split, Share(port, 0.02, middle, "separating"))
        notes.append(_BY.format(separator.name))
    if anew:
        notes += _extracted(session, request, anew, Part(port, middle, 1 - middle))
    return Result(request.key, tuple(notes))


def by_demucs(separator: Demucs, request: Request, names: Sequence[str], share: Share) -> None:
    """Hand over the stems `names` of the clip as they are found."""
    at, span = 0, request.spans[0]
    blocks = demucs.split(separator, request.clip, request.rate, share.port.check, share.tell)
    for found in blocks:
        length = len(found[names[0]])
        here = slice(max(0, span.start - at), max(0, min(length, span.end - at)))
        for name in names if here.start < here.stop else ():
            share.port.emit(Chunk(f"stem:{name}", at + here.start, found[name][here]))
        at += length


def _extracted(session: Session, request: Request, names: Sequence[str], part: Part) -> list[str]:
    """Hand over the stems `names`, made anew one by one; return notes."""
    tracks = {name: track_of(name) for name in names}
    checkpoint = session.checkpoint_for("extract")
    view = whole(request)
    source = session.source(request, view, checkpoint, part.share(0.02, 0.1, "encoding"))
    passages = passages_of(request.clip, view.frames)
    notes = [_ANEW.format(", ".join(names)), *spare_note(view)]
    for number, (name, track) in enumerate(tracks.items()):
        step = 0.9 * part.length / len(names)
        one = Part(part.port, part.first + 0.1 * part.length + number * step, step)
        share = one.share(0.0, 0.85, f"extracting {name}")
        score, told = asked(session, request, checkpoint, passages, "extract", (track,), part.port)
        rows = [alone(request.seed)]
        made = played(session, request, checkpoint, view, source[None], score, rows, share)[0]
        share = one.share(0.85, 1.0, "decoding")
        pieces = pieces_of(session, made, view, request.spans[0], request.handle, share)
        notes += (*told, *hand_over(pieces, f"stem:{name}", share))
    return list(dict.fromkeys(notes))
