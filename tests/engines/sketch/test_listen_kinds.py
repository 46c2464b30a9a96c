"""What the ear makes of clips at the edges: rooms, consonants, basses, duos, and noise alone."""

import numpy as np
import pytest
from listen_material import RATE, add, drums, sung, tone

from daemon.engines.sketch.listen import listen, melody
from daemon.engines.sketch.listen.frames import to_ear
from daemon.engines.sketch.listen.pitch import track_pitch
from daemon.engines.sketch.listen.room import dried

TUNE = tuple(
    (0.5 * i, 0.5 * i + 0.44, m)
    for i, m in enumerate((64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64, 64, 62, 60, 60))
)
VOWELS = (0.9, 0.35, 0.6)


def roomy(samples, rate=RATE, decay_s=1.0, below_db=6.0, noise_db=-20.0):
    """Add a diffuse tail and white noise."""
    random = np.random.Generator(np.random.PCG64(4))
    dry = samples[:, 0].astype(float)
    t = np.arange(int(decay_s * rate)) / rate
    tail = random.standard_normal(len(t)) * 10 ** (-3 * t / decay_s)
    size = len(dry) + len(tail)
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(tail, size), size)[: len(dry)]
    wet *= 10 ** (-below_db / 20) * np.sqrt(np.mean(dry**2) / np.mean(wet**2))
    noise = random.standard_normal(len(dry)) * np.sqrt(np.mean(dry**2)) * 10 ** (noise_db / 20)
    mixed = (dry + wet + noise).astype(np.float32)
    return np.stack([mixed, mixed], axis=1)


def played(program, length_s=8.0):
    """Tones `(start_s, length_s, midi)` that ring off, as of a plucked string."""
    out = np.zeros((int(length_s * RATE), 2))
    for start, length, midi in program:
        add(out, tone(midi, length, RATE, decay_s=0.4), start, 0.3)
    return out.astype(np.float32)


def test_a_voice_in_a_noisy_room_is_singing_with_its_notes():
    wet = roomy(sung(TUNE, vibrato=0.15, vowels=VOWELS))
    heard = listen(wet, RATE, bpm=120)
    assert heard.kind == "singing"
    middles = [(start + end) / 2 for start, end, _ in TUNE]
    at = [next((n.midi for n in heard.notes if n.start_s <= t < n.end_s), 0.0) for t in middles]
    assert [round(m) for m in at] == [m for *_, m in TUNE]


def test_drying_leaves_a_held_note_and_takes_its_tail():
    wet = roomy(sung([(0.2, 1.2, 60)], length_s=2.0, vibrato=0.0), noise_db=-80)[:, 0]
    dry = dried(wet, RATE)
    assert len(dry) == len(wet)

    def level_db(x, start_s):
        piece = x[int(start_s * RATE) : int((start_s + 0.15) * RATE)]
        return 10 * np.log10(np.mean(np.square(piece)) + 1e-12)

    assert level_db(dry, 0.8) - level_db(wet, 0.8) > -4
    assert level_db(dry, 1.35) - level_db(wet, 1.35) < level_db(dry, 0.8) - level_db(wet, 0.8) - 2


@pytest.mark.parametrize("frames", [0, 1, 7, 255, 256, 257, 5000])
def test_drying_takes_any_length(frames):
    assert len(dried(np.zeros(frames, np.float32), RATE)) == frames


def test_blocks_don_t_show_when_drying():
    noise = np.random.Generator(np.random.PCG64(1)).standard_normal(400 * 256 * 3 + 77)
    whole = dried(noise.astype(np.float32), RATE)
    later = dried(noise[400 * 256 :].astype(np.float32), RATE)
    assert whole[-2000:] == pytest.approx(later[-2000:], abs=1e-4)


def test_the_gap_of_a_consonant_belongs_to_its_notes_and_a_rest_does_not():
    score = [(0.1, 0.52, 60), (0.6, 1.0, 62), (1.4, 2.0, 64)]
    first, second, third = melody(sung(score, vibrato=0.0), RATE)
    assert first.end_s == second.start_s
    assert 0.52 <= second.start_s <= 0.62
    assert third.start_s - second.end_s > 0.3


def test_a_step_on_a_glide_is_no_note():
    score = [(0.1, 0.60, 60), (0.60, 0.67, 62), (0.67, 1.3, 64)]
    assert [round(n.midi) for n in melody(sung(score, vibrato=0.0), RATE)] == [60, 64]


@pytest.mark.parametrize("midi", [76, 79, 82])
def test_high_steady_tones_are_not_heard_an_octave_low(midi):
    track = track_pitch(to_ear(sung([(0.1, 1.1, midi)], vibrato=0.0, vowels=(0.95,)), RATE))
    assert np.abs(track.midi[30:90] - midi).max() < 0.3


def test_a_bass_alone_is_a_solo_with_notes_below_the_voice():
    line = (28, 31, 33, 35, 33, 31, 28, 40)
    heard = listen(played([(i, 0.9, m) for i, m in enumerate(line)]), RATE, bpm=120)
    assert heard.kind == "solo"
    assert [round(n.midi) for n in heard.notes] == list(line)


def test_a_plucked_line_is_a_solo():
    line = [(0.5 * i, 0.45, m) for i, (*_, m) in enumerate(TUNE)]
    assert listen(played(line), RATE, bpm=120).kind == "solo"


def test_a_bass_below_a_melody_is_a_mix():
    bass = [(1.0 * i, 0.95, m) for i, m in enumerate((36, 31, 33, 29, 36, 43, 41, 31))]
    lead = [(0.5 * i + 0.25, 0.45, m + 12) for i, (*_, m) in enumerate(TUNE)]
    assert listen(played([*bass, *lead], 8.5), RATE, bpm=120).kind == "mix"


def test_drums_and_bass_are_a_mix_with_drums():
    out = np.zeros((8 * RATE, 2))
    drums(out, 120, 4, 4)
    out /= np.abs(out).max()
    out += 1.5 * played([(0.5 * i, 0.48, m) for i, m in enumerate((36, 36, 43, 41) * 4)])
    heard = listen((0.3 * out).astype(np.float32), RATE, bpm=120)
    assert heard.kind == "mix"
    assert heard.has_drums


@pytest.mark.parametrize("peak_dbfs", [-70.0, -50.0])
def test_faint_hiss_is_silence(peak_dbfs):
    noise = np.random.Generator(np.random.PCG64(2)).standard_normal((4 * RATE, 2))
    quiet = (noise / np.abs(noise).max() * 10 ** (peak_dbfs / 20)).astype(np.float32)
    assert listen(quiet, RATE).kind == "silence"


def test_a_faint_voice_is_no_silence():
    faint = sung(TUNE, vowels=VOWELS) * 0.01
    assert np.abs(faint).max() < 0.01
    assert listen(faint, RATE, bpm=120).kind == "singing"
