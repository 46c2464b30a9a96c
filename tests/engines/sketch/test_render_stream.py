"""Mastering while rendering: loudness, peaks and sums as if the whole mix had been known."""

from collections.abc import Iterator

import numpy as np
import pytest

from bridge.resources import folder
from daemon.audio.grid import Grid
from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.styles import load_styles
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.compress import reduction_db
from daemon.engines.sketch.render.fader import Tally, fader_db
from daemon.engines.sketch.render.forecast import forecast
from daemon.engines.sketch.render.level import at_rest, gated_lufs, hop_means, k_power
from daemon.engines.sketch.render.master import Beside
from daemon.engines.sketch.render.part import Window
from daemon.engines.sketch.render.stems import Piece, prepared, raw_stems, stretches
from daemon.engines.sketch.render.stream import Aim, mastering

STYLES = load_styles(folder("presets") / "styles")
BANK = Bank()
RATE, HOP = 22050, 2205


def _check() -> None:
    return None


def _piece(style: str, length_s: float, handle: int = 500) -> Piece:
    grid = Grid.steady(sum(STYLES[style].tempo_bpm) / 2)
    plan = arrange(Brief(grid, 0.0, length_s, "D minor", STYLES[style], 9, lead=True))
    return prepared(plan, Window(-handle, round(length_s * RATE) + 2 * handle, RATE), _check)


def _aim(frames: int, handle: int, lufs: float = -16.0) -> Aim:
    return Aim(lufs, -1.0, 0.0, 0.3, slice(handle, frames - handle), frames, RATE)


def _mastered(
    piece: Piece, expected: np.ndarray | None = None, beside: Beside | None = None
) -> tuple[dict[str, np.ndarray], list[int]]:
    frames = piece.window.frames
    if expected is None:
        expected = forecast(piece, BANK, 0, -(-(frames - 1000) // HOP), _check)
    out: dict[str, list[np.ndarray]] = {}
    sizes = []
    raw = stretches(piece, BANK, _check)
    for stems in mastering(raw, _aim(frames, 500), expected, HOP, beside, _check):
        sizes.append(next(iter(stems.values())).shape[1])
        for name, stem in stems.items():
            out.setdefault(name, []).append(stem)
    return {name: np.concatenate(rows, axis=1) for name, rows in out.items()}, sizes


@pytest.mark.parametrize("style", ["pop", "techno", "rock", "cinematic"])
def test_pieces_land_on_their_loudness_below_the_ceiling(style: str) -> None:
    piece = _piece(style, 14.0)
    stems, sizes = _mastered(piece)
    assert sum(sizes) == piece.window.frames
    assert len(sizes) >= 4
    assert sizes[0] < 3.1 * RATE
    mix = np.sum(list(stems.values()), axis=0)
    assert integrated_lufs(mix[:, 500:-500].T, RATE) == pytest.approx(-16.0, abs=0.3)
    assert true_peak_db(mix.T, RATE) <= -1.0


def test_a_wrong_forecast_is_made_good_later() -> None:
    piece = _piece("pop", 20.0)
    hops = -(-(piece.window.frames - 1000) // HOP)
    wrong = 2.0 * forecast(piece, BANK, 0, hops, _check)
    mix = np.sum(list(_mastered(piece, wrong)[0].values()), axis=0)
    assert integrated_lufs(mix[:, 500:-500].T, RATE) == pytest.approx(-16.0, abs=0.5)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_forecast_knows_the_level_of_a_mix_from_its_notes(style: str) -> None:
    piece = _piece(style, 8.0, 0)
    expected = forecast(piece, BANK, 0, 80, _check)
    mix = np.sum(list(raw_stems(piece.plan, BANK, piece.window, _check).values()), axis=0)
    power = hop_means(k_power(mix, RATE, at_rest(2))[0], HOP)
    assert 10 * np.log10(power.mean() / expected.mean()) == pytest.approx(0, abs=1.0)
    rows = power[:80].reshape(10, 8).mean(axis=1), expected.reshape(10, 8).mean(axis=1)
    apart = 10 * np.log10(rows[0] / rows[1])
    assert np.median(np.abs(apart - np.median(apart))) < 0.8


def test_one_gain_for_all_stems_that_glides() -> None:
    piece = _piece("rock", 8.0)
    raw = raw_stems(piece.plan, BANK, piece.window, _check)
    stems, _ = _mastered(piece)
    low, high = np.full(piece.window.frames, np.inf), np.zeros(piece.window.frames)
    for name, stem in stems.items():
        loud = np.abs(raw[name][0]) > 0.01
        gain = stem[0][loud] / raw[name][0][loud]
        low[loud], high[loud] = np.minimum(low[loud], gain), np.maximum(high[loud], gain)
    known = high > 0
    assert known.mean() > 0.5
    assert (high - low)[known].max() < 1e-4
    here = np.flatnonzero(known[500:-8000]) + 500
    slope = np.diff(high[here]) / np.diff(here)
    assert np.abs(slope).max() < 0.02


def test_voice_and_band_stay_below_the_ceiling_together() -> None:
    piece = _piece("pop", 8.0)
    t = np.arange(piece.window.frames) / RATE
    voice = 0.85 * np.sin(2 * np.pi * 330 * t) * np.sin(2 * np.pi * 0.7 * t).clip(0) ** 0.25
    voice = voice.astype(np.float32)
    both = np.stack([voice, voice])
    beside = Beside(both.T, 0)
    assert beside.stays_below(-1.0)
    stems, _ = _mastered(piece, beside=beside)
    mix = np.sum(list(stems.values()), axis=0)
    assert true_peak_db((mix + both).T, RATE) <= -1.0
    assert true_peak_db(mix.T, RATE) <= -1.0


def test_no_notes_are_silence() -> None:
    def nothing() -> Iterator[dict[str, np.ndarray]]:
        for _ in range(3):
            yield {"drums": np.zeros((2, RATE), np.float32)}

    rows = list(mastering(nothing(), _aim(3 * RATE, 0), np.zeros(30), HOP, None, _check))
    out = np.concatenate([row["drums"] for row in rows], axis=1)
    assert out.shape == (2, 3 * RATE)
    assert not out.any()


def test_the_fader_counts_what_has_left() -> None:
    power = 10 ** ((-20 + 0.691) / 10)
    tally = Tally(100, np.full(40, power))
    assert fader_db(tally, -16.0, None) == pytest.approx(4.0, abs=0.02)
    assert fader_db(tally, -16.0, 1.0) == pytest.approx(2.0, abs=0.02)
    tally.add(tally.measured, 0, np.full(2000, power, np.float32))
    tally.add(tally.left, 0, np.full(2000, power * 10**0.3, np.float32))
    tally.seen = tally.gone = 2000
    rest = fader_db(tally, -16.0, 4.0)
    whole = np.concatenate([tally.left[:20], np.full(20, power * 10 ** (rest / 10))])
    assert gated_lufs(whole) == pytest.approx(-16.0, abs=0.1)


def test_power_is_kept_by_hops_wherever_it_begins() -> None:
    tally = Tally(10, np.zeros(5))
    tally.add(tally.left, -7, np.ones(20))
    tally.add(tally.left, 13, np.ones(60))
    assert np.allclose(tally.left, 1.0)


def test_the_compressor_holds_back_what_is_loud_and_no_more() -> None:
    quiet = 10 ** ((-20 + 0.691) / 10)
    assert not reduction_db(np.full(100, quiet), 0.005, -16.0, 0.0)[0].any()
    held, last = reduction_db(np.full(100, 100 * quiet), 0.005, -16.0, 0.0)
    assert held[0] > -1.0
    assert np.all(np.diff(held) <= 0)
    assert -3.0 <= last < -2.9
    freed, _ = reduction_db(np.full(400, quiet), 0.005, -16.0, last)
    assert freed[-1] == pytest.approx(0, abs=0.05)


def test_a_voice_above_the_ceiling_is_told_from_one_below() -> None:
    t = np.arange(RATE) / RATE
    both = np.stack([np.sin(2 * np.pi * 331 * t)] * 2, axis=1).astype(np.float32)
    assert Beside(0.88 * both, 0).stays_below(-1.0)
    assert not Beside(0.9 * both, 0).stays_below(-1.0)


def test_a_voice_is_silent_where_its_clip_is_not() -> None:
    clip = np.arange(1, 9, dtype=np.float32).reshape(4, 2)
    assert Beside(clip, -2).within(0, 4)[0].tolist() == [0, 0, 1, 3]
    assert Beside(clip, 2).within(1, 5)[1].tolist() == [8, 0, 0, 0]
    assert not Beside(clip, 9).within(0, 3).any()
