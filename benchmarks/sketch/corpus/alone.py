"""Players alone, from the General MIDI banks: drum kits, and one-voice instruments on a tune."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

from benchmarks.sketch import tunes
from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.corpus.fluid import BANKS, RATE, render, score_of
from benchmarks.sketch.corpus.patterns import DRUMS
from benchmarks.sketch.corpus.songs import Part, Song

_BARS = 8
_PROGRAMS = {"tune": (73, 60, 24), "test": (71, 40, 56)}
_DRUMS = {
    "tune": (("4/4", "rock", 104.0), ("4/4", "half-time", 142.0), ("3/4", "waltz", 120.0)),
    "test": (("4/4", "funk", 98.0), ("4/4", "four-floor", 126.0), ("6/8", "slow-rock", 92.0)),
}


def drums(set_name: str, folder: Path) -> list[Clip]:
    """Return drum kits alone."""
    clips = []
    for metre, pattern, bpm in _DRUMS[set_name]:
        beats, unit = (int(x) for x in metre.split("/"))
        bar = beats * 4 / unit
        hits = tuple(
            (n * bar + at, 0.1, key, velocity)
            for n in range(_BARS)
            for at, key, velocity in DRUMS[metre][pattern]
        )
        song = Song(
            f"drums-{set_name}-{pattern}",
            bpm,
            beats,
            unit,
            0,
            False,
            bar * _BARS,
            bar,
            0.0,
            (),
            (Part(None, hits),),
            (),
            (pattern,),
        )
        clips.append(_clip(song, set_name, "drums", folder))
    return clips


def lines(set_name: str, folder: Path) -> list[Clip]:
    """Return melodies on one instrument."""
    clips = []
    for program, tune in zip(_PROGRAMS[set_name], tunes.load(set_name), strict=False):
        lead = -tune.notes[0][0]
        notes = tuple((a + lead, (b - a) * 0.95, m, 95) for a, b, m in tune.notes)
        end = max(a + n for a, n, _, _ in notes)
        song = Song(
            f"line-{set_name}-{tune.name}",
            tune.bpm,
            tune.beats,
            tune.unit,
            tune.tonic,
            tune.minor,
            end,
            0.0,
            0.0,
            (),
            (Part(program, notes),),
            tuple((a, n, m) for a, n, m, _ in notes),
            (f"program {program}",),
        )
        clips.append(_clip(song, set_name, "solo", folder))
    return clips


def _clip(song: Song, set_name: str, kind: str, folder: Path) -> Clip:
    path = folder / f"{song.name}.flac"
    if not path.exists():
        sound = render(score_of(song), BANKS["fluidr3"])
        frames = round(song.quarters * 60 / song.bpm * RATE)
        sound = np.pad(sound, ((0, max(0, frames - len(sound))), (0, 0)))[:frames]
        sf.write(path, 0.6 * sound / max(1e-6, float(np.abs(sound).max())), RATE, "PCM_16")
    quarter_s = 60 / song.bpm
    return Clip(
        name=song.name,
        set=set_name,
        group="alone",
        kind=kind,
        file=str(path),
        bpm=song.bpm,
        beats=song.beats,
        unit=song.unit,
        downbeat=0.0 if kind == "drums" else None,
        tonic=None if kind == "drums" else song.tonic,
        minor=song.minor,
        notes=tuple((a * quarter_s, (a + n) * quarter_s, m) for a, n, m in song.melody),
        loop_quarters=song.loop_quarters,
        tags=song.tags,
    )
