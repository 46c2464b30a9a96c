"""`bgm`: an accompaniment for a vocal: some candidates, judged against the vocal, the best first.

A candidate is made in one of three ways (see `ways`) and, where somebody sings in it, without that
(see `backing`). Candidate i has the job's seed + i and the i-th way, the ways taking turns; there
is one for every way, or for every take if these are more. The takes of the job are the best of
them; each tells its way and its own seed, and with these, `ways` and `seed`, it can be made alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bridge.protocol.kinds import SEED_MAX
from daemon.engines.acestep.cache import window_key
from daemon.engines.acestep.judge.verdict import Verdict, hear, judge
from daemon.engines.acestep.ops.backing import MASK, Backing, on_time, without_vocal
from daemon.engines.acestep.ops.finishing import beat_of_kept
from daemon.engines.acestep.ops.layer import balanced
from daemon.engines.acestep.ops.repaint import spare_note
from daemon.engines.acestep.ops.tracks import BAND, SUNG, asked_stems, track_of
from daemon.engines.acestep.ops.ways import SONG, WAYS, Way, as_parts, ask, play, rendered
from daemon.engines.acestep.recipe import Recipe, alone, as_document
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Part
from daemon.engines.acestep.tasks import able
from daemon.engines.acestep.view import View, whole
from daemon.engines.base import Chunk, Port, Request, Result

_PIECE = 1 << 18
_ONLY_COVER = (
    "This set-up has no base checkpoint: bgm is a cover of the vocal, which follows it more "
    "loosely than a band would. punchin models pull base"
)


@dataclass(frozen=True, eq=False)
class Played:
    """What the model played: latents by stem, or of the whole `song`; its recipes, and notes."""

    latents: dict[str, torch.Tensor]
    recipes: tuple[Recipe, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Candidate:
    """One accompaniment: how it was made, what the model played, and what the judge says."""

    way: Way
    seed: int
    played: Played
    verdict: Verdict
    separation: str | None


def bgm(session: Session, request: Request, port: Port) -> Result:
    """Return the take's candidate; all are made and judged with the first take."""
    ways, notes = _ways(session, request)
    view = whole(request)
    pool = _pool(session, request, view, ways, Part(port, 0.0, 0.9))
    chosen = pool[request.take - 1]
    backing = _backing(session, request, view, chosen, Part(port, 0.9, 0.08))
    notes += handed(backing, request, request.options.get("balance"), port)
    told = (*notes, *_about(chosen, pool), *backing.notes, *chosen.played.notes, *spare_note(view))
    unused = ("reference",) if "cover" in ways else ("reference", "strength")
    documents = as_document(chosen.played.recipes)
    return Result(request.key, told, documents, seed=chosen.seed, unused=unused)


def handed(
    backing: Backing, request: Request, balance_lu: float | None, port: Port
) -> tuple[str, ...]:
    """Hand a backing over, at `balance_lu` to the clip where that is told; return notes."""
    gain, notes = 1.0, tuple[str, ...]()
    if balance_lu is not None:
        gain, notes = balanced([[(0, backing.mix())]], request, balance_lu)
    for name, samples in backing.stems.items():
        for at in range(0, len(samples), _PIECE):
            port.emit(Chunk(f"stem:{name}", at, samples[at : at + _PIECE] * np.float32(gain)))
    port.progress(1.0, "done")
    return notes


def _ways(session: Session, request: Request) -> tuple[tuple[Way, ...], tuple[str, ...]]:
    """Return the ways that were asked for and can be gone, and notes. Raises 301 if there is none.

    Without any asked for, all that the checkpoints here can.
    """
    told = asked_stems(request.options.get("ways", ""))
    wanted = tuple(way for way in WAYS if not told or way in told)
    ways = tuple(way for way in wanted if able(WAYS[way], session.found))
    if not ways:
        session.checkpoint_for(WAYS[wanted[0]])
    if not told:
        return ways, () if len(ways) > 1 else (_ONLY_COVER,)
    left_out = ", ".join(way for way in wanted if way not in ways)
    note = f"No checkpoint here can go the way {left_out}: punchin models pull base"
    return ways, (note,) if left_out else ()


def _pool(
    session: Session, request: Request, view: View, ways: Sequence[Way], part: Part
) -> tuple[Candidate, ...]:
    """Return the candidates of the whole job, the best first; they are made once."""
    takes = request.take + len(request.later_seeds)
    first = (request.seed - (request.take - 1)) % (SEED_MAX + 1)
    count = max(len(ways), takes)
    key = ("bgm", _of_clip(request), first, count, tuple(ways), _told(request))
    found = session.kept.get(key)
    if found is not None:
        pool: tuple[Candidate, ...] = found
        return pool
    made: list[Candidate] = []
    for number, way in enumerate(ways):
        seeds = [(first + i) % (SEED_MAX + 1) for i in range(number, count, len(ways))]
        length = part.length * len(seeds) / count
        share = Part(part.port, part.first + part.length * len(made) / count, length)
        made += _candidates(session, request, view, way, seeds, share)
    ranked = tuple(sorted(made, key=lambda one: (-one.verdict.mark, one.seed)))
    return session.kept.put(key, ranked)


def _candidates(
    session: Session, request: Request, view: View, way: Way, seeds: Sequence[int], part: Part
) -> list[Candidate]:
    """Make and judge one candidate for each seed; they are played as batches."""
    made: list[Candidate] = []
    rows, balance = session.ways.rows, request.options.get("balance")
    checkpoint = session.checkpoint_for(WAYS[way])
    asking = part.share(0.0, 0.05, "encoding")
    scores, notes = ask(session, request, checkpoint, view, way, _tracks(request), asking)
    part = Part(part.port, asking.last, 0.95 * part.length)
    for at in range(0, len(seeds), rows):
        here = seeds[at : at + rows]
        length = part.length * len(here) / len(seeds)
        share = Part(part.port, part.first + part.length * at / len(seeds), length)
        playing = Part(part.port, share.first, 0.75 * length)
        drawn = [alone(seed) for seed in here]
        found = play(session, request, checkpoint, view, scores, drawn, playing)
        for n, (seed, latents) in enumerate(zip(here, found, strict=True)):
            one = Played(latents, as_parts(scores, way, alone(seed), balance), notes)
            step = 0.25 * length / len(here)
            rest = Part(part.port, share.first + 0.75 * length + n * step, step)
            made.append(_judged(session, replace(request, seed=seed), view, way, one, rest))
    return made


def _judged(
    session: Session, request: Request, view: View, way: Way, played: Played, part: Part
) -> Candidate:
    """Return what was played as a candidate; its sound is kept for the take."""
    rendering = Part(part.port, part.first, 0.9 * part.length)
    backing = backing_of(session, request, view, played.latents, rendering)
    part.share(0.9, 1.0, "judging").tell(0.0)
    device = _for_spectra(session)
    vocal = session.kept.made(
        ("vocal", _of_clip(request)), lambda: hear(_vocal(request), part.port.check)
    )
    verdict = judge(backing.mix(), vocal, backing.removed, device, part.port.check)
    made = Candidate(way, request.seed, played, verdict, backing.separation)
    session.kept.put(_key(request, made), backing)
    return made


def _backing(session: Session, request: Request, view: View, one: Candidate, part: Part) -> Backing:
    """Return the sound of a candidate, as it was judged."""
    held: Backing | None = session.kept.get(_key(request, one))
    return held or backing_of(session, request, view, one.played.latents, part)


def backing_of(
    session: Session, request: Request, view: View, played: dict[str, torch.Tensor], part: Part
) -> Backing:
    """Return the sound of what was played, without a voice and on the vocal's beat.

    `played` are latents by stem, or of the whole `song`.
    """
    count, decoding = len(played), 0.5 if SONG in played else 1.0
    stems = {}
    for i, (name, latents) in enumerate(played.items()):
        share = part.share(decoding * i / count, decoding * (i + 1) / count, "decoding")
        stems[name] = rendered(session, request, view, latents, share)
    if SONG not in stems:
        made = Backing(stems, 0.0, None)
    else:
        separator, device = session.beside.separator(), _for_spectra(session)
        share = part.share(decoding, 1.0, "separating")
        made = without_vocal(
            stems[SONG], _vocal(request), separator, device, part.port.check, share.tell
        )
    mode = str(request.options.get("grid", "correct"))
    if mode == "off":
        return made
    beat = beat_of_kept(session, request, [(0, len(request.clip))])
    return on_time(made, beat, mode == "correct")


def _for_spectra(session: Session) -> torch.device:
    """Return where spectra are computed; Apple's GPU lacks what complex numbers need."""
    device = session.placement.device
    return torch.device("cpu") if device.type == "mps" else device


def _vocal(request: Request) -> np.ndarray:
    """Return the vocal over the request's span; resampling may have left it a sample short."""
    span = request.spans[0]
    held = np.asarray(request.clip[span.start : span.end])
    return np.pad(held, ((0, span.frames - len(held)), (0, 0)))


def _tracks(request: Request) -> tuple[str, ...]:
    """Return the model's tracks of the band that was asked for. Raises 301 for unknown ones."""
    asked = asked_stems(request.options.get("stems", ""))
    played = [track_of(name) for name in asked if name not in (*SUNG, "other")]
    return tuple(dict.fromkeys(played)) or BAND


def _about(chosen: Candidate, pool: Sequence[Candidate]) -> tuple[str, ...]:
    """Return how the take was made, and how it compares."""
    notes = [f"made by {chosen.way} from seed {chosen.seed}, {chosen.verdict.words()}"]
    if chosen.separation:
        taken = f"{100 * chosen.verdict.removed:.0f} % of the energy was taken out as vocal"
        notes.append(f"separation: {chosen.separation} ({taken})")
    if chosen.separation == MASK:
        notes.append("Demucs separates better: pip install 'punchin[stems]', models pull htdemucs.")
    if len(pool) > 1:
        marks = ", ".join(f"{one.way} {one.seed}: {one.verdict.mark:.2f}" for one in pool)
        notes.append(f"candidates, the best first: {marks}")
    return tuple(notes)


def _of_clip(request: Request) -> object:
    return window_key(np.asarray(request.clip), request.source_mark, request.source_start)


def _told(request: Request) -> str:
    """Return all else that the candidates depend on."""
    grid = f"{request.grid.rows()} {request.grid.downbeat}"
    spans = [(span.start, span.end) for span in request.spans]
    return f"{sorted(request.options.items())} {request.key} {grid} {spans}"


def _key(request: Request, one: Candidate) -> tuple[object, ...]:
    return ("backing", _of_clip(request), one.way, one.seed, _told(request))
