"""Notes of a SoundFont: pitch, loops, envelopes, filter, stereo, compressed samples."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from soundfont_writer import RATE, Wave, Zone, font_bytes, font_of, one, pitch, rms_db, sine

from daemon.engines.sketch.soundfont.font import open_font
from daemon.engines.sketch.soundfont.sounding import sound_of
from daemon.engines.sketch.soundfont.voice import note_of

LOOPED = (54, 1)


def played(
    folder: Path, data: bytes, key: int = 69, velocity: int = 100, seconds: float = 1.0,
    rate: int = RATE,
) -> np.ndarray:  # fmt: skip
    """A held key before calibration, `(channels, frames)`."""
    font = open_font(font_of(folder, data))
    notes = [note_of(z, key, velocity) for z in font.zones(0, 0) if z.sounds(key, velocity)]
    return sound_of(font, notes, seconds, rate)


# -- pitch -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
@pytest.mark.parametrize("key", [45, 68, 69, 83])
def test_a_key_has_its_pitch_at_every_rate(tmp_path: Path, key: int, rate: int) -> None:
    x = played(tmp_path, one(LOOPED), key, rate=rate)[0]
    wanted = 440 * 2 ** ((key - 69) / 12)
    assert abs(1200 * np.log2(pitch(x, rate) / wanted)) < 1


@pytest.mark.parametrize(
    ("gens", "cents"),
    [([(51, 12)], 1200), ([(52, -30)], -30), ([(58, 57)], 1200), ([(56, 50)], -600),
     ([(46, 69)], 1200)],
)  # fmt: skip
def test_tuning(tmp_path: Path, gens: list[tuple[int, int]], cents: float) -> None:
    """Key 57 is an octave below the sample: coarse, fine, root, scale, and a fixed key."""
    plain = -1200 if gens[0][0] != 56 else 0
    x = played(tmp_path, one(LOOPED, *gens), 57)[0]
    wanted = 440 * 2 ** ((cents + plain) / 1200)
    assert abs(1200 * np.log2(pitch(x, RATE) / wanted)) < 1


def test_a_sample_s_own_rate_and_correction(tmp_path: Path) -> None:
    wave = Wave(sine(440, 2.0, rate=32000), rate=32000, cents=25, loop=(3200, 60800))
    x = played(tmp_path, one(LOOPED, wave=wave))[0]
    assert abs(1200 * np.log2(pitch(x, RATE) / 440) - 25) < 1


@pytest.mark.parametrize("gens", [[], [(6, 1)]])
def test_nothing_aliases(tmp_path: Path, gens: list[tuple[int, int]]) -> None:
    """9 kHz an octave up is above the band's end at 32 kHz, and must not come back below it."""
    wave = Wave(sine(9000, 2.0) // 2 + sine(1000, 2.0) // 2, loop=(4410, 83790))
    x = played(tmp_path, one(LOOPED, *gens, wave=wave), 81, rate=32000)[0][2000:-3000]
    power = np.abs(np.fft.rfft(x * np.blackman(len(x)))) ** 2
    f = np.fft.rfftfreq(len(x), 1 / 32000)
    kept = power[np.abs(f - 2000) < 60].sum()
    assert 10 * np.log10(power[np.abs(f - 2000) > 60].sum() / kept) < -70


def test_vibrato_moves_the_pitch_as_far_as_told(tmp_path: Path) -> None:
    """40 cents either way, four times a second."""
    x = played(tmp_path, one(LOOPED, (6, 40), (24, round(1200 * np.log2(4 / 8.176)))), seconds=2)[0]
    turn = np.unwrap(np.angle(_analytic(x)))
    hz = np.convolve(np.diff(turn), np.ones(1000) / 1000, "valid")[4000:-4000] * RATE / 2 / np.pi
    cents = 1200 * np.log2(hz / 440)
    assert cents.max() == pytest.approx(40, abs=4)
    assert cents.min() == pytest.approx(-40, abs=4)
    assert np.count_nonzero(np.diff(np.sign(cents))) in range(13, 18)


def _analytic(x: np.ndarray) -> np.ndarray:
    spectrum = np.fft.fft(x)
    spectrum[len(x) // 2 :] = 0
    return np.fft.ifft(2 * spectrum)


# -- loops -----------------------------------------------------------------------------------------


def test_a_loop_goes_on_without_a_click_and_a_one_shot_ends(tmp_path: Path) -> None:
    wave = Wave(sine(441, 0.5), root=69, loop=(4400, 8800))
    for mode in (1, 3):
        x = played(tmp_path, one((54, mode), wave=wave), seconds=3)[0]
        assert len(x) == 3 * RATE
        assert rms_db(x, 2.4, 2.9) == pytest.approx(rms_db(x, 0.2, 0.4), abs=0.1)
        assert np.abs(np.diff(x, 2))[200:-3000].max() < 0.003
    assert len(played(tmp_path, one((54, 0), wave=wave), seconds=3)[0]) <= 0.5 * RATE


@pytest.mark.parametrize("loop", [(8000, 4000), (500, 500), (0, 1 << 30), (99999999, 5)])
def test_a_loop_that_can_t_be_is_played_through_once(tmp_path: Path, loop: tuple[int, int]) -> None:
    x = played(tmp_path, one(LOOPED, wave=Wave(sine(440, 0.4), loop=loop)), seconds=2)[0]
    assert 0.35 * RATE < len(x) <= 0.4 * RATE


def test_offsets_move_start_end_and_loop(tmp_path: Path) -> None:
    frames = np.concatenate([sine(440, 1.0), sine(880, 1.0), sine(440, 0.2)])
    wave = Wave(frames, loop=(0, 44100))
    moved = [(4, 1), (0, 44100 - 32768), (45, 1), (2, 45100 - 32768), (50, 1), (3, 80000 - 76868)]
    x = played(tmp_path, one(LOOPED, *moved, wave=wave), seconds=3)[0]
    assert len(x) == 3 * RATE
    assert pitch(x[:8000], RATE) == pytest.approx(880, abs=2)
    short = played(tmp_path, one((1, -30000), wave=Wave(sine(440, 1.0))), seconds=3)[0]
    assert abs(len(short) - 14100) < 100


# -- envelope, filter, level -----------------------------------------------------------------------


def test_the_volume_envelope(tmp_path: Path) -> None:
    """Attack 0.25 s, hold 0.25 s, decay 100 dB in 5 s to 20 dB below, then steady."""
    gens = [(34, -2400), (35, -2400), (36, round(1200 * np.log2(5))), (37, 200)]
    x = played(tmp_path, one(LOOPED, *gens), seconds=4)[0]
    full = rms_db(x, 0.3, 0.45)
    assert rms_db(x, 0.12, 0.13) - full == pytest.approx(-6, abs=0.6)
    assert rms_db(x, 0.99, 1.01) - full == pytest.approx(-10, abs=0.5)
    assert rms_db(x, 2, 3.9) - full == pytest.approx(-20, abs=0.2)


def test_decay_by_key_and_a_sound_that_dies(tmp_path: Path) -> None:
    """A second's decay to nothing, doubled an octave below 60."""
    gens = [(36, 0), (37, 1000), (40, 100)]
    high, low = (played(tmp_path, one(LOOPED, *gens), key, seconds=4)[0] for key in (60, 48))
    assert len(high) == pytest.approx(0.96 * RATE, abs=300)
    assert len(low) == pytest.approx(1.92 * RATE, abs=300)


def test_attenuation_counts_for_four_tenths(tmp_path: Path) -> None:
    loud, soft = (played(tmp_path, one(LOOPED, (48, cb)))[0] for cb in (0, 200))
    assert rms_db(soft, 0.2, 0.8) - rms_db(loud, 0.2, 0.8) == pytest.approx(-8, abs=0.05)


def test_the_filter_takes_what_lies_above(tmp_path: Path) -> None:
    wave = Wave(sine(200, 2.0) // 2 + sine(8000, 2.0) // 2, loop=(4410, 83790))
    cents = round(1200 * np.log2(1000 / 8.176))
    opened, closed = (played(tmp_path, one(LOOPED, (8, c), wave=wave))[0] for c in (13500, cents))

    def level(x: np.ndarray, hz: float) -> float:
        t = np.arange(20000) / RATE
        return float(20 * np.log10(abs(np.exp(-2j * np.pi * hz * t) @ x[10000:30000])))

    assert level(opened, 200) == pytest.approx(level(opened, 8000), abs=0.3)
    assert level(closed, 200) == pytest.approx(level(opened, 200), abs=0.5)
    assert level(closed, 8000) - level(opened, 8000) == pytest.approx(-36.5, abs=2)
    swept = played(tmp_path, one(LOOPED, (8, cents), (11, 3600), (26, 0), (29, 0), wave=wave))[0]
    assert np.isfinite(swept).all()
    assert level(swept, 8000) > level(closed, 8000) + 20


def test_pan_and_stereo_pairs(tmp_path: Path) -> None:
    waves = [Wave(sine(440), kind=4), Wave(sine(660), kind=2)]
    pair = [Zone([(17, -500)], target=0), Zone([(17, 500)], target=1)]
    left, right = played(tmp_path, font_bytes(waves, [pair], {(0, 0): [Zone()]}))
    assert pitch(left[1000:30000], RATE) == pytest.approx(440, abs=1)
    assert pitch(right[1000:30000], RATE) == pytest.approx(660, abs=1)
    aside = played(tmp_path, one(LOOPED, (17, 250)))
    ratio = rms_db(aside[1], 0.1, 0.9) - rms_db(aside[0], 0.1, 0.9)
    assert ratio == pytest.approx(20 * np.log10(np.tan(3 * np.pi / 8)), abs=0.05)
    assert len(played(tmp_path, one(LOOPED))) == 1


# -- compressed ------------------------------------------------------------------------------------


def test_a_compressed_sample_sounds(tmp_path: Path) -> None:
    packed = io.BytesIO()
    sf.write(packed, sine(440, 1.0), RATE, format="OGG", subtype="VORBIS")
    wave = Wave(sine(440, 1.0), packed=packed.getvalue(), kind=0x11, loop=(4410, 39690))
    data = one(LOOPED, wave=wave)
    x = played(tmp_path, data, 81, seconds=2)[0]
    assert len(x) == 2 * RATE
    assert pitch(x, RATE) == pytest.approx(880, abs=1)
