"""A sung line, the same line sung anew, and an accompaniment: float32 `(frames, 2)` at 48 kHz."""

import numpy as np

RATE = 48_000
MELODY = (57, 60, 62, 64, 62, 60, 57, 55, 57, 64, 65, 62)
CHORDS = ((45, 57, 60, 64), (41, 57, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62))
BAR_S = 2.0


def hz(midi):
    return 440 * 2 ** ((midi - 69) / 12)


def notes(seconds):
    """`(start, end, midi)` of the sung notes; a rest after every fifth."""
    at, i = 0.0, 0
    while at < seconds - 0.3:
        length = 0.35 + 0.25 * ((i * 7) % 3)
        yield at, min(seconds, at + length), MELODY[i % 12]
        at += length + (0.4 if i % 5 == 4 else 0.02)
        i += 1


def voice(seconds, again=None):
    """A voice with vibrato and formants; with a seed `again` other phases and timing, 8 ms late."""
    frames = int(seconds * RATE)
    rng = np.random.default_rng(again)
    pitch, level = np.zeros(frames), np.zeros(frames)
    for start, end, midi in notes(seconds):
        a, b = int(start * RATE), int(end * RATE)
        ramp = np.minimum(1, np.minimum(np.arange(b - a), np.arange(b - a)[::-1]) / 1500)
        pitch[a:b], level[a:b] = hz(midi), ramp
    seconds_at = np.arange(frames) / RATE
    pitch = pitch * 2 ** (0.3 / 12 * np.sin(2 * np.pi * 5.5 * seconds_at + (again or 0)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = np.zeros(frames)
    for h in range(1, 25):
        f = pitch * h
        colour = np.exp(-(((f - 650) / 250) ** 2)) + 0.6 * np.exp(-(((f - 1100) / 300) ** 2))
        colour += 0.25 * np.exp(-(((f - 2800) / 600) ** 2)) + 0.02
        turn = rng.uniform(0, 2 * np.pi) if again else 0.0
        sound += np.where(f < RATE / 2.2, colour, 0) / h**0.3 * np.sin(h * phase + turn)
    sound *= 0.3 * level / np.abs(sound).max()
    late = int(0.008 * RATE) if again else 0
    sound = np.concatenate([np.zeros(late), sound])[:frames]
    return np.repeat(sound[:, None], 2, axis=1).astype(np.float32)


def band(seconds, seed=2, shift_s=0.0, steps=0):
    """Chords, bass drum and snare at 120 bpm; `steps` semitones up, its beats `shift_s` late."""
    frames = int(seconds * RATE)
    rng = np.random.default_rng(seed)
    late = int(shift_s * RATE)
    out = np.zeros((frames + 2 * RATE, 2))
    for bar in range(int(seconds / BAR_S) + 1):
        a = int(bar * BAR_S * RATE)
        t = np.arange(int(BAR_S * RATE)) / RATE
        if a >= frames:
            break
        part = out[a : a + len(t)]
        for j, midi in enumerate(CHORDS[bar % 4]):
            f = hz(midi + steps)
            tone = sum(np.sin(2 * np.pi * f * h * t + rng.uniform(0, 6)) / h for h in range(1, 9))
            gain = 0.06 if j else 0.15
            sides = np.array([0.7 + 0.3 * (j % 2), 1 - 0.3 * (j % 2)])
            part += gain * tone[: len(part), None] * sides
        for quarter in range(4):
            c = a + int(quarter * 0.5 * RATE) + late
            fall = np.exp(-np.arange(6000) / 900)
            kick = np.sin(2 * np.pi * 60 * np.arange(6000) / RATE) * fall * 0.5
            stroke = rng.normal(0, 1, 6000) * fall * 0.15 if quarter % 2 else kick
            stop = min(len(out), c + 6000)
            out[c:stop] += stroke[: stop - c, None]
    return (0.6 * out[:frames]).astype(np.float32)
