"""Recorded loops from the Debian package sonic-pi-samples, public domain (CC0) by its README.

A loop's tempo is its length divided by its beats: loops are cut to whole beats. Each is repeated to
some ten seconds, as loops are used. Loops in whose case nobody can say what they are have no kind.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

from benchmarks.sketch.corpus.clip import Clip

FOLDER = Path("/usr/share/sonic-pi/samples")
_LENGTH_S = 10.0
# name, quarter notes in the file, kind
LOOPS = {
    "tune": (
        ("loop_amen", 4, "drums"),
        ("loop_compus", 16, None),
        ("loop_garzul", 16, None),
        ("loop_mehackit1", 4, None),
        ("loop_electric", 4, None),
    ),
    "test": (
        ("loop_amen_full", 16, "drums"),
        ("loop_breakbeat", 4, "drums"),
        ("loop_mika", 16, None),
        ("loop_safari", 16, None),
        ("loop_mehackit2", 4, None),
        ("loop_3d_printer", 16, None),
    ),
}


def make(set_name: str, folder: Path) -> list[Clip]:
    """Copy the set's loops, repeated."""
    if not FOLDER.exists():
        raise RuntimeError("no recorded loops (apt-get install sonic-pi-samples)")
    clips = []
    for name, quarters, kind in LOOPS[set_name]:
        samples, rate = sf.read(FOLDER / f"{name}.flac", dtype="float32", always_2d=True)
        bpm = quarters * 60 * rate / len(samples)
        path = folder / f"{name}.flac"
        if not path.exists():
            times = int(np.ceil(_LENGTH_S * rate / len(samples)))
            sf.write(path, np.tile(samples, (times, 1)), rate, "PCM_24")
        clips.append(
            Clip(
                name,
                set_name,
                "loop",
                kind,
                str(path),
                bpm,
                downbeat=0.0,
                loop_quarters=float(quarters),
            )
        )
    return clips
