"""Told chords win over what is heard and over the style's own."""

import json

import numpy as np
import pytest
from engine_desk import HANDLE, ODE, RATE, band, empty, request_of, run, voice, whole

from daemon.audio.grid import Grid
from daemon.engines.base import Span
from daemon.engines.sketch.plan.bars import bars_between
from daemon.engines.sketch.plan.told_chords import key_of_chords, told_chords

BAR = 2 * RATE


def _names(result) -> list[str]:
    return [c["name"] for c in json.loads(str(result.documents["plan"]))["chords"]]


def test_a_row_is_repeated_and_a_pick_up_has_its_last_bar() -> None:
    grid = Grid.steady(120.0, 4, 4, 0.5)
    bars = bars_between(grid, 0.0, 6.5)
    found = told_chords({"chords": "C | F G"}, bars, grid.quarter_at(0.0))
    assert [(c.start_quarter, c.name) for c in found] == [
        (-4, "F"), (-2, "G"), (0, "C"), (4, "F"), (6, "G"), (8, "C"),
    ]  # fmt: skip


@pytest.mark.parametrize("op", ["generate", "bgm"])
def test_the_plan_has_the_told_chords(op: str) -> None:
    clip = empty() if op == "generate" else voice(ODE)
    spans = (Span(0, 4 * BAR),) if op == "generate" else whole(clip)
    told = {"chords": "Ebmaj7 | Ab Bb7", "ending": 0}
    result, _ = run(request_of(op, clip, spans, options=told))
    names = _names(result)
    assert names[:3] == ["Ebmaj7", "Ab", "Bb7"]
    assert set(names) == {"Ebmaj7", "Ab", "Bb7"}


def test_a_repaint_with_told_chords_is_new_and_follows_them() -> None:
    clip, span = band(8), Span(2 * BAR, 4 * BAR)
    regions = [
        run(request_of("repaint", clip, (span,), options=options))[1].sounds()["region"]
        for options in ({}, {"chords": "F#"}, {"chords": "C"})
    ]
    plain, sharp, flat = (r[HANDLE:-HANDLE] for r in regions)
    assert not np.array_equal(plain, sharp)

    def share(sound: np.ndarray, pitches: set[int]) -> float:
        power = np.abs(np.fft.rfft(sound.mean(axis=1))) ** 2
        hz = np.fft.rfftfreq(len(sound), 1 / RATE)
        keep = (hz > 60) & (hz < 1500)
        midi = np.rint(69 + 12 * np.log2(hz[keep] / 440)).astype(int) % 12
        return float(power[keep][np.isin(midi, list(pitches))].sum() / power[keep].sum())

    assert share(sharp, {6, 10, 1}) > share(sharp, {0, 4, 7})
    assert share(flat, {0, 4, 7}) > share(flat, {6, 10, 1})


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ("Am | F | C | G", "A minor"),
        ("C | Am | F | G", "C major"),
        ("Cm | Ab Bb", "C minor"),
        ("D | A | Bm | G", "D major"),
        ("Em7 | A7 | Dmaj7", "D major"),
        ("Dm | A7 | Dm", "D minor"),
        ("Ebmaj7 | Ab Bb7", "Eb major"),
        ("N", None),
    ],
)
def test_told_chords_tell_the_key(row: str, key: str | None) -> None:
    assert key_of_chords({"chords": row}) == key
