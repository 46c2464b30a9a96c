"""Instruments, kits, rooms: in tune, level, clean at every rate, the same whatever came before."""

import numpy as np
import pytest

from daemon.engines.sketch.plan.instruments import DRUM_KEYS, GM_PROGRAMS, is_drums
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.kit import KITS, PAN, stroke
from daemon.engines.sketch.render.space import make_plate, make_room
from daemon.engines.sketch.render.tone import banded, hertz, low_cut, modes, plucked
from daemon.engines.sketch.render.voices import VOICES, tone

RATES = (22050, 44100, 48000)
PITCHED = sorted(VOICES)
NOTHING = np.zeros((2, 0), np.float32)


def _rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _pitch(x: np.ndarray, rate: int, near_hz: float) -> float:
    """Frequency of the strongest partial within a semitone and a half of `near_hz`."""
    size = 1 << 17
    power = np.abs(np.fft.rfft(x * np.hanning(len(x)), n=size))
    f = np.fft.rfftfreq(size, 1 / rate)
    power[(f < near_hz / 1.09) | (f > near_hz * 1.09)] = 0
    k = int(power.argmax())
    a, b, c = np.log(power[k - 1 : k + 2] + 1e-12)
    return float((k + 0.5 * (a - c) / (a - 2 * b + c)) * rate / size)


def test_every_instrument_of_a_plan_can_be_played() -> None:
    assert set(PITCHED) == {name for name in GM_PROGRAMS if not is_drums(name)}
    assert set(KITS) == {name for name in GM_PROGRAMS if is_drums(name)}
    assert set(PAN) <= set(DRUM_KEYS.values())


@pytest.mark.parametrize("name", PITCHED)
def test_instruments_are_in_tune(name: str) -> None:
    midi = 40 if name.startswith("bass") else 57
    sound = tone(name, midi, 44100, 0.75, _rng()).samples
    x = sound.mean(axis=0)[2000:62000]
    cents = [1200 * np.log2(_pitch(x, 44100, hertz(midi) * k) / (hertz(midi) * k)) for k in (1, 2)]
    assert min(abs(c) for c in cents) < 9, cents


@pytest.mark.parametrize("name", PITCHED)
@pytest.mark.parametrize("rate", RATES)
def test_instruments_are_finite_level_and_without_dc(name: str, rate: int) -> None:
    midi = 36 if name.startswith("bass") else 64
    x = tone(name, midi, rate, 1.0, _rng()).samples
    assert x.dtype == np.float32
    assert x.shape[0] in (1, 2)
    assert np.isfinite(x).all()
    assert 0.15 < np.abs(x).max() < 1.2
    assert np.abs(x.mean(axis=1)).max() < 2e-3


@pytest.mark.parametrize("kit", sorted(KITS))
def test_every_piece_of_a_kit_sounds_and_dies_away(kit: str) -> None:
    for key in DRUM_KEYS.values():
        x = stroke(kit, key, 44100, 0.8, _rng())
        assert np.isfinite(x).all()
        assert 0.03 < np.abs(x).max() < 1.2
        assert np.abs(x[-50:]).max() < 0.05 * np.abs(x).max()


def test_a_kick_is_low_and_a_hat_is_high() -> None:
    def centre(key: int) -> float:
        power = np.abs(np.fft.rfft(stroke("drums-acoustic", key, 44100, 0.8, _rng()))) ** 2
        f = np.fft.rfftfreq(2 * (len(power) - 1), 1 / 44100)
        return float((f[: len(power)] * power).sum() / power.sum())

    assert centre(36) < 400
    assert centre(42) > 5000


@pytest.mark.parametrize("hz", [82.4, 220.0, 659.3])
def test_plucked_strings_are_tuned_between_samples(hz: float) -> None:
    rate = 44100
    x = plucked(hz, rate, 1.5, 4.0, 0.3, _rng().standard_normal(600).astype(np.float32))
    found = _pitch(x, rate, hz)
    assert abs(1200 * np.log2(found / hz)) < 4


def test_sounds_do_not_depend_on_what_was_asked_before() -> None:
    first, second = Bank(), Bank()
    second.tone("piano", 64, 100, 44100)
    second.stroke("drums-acoustic", 38, 100, 1, 44100)
    a = first.tone("guitar-steel", 52, 90, 44100).samples
    assert np.array_equal(a, second.tone("guitar-steel", 52, 90, 44100).samples)
    assert first.tone("guitar-steel", 52, 91, 44100).samples is a


def test_drum_strokes_alternate_and_harder_ones_differ() -> None:
    bank = Bank()
    turns = [bank.stroke("drums-acoustic", 38, 100, turn, 44100) for turn in range(5)]
    assert not np.array_equal(turns[0], turns[1])
    assert turns[4] is turns[0]
    assert not np.array_equal(turns[0], bank.stroke("drums-acoustic", 38, 40, 0, 44100))


def test_a_full_bank_forgets_the_oldest() -> None:
    bank = Bank(limit_bytes=1 << 20)
    first = bank.tone("bass-sub", 30, 100, 22050)
    for midi in range(31, 40):
        bank.tone("bass-sub", midi, 100, 22050)
    again = bank.tone("bass-sub", 30, 100, 22050)
    assert again is not first
    assert np.array_equal(again.samples, first.samples)


def test_a_room_answers_to_an_impulse_and_dies_away() -> None:
    rate = 22050
    room = make_room(0.8, 4000, rate, _rng())
    send = np.zeros(3 * rate, np.float32)
    send[rate] = 1
    wet, _ = room.wet(send, NOTHING)
    assert np.abs(wet[:, :rate]).max() < 1e-5
    assert np.square(wet).sum(axis=1) == pytest.approx([1, 1], rel=0.1)
    early = np.square(wet[:, rate : rate + rate // 5]).sum()
    late = np.square(wet[:, rate + 3 * rate // 5 : rate + 4 * rate // 5]).sum()
    assert 10 * np.log10(early / late) > 30


def test_a_plate_is_denser_and_brighter_than_a_room_at_once() -> None:
    rate = 44100
    send = np.zeros(rate, np.float32)
    send[0] = 1
    room, _ = make_room(1.2, 4000, rate, _rng()).wet(send, NOTHING)
    plate, _ = make_plate(1.2, rate, _rng()).wet(send, NOTHING)

    def early(x: np.ndarray) -> float:
        return float(np.square(x[:, : rate // 20]).sum() / np.square(x).sum())

    def high(x: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(x, axis=1)) ** 2
        return float(power[:, 6000:].sum() / power.sum())

    assert np.square(plate).sum(axis=1) == pytest.approx([1, 1], rel=0.1)
    assert np.abs(plate[:, 100:400]).max() > np.abs(room[:, 100:400]).max()
    assert high(plate) > high(room)
    assert early(plate) > 0.15


def test_modes_lie_where_they_are_put_and_die_away() -> None:
    hz, t60 = np.array([220.0, 997.0, 30000.0]), np.array([1.0, 0.4, 1.0])
    x = modes(hz, t60, np.array([0.5, 0.25, 1.0]), 44100, 44100)
    t = np.arange(44100) / 44100
    want = sum(
        level * np.sin(2 * np.pi * f * t) * 10 ** (-3 * t / s)
        for f, s, level in ((220.0, 1.0, 0.5), (997.0, 0.4, 0.25))
    )
    assert np.abs(x - want).max() < 1e-4


@pytest.mark.parametrize("name", [n for n in PITCHED if not VOICES[n].loops])
def test_instruments_do_not_click_while_they_ring(name: str) -> None:
    """A click is high sound that no partial explains: far above its surroundings in time."""
    x = tone(name, 45, 44100, 0.75, _rng()).samples.mean(axis=0)[4000:]
    high = np.square(banded(x, 44100, 12000.0, 0.0, 4))
    hops = high[: len(high) // 64 * 64].reshape(-1, 64).max(axis=1) + 1e-12
    around = np.median(np.lib.stride_tricks.sliding_window_view(hops, 41), axis=1)
    assert (hops[20:-20] / around).max() < 300


def test_sounds_begin_with_their_first_sample() -> None:
    bank = Bank()
    sounds = [bank.stroke(kit, key, 100, 1, 44100) for kit in KITS for key in DRUM_KEYS.values()]
    struck = [name for name in PITCHED if not VOICES[name].loops]
    sounds += [bank.tone(name, 52, 100, 44100).samples[0] for name in struck]
    for sound in sounds:
        assert np.abs(sound[:2]).max() > 1e-5 * np.abs(sound).max()


def test_a_room_is_the_same_in_one_block_and_in_many() -> None:
    room = make_room(0.3, 4000, 22050, _rng())
    send = _rng(2).standard_normal(70000).astype(np.float32)
    whole, rest = room.wet(send, NOTHING)
    pieces, tail = [], NOTHING
    for start in range(0, 70000, 9999):
        wet, tail = room.wet(send[start : start + 9999], tail)
        pieces.append(wet)
    assert np.abs(np.concatenate(pieces, axis=1) - whole).max() < 1e-4
    assert np.abs(tail - rest).max() < 1e-4


def test_filters_cut_where_they_should() -> None:
    rate, t = 44100, np.arange(44100) / 44100
    low, high = (np.sin(2 * np.pi * f * t).astype(np.float32) for f in (100, 5000))
    assert np.std(banded(low + high, rate, 1000)[2000:-2000] - high[2000:-2000]) < 0.02
    assert np.std(banded(low + high, rate, 0, 700)[2000:-2000] - low[2000:-2000]) < 0.03
    assert abs(float(low_cut(high + 1, rate, 30)[-22050:].mean())) < 1e-3
