"""Parts that a SoundFont plays: frames of onsets, choking, release, velocity, level."""

from pathlib import Path

import numpy as np
import pytest
from soundfont_writer import (
    KEYS,
    RATE,
    VELOCITIES,
    Wave,
    Zone,
    font_bytes,
    font_of,
    one,
    pitch,
    rms_db,
    sine,
    span,
)

from daemon.audio.grid import Grid
from daemon.engines.sketch.plan.types import Part, Plan, PlanNote
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.part import Window, dry_part, scored
from daemon.engines.sketch.render.voices import REFERENCE_RMS, loudest
from daemon.engines.sketch.soundfont.bank import FontBank

LOOPED = (54, 1)


def kit() -> bytes:
    """A kick panned left, a centred snare, hats in one exclusive class."""
    waves = [Wave(sine(100, 0.3)), Wave(sine(3000, 0.3)), Wave(sine(7000, 2.0))]
    zones = [
        Zone([(KEYS, span(36, 36)), (17, -300), (58, 36)], target=0),
        Zone([(KEYS, span(38, 38)), (58, 38)], target=1),
        *(Zone([(KEYS, span(k, k)), (58, k), (57, 1)], target=2) for k in (42, 46)),
        Zone([(KEYS, span(51, 51)), (58, 51)], target=2),
    ]
    return font_bytes(waves, [zones], {(128, 0): [Zone()]})


def drum_part(bank: Bank, notes: list[tuple[float, int]], rate: int = RATE) -> np.ndarray:
    played_notes = tuple(PlanNote(quarter, 0.25, key, 100) for quarter, key in notes)
    part = Part("drums", "drums", "drums-acoustic", notes=played_notes)
    plan = Plan("x", 1, "C major", Grid.steady(60), 0.0, 5.0, parts=(part,))
    window = Window(0, 4 * rate, rate)
    return dry_part(part, scored(plan, part, rate, lambda: None), bank, window, lambda: None)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
@pytest.mark.parametrize("at", [0.5, 1.2345, 2.00001])
def test_a_stroke_begins_on_its_frame(tmp_path: Path, rate: int, at: float) -> None:
    """A sample with 20 ms of silence before it sounds is brought forward."""
    late = Wave(np.concatenate([np.zeros(882, np.int16), sine(3000, 0.2, 0.9)]), root=38)
    zone = Zone([(KEYS, span(38, 38))])
    bank = FontBank(font_of(tmp_path, font_bytes([late], [[zone]], {(128, 0): [Zone()]})))
    bus = drum_part(bank, [(at, 38)], rate)
    first = int(np.flatnonzero(np.abs(bus[0]) > 1e-3 * np.abs(bus[0]).max())[0])
    assert abs(first - round(at * rate)) <= 1
    assert not bus[:, : round(at * rate)].any()


def test_hats_of_one_class_end_each_other_and_a_ride_rings(tmp_path: Path) -> None:
    bank = FontBank(font_of(tmp_path, kit()))
    for key, rings in ((46, False), (42, False), (51, True)):
        alone = drum_part(bank, [(0.5, key)])[0]
        both = drum_part(bank, [(0.5, key), (1.0, 42)])[0]
        after = drum_part(bank, [(1.0, 42)])[0]
        rest = rms_db(both - after, 1.05, 1.4) if np.any(both - after) else -200.0
        assert (rest > rms_db(alone, 1.05, 1.4) - 1) is rings


def test_a_piece_stands_where_the_font_puts_it_and_else_where_the_kit_does(tmp_path: Path) -> None:
    bank = FontBank(font_of(tmp_path, kit()))
    left, right = drum_part(bank, [(0.5, 36)])
    share = 10 ** ((rms_db(right, 0.5, 0.8) - rms_db(left, 0.5, 0.8)) / 20)
    assert share == pytest.approx(np.tan(0.2 * np.pi / 2), rel=0.02)
    left, right = drum_part(bank, [(0.5, 42)])
    assert 0.5 < rms_db(right, 0.5, 1.0) - rms_db(left, 0.5, 1.0) < 5


def test_a_key_that_the_font_lacks_is_the_built_in_one(tmp_path: Path) -> None:
    bank = FontBank(font_of(tmp_path, kit()))
    assert np.array_equal(
        bank.stroke("drums-acoustic", 49, 100, 1, RATE),
        Bank().stroke("drums-acoustic", 49, 100, 1, RATE),
    )
    assert np.array_equal(
        bank.tone("piano", 60, 90, RATE).samples, Bank().tone("piano", 60, 90, RATE).samples
    )
    bank.stroke("drums-acoustic", 36, 100, 0, RATE)
    assert len(bank.notes()) == 2
    assert "drums-acoustic, piano" in bank.notes()[1]


def test_a_key_let_go_falls_as_the_font_says(tmp_path: Path) -> None:
    """100 dB in a second."""
    bank = FontBank(font_of(tmp_path, one(LOOPED, (38, 0))))
    note = PlanNote(0.0, 0.5, 69, 100)
    part = Part("keys", "keyboard", "piano", notes=(note,))
    plan = Plan("x", 1, "C major", Grid.steady(60), 0.0, 3.0, parts=(part,))
    score = scored(plan, part, RATE, lambda: None)
    x = dry_part(part, score, bank, Window(0, 2 * RATE, RATE), lambda: None)[0]
    fall = rms_db(x, 0.79, 0.81) - rms_db(x, 0.59, 0.61)
    assert fall == pytest.approx(-20, abs=0.5)
    assert not x[round(1.25 * RATE) :].any()


# -- velocity --------------------------------------------------------------------------------------


def strength_db(bank: FontBank, velocity: int) -> float:
    tone = bank.tone("piano", 69, velocity, RATE, RATE // 2)
    played_level = tone.gain * (velocity / 127) ** 1.5
    return rms_db(tone.samples[0], 0.1, 0.4) + 20 * np.log10(played_level)


@pytest.mark.parametrize(
    ("mods", "wanted_db"),
    [([], 40 * np.log10(0.5)), ([(0x0502, 48, 480, 0, 0)], 20 * np.log10(0.5)),
     ([(0x0502, 48, 0, 0, 0)], 0.0)],
)  # fmt: skip
def test_velocity_follows_the_font_s_own_curve(
    tmp_path: Path, mods: list[tuple[int, int, int, int, int]], wanted_db: float
) -> None:
    bank = FontBank(font_of(tmp_path, one(LOOPED, mods=mods)))
    assert strength_db(bank, 50) - strength_db(bank, 100) == pytest.approx(wanted_db, abs=0.05)


def test_layers_of_velocity_and_what_velocity_does_to_the_filter(tmp_path: Path) -> None:
    zones = [
        Zone([(VELOCITIES, span(0, 79))], target=0),
        Zone([(VELOCITIES, span(80, 127))], target=1),
    ]
    waves = [Wave(sine(440)), Wave(sine(880))]
    bank = FontBank(font_of(tmp_path, font_bytes(waves, [zones], {(0, 0): [Zone()]})))
    for velocity, hz in ((79, 440), (80, 880)):
        x = bank.tone("piano", 69, velocity, RATE, 30000).samples[0]
        assert pitch(x[1000:30000], RATE) == pytest.approx(hz, abs=1)
    wave = Wave(sine(8000, 2.0), loop=(4410, 83790))
    darker = one(LOOPED, (8, 10000), wave=wave, mods=[(0x0102, 8, -6000, 0, 0)])
    bank = FontBank(font_of(tmp_path, darker))
    assert strength_db(bank, 30) - strength_db(bank, 120) < -40


# -- level -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.9, 0.02])
def test_an_instrument_is_as_loud_as_the_built_in_one(tmp_path: Path, level: float) -> None:
    wave = Wave(sine(440, 2.0, level), loop=(4410, 83790))
    bank = FontBank(font_of(tmp_path, one(LOOPED, wave=wave)))
    tone = bank.tone("piano", 60, 100, RATE, RATE)
    assert tone.gain * loudest(tone.samples, RATE) == pytest.approx(REFERENCE_RMS, rel=0.05)
    power = bank.tone_power("piano", 60, 100, RATE, RATE)
    expected = 2 * np.square(tone.gain * tone.samples[0][RATE // 4 : RATE // 2]).mean()
    assert power[3] == pytest.approx(expected, rel=0.3)


def test_a_warm_bank_and_a_fresh_one_play_the_same(tmp_path: Path) -> None:
    path = font_of(tmp_path, one(LOOPED, (6, 15)))
    warm = FontBank(path)
    warm.tone("piano", 72, 60, RATE, 5 * RATE)
    warm.tone("piano", 64, 127, RATE, 100)
    first, second = (bank.tone("piano", 64, 90, RATE, RATE) for bank in (warm, FontBank(path)))
    assert np.array_equal(first.samples, second.samples)
    assert first.gain == second.gain
