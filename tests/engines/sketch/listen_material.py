"""Small pieces of music made on the spot, with everything about them known."""

import numpy as np

RATE = 22050
TRIADS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "sus4": (0, 5, 7),
    "dim": (0, 3, 6),
}
POP = ((0, ""), (7, ""), (9, "m"), (5, ""))  # C G Am F


def tone(midi, length_s, rate=RATE, partials=5, decay_s=1.0):
    t = np.arange(int(length_s * rate)) / rate
    hz = 440 * 2 ** ((midi - 69) / 12)
    parts = [
        0.6**k * np.sin(2 * np.pi * hz * k * t) for k in range(1, partials + 1) if hz * k < rate / 2
    ]
    edge = np.minimum(1, np.minimum(t, t[::-1]) / 0.004)
    return sum(parts) * np.exp(-t / decay_s) * edge


def add(out, sound, second, gain, pan=0.5, rate=RATE):
    at = round(second * rate)
    if at < 0:
        sound, at = sound[-at:], 0
    sound = sound[: max(0, len(out) - at)]
    out[at : at + len(sound)] += (gain * sound)[:, None] * np.array([1 - pan, pan]) * 2


def drums(out, bpm, bars, beats, rate=RATE, seed=0):
    random = np.random.Generator(np.random.PCG64(seed))
    t = np.arange(int(0.15 * rate)) / rate
    kick = np.sin(2 * np.pi * (50 * t - 8 * np.exp(-t / 0.02))) * np.exp(-t / 0.05)
    hat = random.standard_normal(int(0.04 * rate)) * np.exp(
        -np.arange(int(0.04 * rate)) / rate / 0.01
    )
    snare = random.standard_normal(len(t)) * np.exp(-t / 0.04)
    beat_s = 60 / bpm
    for beat in range(bars * beats):
        second = beat * beat_s
        place = beat % beats
        add(out, kick if place in (0, 2) else snare, second, 0.7 if place == 0 else 0.5, rate=rate)
        for half in (0, 0.5):
            add(out, np.diff(hat, prepend=0), second + half * beat_s, 0.25, 0.6, rate)


def song(
    chords=POP,
    bpm=120.0,
    bars=8,
    beats=4,
    rate=RATE,
    transpose=0,
    off_s=0.0,
    with_drums=True,
    lead=True,
):
    """Chords, one a bar, with bass, and if asked drums and a lead; float32 `(frames, 2)`."""
    beat_s = 60 / bpm
    out = np.zeros((round(bars * beats * beat_s * rate), 2))
    for bar in range(bars):
        root, quality = chords[bar % len(chords)]
        root += transpose
        tones = [48 + (root + step) % 12 for step in TRIADS[quality]]
        for beat in range(beats):
            second = (bar * beats + beat) * beat_s
            for midi in tones:
                add(out, tone(midi + 12, beat_s * 0.9, rate), second, 0.1, 0.4, rate)
        add(
            out,
            tone(36 + root % 12, beats * beat_s * 0.95, rate, decay_s=3.0),
            bar * beats * beat_s,
            0.12,
            rate=rate,
        )
        if lead:
            for beat in range(0, beats, 2):
                midi = 72 + (root + TRIADS[quality][(bar + beat // 2) % 3]) % 12
                add(out, tone(midi, beat_s, rate), (bar * beats + beat) * beat_s, 0.08, 0.55, rate)
    if with_drums:
        drums(out, bpm, bars, beats, rate)
    out = out[round(off_s * rate) :]
    return (0.7 * out / np.abs(out).max()).astype(np.float32)


def sung(notes, rate=RATE, length_s=None, vibrato=0.25, cents=0.0, vowels=(0.75,)):
    """A voice: `notes` are `(start_s, end_s, midi)`; float32 `(frames, 2)`, both channels alike.

    `vowels` are the ratios from partial to partial that the notes take in turn.
    """
    length_s = length_s or max(n[1] for n in notes) + 0.3
    out = np.zeros((int(length_s * rate), 2))
    for number, (start, end, midi) in enumerate(notes):
        vowel = vowels[number % len(vowels)]
        t = np.arange(int((end - start) * rate)) / rate
        wave = midi + cents / 100 + vibrato * np.sin(2 * np.pi * 5.5 * t) * np.minimum(1, t / 0.15)
        phase = 2 * np.pi * np.cumsum(440 * 2 ** ((wave - 69) / 12)) / rate
        sound = sum(vowel**k * np.sin(k * phase) for k in range(1, 10))
        add(out, sound * np.minimum(1, np.minimum(t, t[::-1]) / 0.02), start, 0.2, rate=rate)
    return out.astype(np.float32)


def names_by_bar(heard, bar_s, bars, off_s=0.0):
    """Chord names in the middle of every bar."""
    return [heard.chord_at((bar + 0.5) * bar_s - off_s) for bar in range(bars)]
