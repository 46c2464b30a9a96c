"""Clips in sketch's own sounds, with all seven chord qualities: written as briefs, played by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.corpus.songs import MAJOR, MINOR, TONES
from daemon.audio.grid import Grid
from daemon.engines.sketch.jobs.studio import open_studio
from daemon.engines.sketch.listen.names import key_name
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.types import PlanChord
from daemon.engines.sketch.render.part import Window
from daemon.engines.sketch.render.stems import raw_stems

RATE = 44100
SEEDS = {"tune": 411, "test": 977}
_SUFFIX = {"maj": "", "min": "m", "7": "7", "min7": "m7", "maj7": "maj7", "sus4": "sus4",
           "dim": "dim"}  # fmt: skip
# (degree, quality), every quality in every loop of eight bars
_LOOPS = {
    False: ("0 maj,5 min7,1 min,4 7,0 maj7,6 dim,4 sus4,4 7", "0 maj7,3 maj,6 dim,2 min7,5 min,1 min7,4 sus4,4 7"),
    True: ("0 min,3 min7,6 7,2 maj7,5 maj,1 dim,4 sus4,4 7", "0 min7,5 maj7,1 dim,4 7,0 min,2 maj,4 sus4,4 7"),
}  # fmt: skip


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
                grid=Grid.steady(bpm), start_s=0.0, end_s=8 * bar_s, key=key_name(tonic, minor),
                style=style, seed=SEEDS[set_name] + i, chords=tuple(chords),
            )  # fmt: skip
            window = Window(0, round(8 * bar_s * RATE), RATE)
            mix = sum(raw_stems(arrange(brief), studio.bank, window, lambda: None).values())
            sf.write(path, 0.6 * mix.T / np.abs(mix).max(), RATE, "PCM_16")
        clips.append(
            Clip(
                name=path.stem, set=set_name, group="own", kind="mix", file=str(path), bpm=bpm,
                downbeat=0.0, tonic=tonic, minor=minor,
                chords=tuple((k * bar_s, (k + 1) * bar_s, *c) for k, c in enumerate(loop)),
                loop_quarters=0.0, tags=(name,),
            )  # fmt: skip
        )
    return clips


def _name(root: int, quality: str) -> str:
    return ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[root] + _SUFFIX[
        quality
    ]
