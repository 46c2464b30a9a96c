"""Pictures of jobs: what they sound like (spectrograms) and what was written (piano roll).

    python -m benchmarks.sketch.pictures [FOLDER]

The first job is a bgm for the sung clip that ships with the package; the others repaint two bars of
a loop from the package and extend it. The pictures go to docs/images.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image
from scipy.signal import stft

from benchmarks.sketch import rulers
from benchmarks.sketch.performer import Job, Performer
from bridge.resources import folder
from daemon.engines.sketch.listen import melody

_BPM = 119.254
_FIRST_BARS = 8
_HELD = ("pad", "strings")
_WINDOW = 4096
_COLOURS_KEPT = 40  # a picture of 256 colours at most, small enough for a repository
_LOUDEST_DB, _QUIETEST_DB = 0.0, -80.0
_COLOURS = {
    "drums": "#888888",
    "bass": "#1b6ca8",
    "keyboard": "#d1495b",
    "guitar": "#edae49",
    "pad": "#66a182",
    "strings": "#66a182",
    "synth": "#7b4b94",
}


def main() -> None:
    """Do the jobs and draw the pictures."""
    root = Path(__file__).resolve().parents[2]
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    mpl.use("Agg")
    voice = str((folder("presets") / "clips" / "sung_ode.flac").resolve())
    job = Performer().run("bgm", voice, bpm=_BPM, downbeat=0.0, preset="pop", seed=3)
    plan = json.loads(job.documents["plan"])
    spectrogram(job, plan, target / "sketch-spectrogram.png")
    piano_roll(job, plan, target / "sketch-piano-roll.png")
    seams(target / "sketch-seams.png")


def seams(path: Path) -> None:
    """Draw a repaint of two bars and an extend by four, with their seams and the bar lines."""
    from matplotlib import pyplot as plt

    facts = tomllib.loads((folder("presets") / "clips" / "clips.toml").read_text("utf-8"))["band"]
    clip = str((folder("presets") / "clips" / "band.flac").resolve())
    told = {"bpm": facts["bpm"], "downbeat": facts["downbeat"], "seed": 3}
    bar_s = 240 / facts["bpm"]
    start, player = facts["downbeat"] + 2 * bar_s, Performer()
    done = [
        player.run("repaint", clip, start=start, end=start + 2 * bar_s, strength=0.0, **told),
        player.run("repaint", clip, start=start, end=start + 2 * bar_s, strength=1.0, **told),
        player.run("extend", clip, bars=4.0, **told),
    ]
    titles = ("repaint, strength 0: other bars", "repaint, strength 1: new parts", "extend")
    figure, rows = plt.subplots(3, 1, figsize=(10, 7.2), layout="constrained")
    for axis, job, title in zip(rows, done, titles, strict=True):
        mono = rulers.mono(job.mix())
        _draw(axis, mono, job.rate, title)
        for a, b in job.spans:
            for edge in (a / job.rate, b / job.rate):
                axis.axvline(edge, color="white", lw=1.4)
        axis.set_xlim(0, len(mono) / job.rate)
    rows[-1].set_xlabel("s")
    _save(figure, path)
    plt.close(figure)


def _draw(axis: Any, mono: np.ndarray, rate: int, title: str) -> None:
    f, t, spectrum = stft(mono, rate, "hann", _WINDOW, _WINDOW // 2)
    level = 20 * np.log10(np.abs(spectrum) / np.abs(spectrum).max() + 1e-9)
    keep = (f >= 40) & (f <= 16000)
    axis.pcolormesh(
        t,
        f[keep],
        level[keep],
        vmin=_QUIETEST_DB,
        vmax=_LOUDEST_DB,
        cmap="magma",
        rasterized=True,
    )
    axis.set(yscale="log", ylim=(40, 8000), ylabel="Hz", title=title)


def spectrogram(job: Job, plan: dict[str, Any], path: Path) -> None:
    """Draw voice and backing one over the other, with bar lines and chords."""
    from matplotlib import pyplot as plt

    bar_s, end_s = 240 / _BPM, _FIRST_BARS * 240 / _BPM
    assert job.source is not None
    figure, rows = plt.subplots(2, 1, figsize=(10, 5.6), sharex=True, layout="constrained")
    for axis, sound, title in ((rows[0], job.source, "voice"), (rows[1], job.mix(), "backing")):
        _draw(axis, rulers.mono(sound)[: round(end_s * job.rate)], job.rate, title)
        for bar in range(_FIRST_BARS):
            axis.axvline(bar * bar_s, color="white", lw=0.6, alpha=0.6)
    for chord in plan["chords"]:
        at = chord["start_quarter"] * 60 / _BPM
        if 0 <= at < end_s:
            rows[1].text(at + 0.05, 5200, chord["name"], color="white", fontsize=8)
    rows[1].set_xlabel("s")
    _save(figure, path)
    plt.close(figure)


def piano_roll(job: Job, plan: dict[str, Any], path: Path) -> None:
    """Draw the voice as it was heard and every part's notes; drums below, on a line a drum."""
    from matplotlib import pyplot as plt

    quarters = _FIRST_BARS * 4
    figure, axis = plt.subplots(figsize=(10, 5.6), layout="constrained")
    drums = sorted({n[2] for p in plan["parts"] if p["stem"] == "drums" for n in p["notes"]})
    assert job.source is not None
    sung = [n for n in melody(job.source, job.rate) if n.start_s * _BPM / 60 < quarters]
    axis.barh(
        [n.midi for n in sung],
        [n.length_s * _BPM / 60 for n in sung],
        left=[n.start_s * _BPM / 60 for n in sung],
        height=0.5,
        color="black",
        label="voice",
        zorder=4,
    )
    for part in sorted(plan["parts"], key=lambda p: p["stem"] not in _HELD):
        held = part["stem"] in _HELD
        colour = _COLOURS.get(part["stem"].split("-")[0], "#333333")
        notes = [n for n in part["notes"] if 0 <= n[0] < quarters]
        is_drum = part["stem"] == "drums"
        height = [20 - 1.4 * drums.index(n[2]) if is_drum else n[2] for n in notes]
        length = [0.12 if is_drum else n[1] * 0.96 for n in notes]
        axis.barh(
            height,
            length,
            left=[n[0] for n in notes],
            height=1.0 if held else 0.7,
            color=colour,
            alpha=0.35 if held else 0.9,
            label=part["name"],
        )
    for bar in range(_FIRST_BARS + 1):
        axis.axvline(bar * 4, color="#bbbbbb", lw=0.7, zorder=0)
    for chord in plan["chords"]:
        if 0 <= chord["start_quarter"] < quarters:
            axis.text(chord["start_quarter"] + 0.1, axis.get_ylim()[1], chord["name"], fontsize=8)
    axis.set(xlabel="quarter notes", ylabel="MIDI note (drums below)", xlim=(0, quarters))
    axis.legend(loc="upper center", ncols=6, fontsize=8, bbox_to_anchor=(0.5, -0.1))
    _save(figure, path)
    plt.close(figure)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=80)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(_COLOURS_KEPT)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
