"""Sung lines with exact scores, and speech, by Debian's speech synthesisers.

festival's diphone voices take phones with lengths and pitches, so that every vowel begins where the
score says: `kal_diphone` (package festvox-kallpc16k) sings for the tuning set, the Italian
`lp_diphone` (festvox-italp16k) for the testing set. A consonant comes before its beat, as singers
do it. espeak-ng speaks.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile as sf

from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.corpus.rooms import noisy, reverberant
from benchmarks.sketch.tunes import Tune, load

VOICES = {"tune": "kal_diphone", "test": "lp_diphone"}
_PHONES = {  # rest, vowels, consonants
    "kal_diphone": ("pau", ("aa", "iy", "uw", "ow", "eh"), ("l", "m", "d", "n", "b")),
    "lp_diphone": ("#", ("a1", "i1", "u1", "o1", "e1"), ("l", "m", "d", "n", "b")),
}
_CENTRE = {"kal_diphone": 52.0, "lp_diphone": 59.0}
_LEAD_S, _CONSONANT_S, _STEP_S = 0.4, 0.06, 0.04
_GAP_S = 0.03  # between notes that the score separates by less than this, none
_TEXTS = {
    "tune": (
        "The river runs behind the old mill and nobody has crossed it since the spring.",
        "Please put the small box on the left shelf, next to the green lamp.",
    ),
    "test": (
        "When the train was late again we walked to the harbour and counted the boats.",
        "Seven bright windows looked over the quiet square in the evening.",
    ),
}


def sung(set_name: str, folder: Path) -> list[Clip]:
    """Sing the tunes of a set, clean and with reverb and noise."""
    voice = VOICES[set_name]
    if shutil.which("festival") is None:
        raise RuntimeError("festival is not installed (apt-get install festival festvox-kallpc16k)")
    clips = []
    for i, tune in enumerate(load(set_name)):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([911, i, len(voice)])))
        clean = _sing(tune, voice, folder, rng)
        wet = folder / f"{clean.name}-wet.flac"
        if not wet.exists():
            dry, rate = sf.read(clean.file)
            sf.write(wet, noisy(reverberant(dry, rate, rng), rng), rate, "PCM_16")
        clips += [clean, replace(clean, name=f"{clean.name}-wet", file=str(wet), tags=("wet",))]
    return clips


def spoken(set_name: str, folder: Path) -> list[Clip]:
    """Speak the set's sentences."""
    if shutil.which("espeak-ng") is None:
        raise RuntimeError("espeak-ng is not installed (apt-get install espeak-ng)")
    clips = []
    for i, text in enumerate(_TEXTS[set_name]):
        path = folder / f"speech-{set_name}-{i}.wav"
        if not path.exists():
            accent = "en-us" if set_name == "tune" else "en-gb"
            subprocess.run(["espeak-ng", "-v", accent, "-w", str(path), text], check=True)
        clips.append(Clip(path.stem, set_name, "speech", "speech", str(path), 120.0))
    return clips


def _sing(tune: Tune, voice: str, folder: Path, rng: np.random.Generator) -> Clip:
    quarter_s = 60 / tune.bpm
    begin = tune.notes[0][0]
    up = round((_CENTRE[voice] - float(np.mean([m for _, _, m in tune.notes]))) / 1)
    score = [
        ((a - begin) * quarter_s + _LEAD_S, (b - begin) * quarter_s + _LEAD_S, m + up)
        for a, b, m in tune.notes
    ]
    path = folder / f"sung-{tune.set}-{tune.name}.wav"
    if not path.exists():
        _festival(score, voice, path, rng)
    bar_s = tune.bar_quarters * quarter_s
    return Clip(
        name=path.stem,
        set=tune.set,
        group="sung",
        kind="singing",
        file=str(path),
        bpm=tune.bpm,
        beats=tune.beats,
        unit=tune.unit,
        downbeat=(_LEAD_S - begin * quarter_s) % bar_s,
        tonic=(tune.tonic + up) % 12,
        minor=tune.minor,
        notes=tuple(score),
        tags=(voice,),
    )


def _festival(
    score: list[tuple[float, float, int]], voice: str, path: Path, rng: np.random.Generator
) -> None:
    rest, vowels, consonants = _PHONES[voice]
    rows, now, before = [], 0.0, score[0][2]
    for i, (start, end, midi) in enumerate(score):
        onset = start - _CONSONANT_S
        if onset > now + _GAP_S:
            rows.append(f"({rest} {onset - now:.4f})")
        else:
            onset = now
        consonant, vowel = rng.choice(consonants), rng.choice(vowels)
        glide = _hz((before + midi) / 2)
        rows.append(f"({consonant} {start - onset:.4f} ({(start - onset) / 2:.3f} {glide:.2f}))")
        following = score[i + 1][0] if i + 1 < len(score) else end + 1
        stop = following - _CONSONANT_S if following - end < _GAP_S + 1e-6 else end
        rows.append(f"({vowel} {stop - start:.4f} {_targets(midi, stop - start)})")
        now, before = stop, midi
    rows.append(f"({rest} 0.4)")
    phones = "\n".join(rows)
    script = (
        f"(voice_{voice})\n(set! u (Utterance Segments ({phones})))\n(utt.synth u)\n"
        f'(utt.save.wave u "{path}" \'riff)\n'
    )
    with tempfile.NamedTemporaryFile("w", suffix=".scm") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(["festival", "-b", file.name], capture_output=True, text=True)
    if not path.exists():
        raise RuntimeError(f"festival could not sing with {voice}: {done.stderr.strip()[:120]}")


def _targets(midi: float, length_s: float) -> str:
    """Return pitch targets: settled after 50 ms, with vibrato once the note is half a second old.

    5.5 Hz, a third of a semitone to either side (within the range that Sundberg, The Science of the
    Singing Voice, 1987, gives for trained singers).
    """
    times = np.arange(0.03, max(0.04, length_s - 0.01), _STEP_S)
    depth = np.clip((times - 0.25) / 0.3, 0, 1) * 0.33
    curve = midi + depth * np.sin(2 * np.pi * 5.5 * times)
    return " ".join(f"({t:.3f} {_hz(m):.2f})" for t, m in zip(times, curve, strict=True))


def _hz(midi: float) -> float:
    return 440 * 2 ** ((midi - 69) / 12)
