"""Clips in sketch's own sounds, with all seven chord qualities: written as briefs, played by it.

A bar counts only if every tone of its chord is played in it: what a style leaves out (fifths of a
rock guitar, a bass line alone) nobody can hear. Which bars those are is kept beside the clip.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile as sf

from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.corpus.songs import MAJOR, MINOR, TONES
from daemon.audio.grid import Grid
from daemon.engines.sketch.jobs.studio import open_studio
from daemon.engines.sketch.listen.names import key_name
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Plan, PlanChord
from daemon.engines.sketch.render.part import Window
from daemon.engines.sketch.render.stems import raw_stems

RATE = 44100
SEEDS = {"tune": 411, "test": 977}
_SUFFIX = {
    "maj": "",
    "min": "m",
    "7": "7",
    "min7": "m7",
    "maj7": "maj7",
    "sus4": "sus4",
    "dim": "dim",
}
# (degree, quality), every quality in every loop of eight bars
_LOOPS = {
    False: (
        "0 maj,5 min7,1 min,4 7,0 maj7,6 dim,4 sus4,4 7",
        "0 maj7,3 maj,6 dim,2 min7,5 min,1 min7,4 sus4,4 7",
    ),
    True: (
        "0 min,3 min7,6 7,2 maj7,5 maj,1 dim,4 sus4,4 7",
        "0 min7,5 maj7,1 dim,4 7,0 min,2 maj,4 sus4,4 7",
    ),
}


def make(set_name: str, folder: Path) -> list[Clip]:
    """Play one clip in every style, loops and keys by the set's seed."""
    studio = open_studio()
    rng = np.random.Generator(np.random.PCG64(SEEDS[set_name]))
    clips = []
    for i, (name, style) in enumerate(sorted(studio.styles.items())):
        minor, tonic = bool(i % 2), int(rng.integers(12))
        bpm = float(np.round(rng.uniform(*style.tempo_bpm), 1))
        row = _LOOPS[minor][int(rng.integers(2))].split(",")
        scale = MINOR if minor else MAJOR
        loop = [((tonic + scale[int(d)]) % 12, q) for d, q in (x.split() for x in row)]
        assert {q for _, q in loop} == set(TONES), row
        path = folder / f"own-{set_name}-{name}.flac"
        bar_s = 240 / bpm
        if not path.exists():
            chords = [PlanChord(4.0 * k, 4.0 * k + 4, _name(*c)) for k, c in enumerate(loop)]
            brief = Brief(
                grid=Grid.steady(bpm),
                start_s=0.0,
                end_s=8 * bar_s,
                key=key_name(tonic, minor),
                style=style,
                seed=SEEDS[set_name] + i,
                chords=tuple(chords),
            )
            window = Window(0, round(8 * bar_s * RATE), RATE)
            plan = arrange(brief)
            mix = sum(raw_stems(plan, studio.bank, window, lambda: None).values())
            sf.write(path, 0.6 * mix.T / np.abs(mix).max(), RATE, "PCM_16")
            path.with_suffix(".json").write_text(json.dumps(_played_whole(plan, loop)))
        whole = json.loads(path.with_suffix(".json").read_text())
        clips.append(
            Clip(
                name=path.stem,
                set=set_name,
                group="own",
                kind="mix",
                file=str(path),
                bpm=bpm,
                downbeat=0.0,
                tonic=tonic,
                minor=minor,
                chords=tuple(
                    (k * bar_s, (k + 1) * bar_s, *c) for k, c in enumerate(loop) if whole[k]
                ),
                loop_quarters=0.0,
                tags=(name,),
            )
        )
    return clips


def _played_whole(plan: Plan, loop: list[tuple[int, str]]) -> list[bool]:
    """Return for every bar whether all tones of its chord sound in it, for a quarter at least."""
    flags = []
    for k, (root, quality) in enumerate(loop):
        length = dict.fromkeys(((root + t) % 12 for t in TONES[quality]), 0.0)
        for part in plan.parts:
            for note in part.notes if not is_drums(part.instrument) else ():
                inside = min(note.start_quarter + note.length_quarters, 4 * k + 4) - max(
                    note.start_quarter, 4 * k
                )
                if note.midi % 12 in length and inside > 0:
                    length[note.midi % 12] += inside
        flags.append(min(length.values()) >= 1.0)
    return flags


def _name(root: int, quality: str) -> str:
    return ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[root] + _SUFFIX[
        quality
    ]
