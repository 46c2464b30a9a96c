"""Every style rendered once: silence, clipping, DC, foreign notes, balance of the spectrum.

The curve is the average of popular recordings by Pestana, Ma, Reiss, Barbosa and Black, "Spectral
Characteristics of Popular Commercial Recordings 1950–2010" (AES Convention 135, 2013): between 100
Hz and 4 kHz it falls by some 5 dB an octave in bins of equal width, which is 2 dB an octave in
third-octaves; above it falls faster and near 60 Hz there is a low cut. Outside 100 Hz … 4 kHz the
numbers are our reading of those words: level down to 80 Hz, −2 dB at 63 Hz, 4.5 dB an octave from
4 kHz on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.sketch import rulers
from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.performer import Performer
from benchmarks.sketch.table import Figure, at_least, at_most
from daemon.engines.sketch.jobs.studio import open_studio
from daemon.engines.sketch.listen.names import chord_tones, scale_of
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Plan

_BARS = 24
_KEY = {"tune": "G major", "test": "C minor"}
_SEED = {"tune": 5, "test": 50}
_LEAST_STYLES = 12


def figures(clips: Sequence[Clip], player: Performer) -> list[Figure]:
    """Render each style in the set's key, with the set's seed."""
    set_name = clips[0].set
    silent, foreign, offsets, bands, stems_silent = [], [], [], [], []
    names = list(open_studio().styles)
    for name in names:
        job = player.run(
            "generate", bars=_BARS, preset=name, key=_KEY[set_name], seed=_SEED[set_name]
        )
        mix = job.mix()
        silent.append((_longest_silence(mix, job.rate), name))
        stems_silent += [f"{name} {k}" for k, x in job.stems().items() if np.abs(x).max() < 1e-4]
        offsets.append(
            (max(float(np.abs(x.mean(axis=0)).max()) for x in job.stems().values()), name)
        )
        foreign.append((_foreign(plan_from_json(job.documents["plan"].decode())), name))
        bands.append((name, *_balance(mix, job.rate)))
    inside = [n for n, worst, _, _ in bands if worst <= 6]
    shares = 100 * float(np.mean([s for _, _, s, _ in bands]))
    poor = [f"{n}: {text}" for n, _, _, text in sorted(bands, key=lambda b: -b[1])]
    return [
        at_least("styles", len(names), _LEAST_STYLES, "", 0),
        at_most(
            "styles: longest silence inside a piece",
            max(silent)[0],
            1.0,
            " s",
            note=f"; silent stems: {', '.join(stems_silent) or 'none'}",
            worst=(max(silent)[1],),
        ),
        at_most(
            "styles: DC of a stem, largest", max(offsets)[0], 0.001, "", 5, worst=(max(offsets)[1],)
        ),
        at_most(
            "styles: notes outside key and chord, largest share",
            100 * max(foreign)[0],
            10,
            " %",
            1,
            worst=[f"{n} {100 * f:.1f} %" for f, n in sorted(foreign)[:-4:-1]],
        ),
        at_least(
            "styles: third-octaves 63 Hz–10 kHz within ±6 dB of Pestana 2013",
            100 * len(inside) / len(bands),
            100,
            " % of styles",
            0,
            f"; {shares:.0f} % of all bands",
            poor,
        ),
    ]


def _longest_silence(x: np.ndarray, rate: int) -> float:
    hop = rate // 20
    loud = [np.abs(x[i : i + hop]).max() > 1e-3 for i in range(0, len(x) - 2 * rate, hop)]
    longest = run = 0
    for flag in loud:
        run = 0 if flag else run + 1
        longest = max(longest, run)
    return longest * hop / rate


def _foreign(plan: Plan) -> float:
    """Share of pitched time neither in the key's scale nor in the chord that sounds."""
    scale = scale_of(plan.key)
    good = every = 0.0
    for part in plan.parts:
        for note in part.notes if not is_drums(part.instrument) else ():
            chord = next(
                (
                    c.name
                    for c in plan.chords
                    if c.start_quarter <= note.start_quarter + 1e-6 < c.end_quarter
                ),
                "N",
            )
            every += note.length_quarters
            good += note.length_quarters * (
                note.midi % 12 in scale or note.midi % 12 in chord_tones(chord)
            )
    return 1 - good / every if every else 0.0


def curve(hz: np.ndarray) -> np.ndarray:
    """Return the target in dB for third-octaves at `hz`; 0 at 100 Hz."""
    octaves = np.log2(hz / 100)
    out = np.where(hz >= 100, -2 * np.minimum(octaves, np.log2(40)), 0.0)
    out = out - 4.5 * np.maximum(0.0, np.log2(hz / 4000))
    return out - 2.0 * np.clip(np.log2(80 / hz) * 3, 0, 1)


def _balance(x: np.ndarray, rate: int) -> tuple[float, float, str]:
    """Return the worst band's distance, the share of bands within 6 dB, and the bands beyond."""
    centres, levels = rulers.third_octaves(x, rate)
    off = levels - curve(centres)
    off -= (
        (np.percentile(off, 100) + np.percentile(off, 0)) / 2
        if np.ptp(off) <= 12
        else np.median(off)
    )
    far = [f"{c:.0f} Hz {d:+.0f}" for c, d in zip(centres, off, strict=True) if abs(d) > 6]
    return float(np.abs(off).max()), float((np.abs(off) <= 6).mean()), ", ".join(far)
