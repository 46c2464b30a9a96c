"""Rendering plans: onsets to the sample, stems that sum, level, repeatability."""

from dataclasses import replace

import numpy as np
import pytest

from bridge.resources import folder
from daemon.audio.grid import Grid
from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.codec import plan_from_json, plan_json
from daemon.engines.sketch.plan.styles import load_styles
from daemon.engines.sketch.plan.types import Part, Plan, PlanNote
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.effects import duck_curve, kick_frames
from daemon.engines.sketch.render.level import Loudness, tops
from daemon.engines.sketch.render.master import fades, limiting, master_gain
from daemon.engines.sketch.render.part import Window, dry_part, onset_frame, scored
from daemon.engines.sketch.render.stems import prepared, raw_stems

STYLES = load_styles(folder("presets") / "styles")
BANK = Bank()
RATE = 22050


def _check() -> None:
    return None


def _plan(style: str = "pop", length_s: float = 6.0) -> Plan:
    grid = Grid.steady(110, downbeat=0.21)
    return arrange(Brief(grid, 0.0, length_s, "A minor", STYLES[style], 4, lead=True, level=3))


def _dry(plan: Plan, window: Window, bank: Bank = BANK) -> np.ndarray:
    part = plan.parts[0]
    return dry_part(part, scored(plan, part, window.rate, _check), bank, window, _check)


def _click(start_quarter: float, offset_s: float = 0.0, downbeat: float = 0.0) -> Plan:
    note = PlanNote(start_quarter, 0.25, 37, 110, offset_s)
    part = Part("drums", "drums", "drums-acoustic", notes=(note,))
    return Plan("x", 1, "C major", Grid.steady(97, downbeat=downbeat), 0.0, 4.0, parts=(part,))


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
@pytest.mark.parametrize(("quarter", "offset_s"), [(1.0, 0.0), (2.25, -0.0031), (3.0, 0.0123)])
def test_onsets_are_exact_to_the_sample(rate: int, quarter: float, offset_s: float) -> None:
    plan = _click(quarter, offset_s, downbeat=0.1)
    bus = _dry(plan, Window(0, 4 * rate, rate), Bank())
    sound = Bank().stroke("drums-acoustic", 37, 110, 0, rate)
    first = int(np.flatnonzero(sound)[0])
    wanted = round((0.1 + quarter * 60 / 97 + offset_s) * rate)
    assert int(np.flatnonzero(bus[0])[0]) - first == wanted
    assert onset_frame(plan, plan.parts[0].notes[0], rate) == wanted


def test_a_window_hears_notes_that_began_before_it() -> None:
    note = PlanNote(0.0, 8.0, 60, 100)
    plan = replace(_click(0), parts=(Part("pad", "pad", "pad-warm", notes=(note,)),))
    whole = _dry(plan, Window(0, 3 * RATE, RATE))
    later = _dry(plan, Window(RATE, 2 * RATE, RATE))
    assert np.array_equal(whole[:, RATE:], later)
    before = _dry(plan, Window(-RATE, 4 * RATE, RATE))
    assert np.array_equal(before[:, RATE:], whole)
    assert not before[:, :RATE].any()


def test_notes_end_when_they_are_let_go() -> None:
    note = PlanNote(0.0, 1.0, 60, 100)
    plan = replace(_click(0), parts=(Part("keys", "keyboard", "organ", notes=(note,)),))
    bus = _dry(plan, Window(0, 3 * RATE, RATE))
    held = round(60 / 97 * RATE)
    assert np.abs(bus[:, held - 500 : held]).max() > 0.02
    assert not bus[:, held + round(0.06 * RATE) :].any()


def test_a_closed_hat_chokes_the_open_one() -> None:
    def bus(keys: tuple[int, ...]) -> np.ndarray:
        notes = tuple(PlanNote(i * 0.25, 0.25, key, 100) for i, key in enumerate(keys))
        part = Part("drums", "drums", "drums-acoustic", notes=notes)
        plan = replace(_click(0), parts=(part,))
        return _dry(plan, Window(0, RATE, RATE))

    tail = slice(round(0.32 * RATE), round(0.4 * RATE))
    assert np.std(bus((46,))[:, tail]) > 5 * np.std(bus((46, 44))[:, tail])


def test_the_same_plan_gives_the_same_samples_also_after_json() -> None:
    plan = _plan()
    window = Window(0, 6 * RATE, RATE)
    first = raw_stems(plan, Bank(), window, _check)
    again = raw_stems(plan_from_json(plan_json(plan)), BANK, window, _check)
    assert first.keys() == again.keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_styles_are_loud_clean_and_balanced(style: str) -> None:
    plan = _plan(style)
    window = Window(0, 6 * RATE, RATE)
    stems = raw_stems(plan, BANK, window, _check)
    mix = sum(stems.values())
    gain = master_gain(mix, RATE, -16.0, -1.0, slice(0, window.frames))
    out = mix * gain
    level = integrated_lufs(out.T, RATE)
    assert level == pytest.approx(-16.0, abs=0.5)
    assert true_peak_db(out.T, RATE) <= -1.0
    assert np.abs(out.mean(axis=1)).max() < 1e-3
    for name, stem in stems.items():
        loud = integrated_lufs((stem * gain).T, RATE)
        assert loud is not None, name
        assert level - 26 < loud < level - 1.0, (name, loud)
    summed = sum(stem * gain for stem in stems.values())
    assert np.abs(summed - out).max() < 1e-6


def test_a_cancelled_render_stops() -> None:
    class Stop(Exception):
        pass

    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise Stop

    with pytest.raises(Stop):
        raw_stems(_plan(), BANK, Window(0, 6 * RATE, RATE), check)


def test_kicks_push_the_pad_down() -> None:
    plan = _plan("house")
    window = Window(0, 6 * RATE, RATE)
    kicks = kick_frames(prepared(plan, window, _check).parts)
    curve = duck_curve(kicks, window)
    inside = [k for k in kicks if 0 <= k < window.frames]
    assert len(inside) > 8
    assert all(curve[k] > 0.95 for k in inside)
    assert curve.min() == 0
    ducked = raw_stems(plan, BANK, window, _check)["pad"]
    parts = tuple(replace(part, duck_db=0.0) for part in plan.parts)
    free = raw_stems(replace(plan, parts=parts), BANK, window, _check)["pad"]
    kick = inside[4]
    assert np.std(ducked[:, kick : kick + 500]) < 0.6 * np.std(free[:, kick : kick + 500])


def test_long_pieces_are_the_same_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, window = _plan("lofi"), Window(-500, 6 * RATE, RATE)
    whole = raw_stems(plan, BANK, window, _check)
    monkeypatch.setattr("daemon.engines.sketch.render.stems.BLOCK_S", 2.1)
    cut = raw_stems(plan, BANK, window, _check)
    for name, stem in whole.items():
        assert np.abs(cut[name] - stem).max() < 1e-4, name


def test_loudness_agrees_with_the_reference_meter() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    for rate in (22050, 44100, 48000):
        x = (0.1 * rng.standard_normal((2, 4 * rate))).astype(np.float32)
        x[:, : 2 * rate] *= 0.2
        assert Loudness(x, rate).lufs() == pytest.approx(integrated_lufs(x.T, rate), abs=0.12)
        assert Loudness(x, rate).lufs(0.5) == pytest.approx(
            integrated_lufs(0.5 * x.T, rate), abs=0.12
        )
    assert Loudness(np.zeros((2, 48000), np.float32), 48000).lufs() is None
    assert Loudness(np.zeros((2, 0), np.float32), 48000).lufs() is None


def test_the_limiter_never_lets_a_peak_through() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    over = rng.random(30000)
    over[rng.integers(0, 30000, 60)] = 1 + 3 * rng.random(60)
    gain = limiting(over, 22050)
    assert (gain * over).max() <= 1 + 1e-6
    assert np.abs(np.diff(gain)).max() < 0.02
    assert np.array_equal(limiting(np.full(100, 0.9), 22050), np.ones(100))


def test_peaks_between_samples_are_seen() -> None:
    t = np.arange(8000)
    x = np.tile(0.9 * np.sin(np.pi / 2 * t + np.pi / 4), (2, 1)).astype(np.float32)
    assert np.abs(x).max() < 0.64
    assert tops(x, 0.8).max() == pytest.approx(0.9, abs=0.02)


def test_band_and_voice_together_stay_below_the_ceiling() -> None:
    rng = np.random.Generator(np.random.PCG64(6))
    voice = 0.8 * np.sin(np.arange(2 * RATE) * 0.05) * np.ones((2, 1))
    band = 0.3 * rng.standard_normal((2, 2 * RATE))
    gain = master_gain(
        band.astype(np.float32), RATE, -14.0, -1.0, slice(0, 2 * RATE), voice.astype(np.float32)
    )
    assert true_peak_db((band * gain + voice).T, RATE) <= -1.0


def test_fades_lie_inside_what_is_heard() -> None:
    gain = fades(1000, 1000, 0.1, 0.2, slice(100, 900))
    assert not gain[:100].any()
    assert not gain[900:].any()
    assert np.array_equal(gain[200:700], np.ones(500))
    assert gain[100] == 0
    assert np.array_equal(fades(50, 1000, 0, 0, slice(10, 40)), np.ones(50))
