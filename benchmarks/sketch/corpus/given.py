"""The clips with known truth that lie in `$PUNCHIN_CORPUS` (or `../shared/corpus`).

`truth.json`: plain triads, one a 4/4 bar. Even numbers go to the tuning set, odd ones to the
testing set; both have been seen by those who made the engine, so they count as tuning material
wherever that matters.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import soundfile as sf

from benchmarks.sketch.corpus.clip import Clip

_BARS = 8


def make(set_name: str) -> list[Clip]:
    """Return the set's mixes and voices."""
    folder = _folder()
    if not (folder / "truth.json").exists():
        raise RuntimeError("the given clips are not there; set PUNCHIN_CORPUS to their folder")
    rows = json.loads((folder / "truth.json").read_text())
    picked = [r for r in rows if int(r["name"][-2:]) % 2 == (set_name == "test")]
    clips = [_clip(row, set_name, folder) for row in picked]
    return clips + ([_ode(folder)] if set_name == "tune" else [])


def _folder() -> Path:
    told = os.environ.get("PUNCHIN_CORPUS")
    return Path(told) if told else Path(__file__).resolve().parents[4] / "shared" / "corpus"


def _clip(row: dict, set_name: str, folder: Path) -> Clip:
    file = folder / f"{row['name']}.flac"
    bar, off, length = 240 / row["bpm"], row["off"], sf.info(str(file)).duration
    mix = row["kind"] == "mix"
    chords = [
        (n * bar - off, (n + 1) * bar - off, c[0], {"maj": "maj", "min": "min"}.get(c[1], c[1]))
        for n, c in enumerate((row["chords"] * 4)[: int((length + off) / bar) + 1])
    ]
    pattern = row["chords"]
    loop = 4 if pattern[:4] == pattern[4:8] else _BARS
    return Clip(
        name=row["name"],
        set=set_name,
        group="given" if mix else "sung",
        kind="mix" if mix else None if row.get("synth") == "c" else "singing",
        file=str(file),
        bpm=row["bpm"],
        downbeat=-off % bar,
        tonic=row["key"],
        minor=row["mode"] == "min",
        chords=tuple(c for c in chords if c[1] > 0 and c[0] < length) if mix else (),
        notes=tuple((a, a + n, m) for a, n, m in row["mel"]),
        loop_quarters=4.0 * loop,
        tags=(
            "triads",
            "given",
            *(["off-bar"] if off else []),
            "drums" if row.get("drums") else "no drums",
        ),
    )


def _ode(folder: Path) -> Clip:
    row = json.loads((folder / "sung.json").read_text())
    row = row[0] if isinstance(row, list) else row
    tonic = {"A#": 10, "Bb": 10}.get(row["key"].split()[0], 0)
    return Clip(
        name="sung_ode",
        set="tune",
        group="sung",
        kind="singing",
        file=str(folder / "sung_ode.flac"),
        bpm=row["bpm"],
        downbeat=0.0,
        tonic=tonic,
        notes=tuple((a, a + n, m - 12) for a, n, m in row["mel"]),  # written an octave up
        tags=("words",),
    )
