"""Songs to sound with fluidsynth and General MIDI banks from Debian (nobody here made either).

FluidR3 (package fluid-soundfont-gm, MIT) for the tuning set, TimGM6mb (timgm6mb-soundfont, GPL-2;
only played here, never shipped) in turn with it for the testing set.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import mido
import numpy as np
import soundfile as sf

from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.corpus.songs import Song, compose

_FOLDER = Path("/usr/share/sounds/sf2")
BANKS = {"fluidr3": _FOLDER / "FluidR3_GM.sf2", "timgm6mb": _FOLDER / "TimGM6mb.sf2"}
SEEDS = {"tune": 3101, "test": 7703}
RATE, PPQ = 44100, 960


def make(set_name: str, folder: Path, count: int) -> list[Clip]:
    """Render `count` songs of a set; RuntimeError where synthesiser or bank is missing."""
    if shutil.which("fluidsynth") is None:
        raise RuntimeError("fluidsynth is not installed (apt-get install fluidsynth)")
    banks = [b for b in ("fluidr3", "timgm6mb") if BANKS[b].exists()]
    if not banks:
        raise RuntimeError("no General MIDI bank (apt-get install fluid-soundfont-gm)")
    clips = []
    for i in range(count):
        song = compose(f"{set_name}-{i:02d}", SEEDS[set_name], i)
        bank = banks[0] if set_name == "tune" else banks[(i + 1) % len(banks)]
        clips.append(_clip(song, set_name, bank, folder))
    return clips


def render(score: mido.MidiFile, bank: Path) -> np.ndarray:
    """Return float32 `(frames, 2)` at `RATE`."""
    with tempfile.TemporaryDirectory() as scratch:
        midi, wav = Path(scratch) / "a.mid", Path(scratch) / "a.wav"
        score.save(midi)
        command = ["fluidsynth", "-niq", "-g", "0.5", "-r", str(RATE), "-T", "wav", "-O", "float"]
        subprocess.run(
            [*command, "-F", str(wav), str(bank), str(midi)], check=True, capture_output=True
        )
        return sf.read(wav, dtype="float32", always_2d=True)[0]


def _clip(song: Song, set_name: str, bank: str, folder: Path) -> Clip:
    path = folder / f"fluid-{song.name}.flac"
    quarter_s = 60 / song.bpm
    begin = song.begin_quarter
    if not path.exists():
        sound = render(score_of(song), BANKS[bank])
        a, b = (round(q * quarter_s * RATE) for q in (begin, song.quarters))
        sound = np.pad(sound, ((0, max(0, b - len(sound))), (0, 0)))[a:b]
        sound *= 0.6 / max(1e-6, float(np.abs(sound).max()))
        sf.write(path, sound, RATE, "PCM_16")
    bar = song.beats * 4 / song.unit
    moved = [((a - begin) * quarter_s, (b - begin) * quarter_s, r, q) for a, b, r, q in song.chords]
    notes = [((a - begin) * quarter_s, (a + n - begin) * quarter_s, m) for a, n, m in song.melody]
    return Clip(
        name=f"fluid-{song.name}",
        set=set_name,
        group="fluid",
        kind="mix",
        file=str(path),
        bpm=song.bpm,
        beats=song.beats,
        unit=song.unit,
        downbeat=(bar - begin) % bar * quarter_s,
        tonic=song.tonic,
        minor=song.minor,
        chords=tuple(c for c in moved if c[1] > 0),
        notes=tuple(notes),
        loop_quarters=song.loop_quarters,
        tags=(*song.tags, bank),
    )


def score_of(song: Song) -> mido.MidiFile:
    """Return the song as MIDI, one track a part."""
    score = mido.MidiFile(type=1, ticks_per_beat=PPQ)
    head = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=round(60e6 / song.bpm))])
    score.tracks.append(head)
    channel = 0
    for part in song.parts:
        here = 9 if part.program is None else channel
        channel += part.program is not None
        events = []
        for at, length, midi, velocity in part.notes:
            on, off = round(at * PPQ), round((at + length) * PPQ)
            events.append(
                (on, 1, mido.Message("note_on", channel=here, note=midi, velocity=velocity))
            )
            events.append((max(off, on + 1), 0, mido.Message("note_off", channel=here, note=midi)))
        track = mido.MidiTrack()
        if part.program is not None:
            track.append(mido.Message("program_change", channel=here, program=part.program))
        now = 0
        for tick, _, message in sorted(events, key=lambda e: (e[0], e[1])):
            track.append(message.copy(time=tick - now))
            now = tick
        score.tracks.append(track)
    return score
