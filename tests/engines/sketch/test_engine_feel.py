"""The keys `ending`, `balance`, `humanize` and `swing` change what they say."""

import numpy as np
import pytest
import soxr
from engine_desk import HANDLE, ODE, RATE, band, empty, mix_of, request_of, run, voice, whole

from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.base import Result, Span
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.types import Plan, PlanNote


def _plan(result: Result) -> Plan:
    return plan_from_json(str(result.documents["plan"]))


def _generated(bars: int = 4, **options: object) -> Plan:
    spans = (Span(0, bars * 2 * RATE),)
    asked = {"preset": "folk", **options}
    return _plan(run(request_of("generate", empty(), spans, key="G major", options=asked))[0])


def _notes(plan: Plan) -> list[PlanNote]:
    return [note for part in plan.parts for note in part.notes]


def _last_bar(plan: Plan) -> list[PlanNote]:
    last = plan.grid.quarter_at(plan.end_s) - 4
    return [note for note in _notes(plan) if note.start_quarter >= last - 1e-6]


def test_no_humanising_is_exactly_on_the_grid() -> None:
    assert {note.offset_s for note in _notes(_generated(humanize=0.0))} == {0.0}


def test_humanising_scales_the_styles_range() -> None:
    half, whole_range = (
        np.array([n.offset_s for n in _notes(_generated(humanize=share))]) for share in (0.5, 1.0)
    )
    assert np.ptp(half) == pytest.approx(np.ptp(whole_range) / 2, rel=0.2)


def test_swing_delays_off_beats() -> None:
    straight, swung = (
        {round(n.start_quarter % 1, 3) for n in _notes(_generated(swing=swing))}
        for swing in (0.0, 1.0)
    )
    assert 0.5 in straight
    assert 0.5 not in swung
    assert 0.667 in swung


def test_an_ending_can_be_asked_for_and_refused() -> None:
    ends, goes_on = (_generated(bars, ending=e) for bars, e in ((4, 1), (12, 0)))
    assert len({n.start_quarter for n in _last_bar(ends)}) == 1
    assert len({n.start_quarter for n in _last_bar(goes_on)}) > 3


@pytest.mark.parametrize(("balance", "peak"), [(-9.0, 0.5), (0.0, 0.5), (-3.0, 0.99)])
def test_balance_sets_the_level_beside_the_voice(balance: float, peak: float) -> None:
    clip = 0.5 * voice(ODE)
    clip[-RATE // 2 :] *= peak / np.abs(clip[-RATE // 2 :]).max()
    options = {"preset": "pop", "balance": balance}
    _, desk = run(request_of("bgm", clip, whole(clip), options=options))
    level = integrated_lufs(clip, RATE)
    assert level is not None
    assert integrated_lufs(mix_of(desk), RATE) == pytest.approx(level + balance, abs=1.0)


def test_a_loud_band_stays_below_the_ceiling_at_the_rate_of_a_low_source() -> None:
    clip = 1.5 * voice(ODE)
    clip[: RATE // 4] *= 2.0
    asked = request_of("bgm", clip, whole(clip), rate=32000, options={"preset": "pop"})
    mix = mix_of(run(asked)[1])
    assert true_peak_db(soxr.resample(mix, 32000, 16000), 16000) <= -1.0
    # What other mixes gain when their top is taken away.
    assert true_peak_db(mix, 32000) <= -1.0 - 0.5


def test_a_continuation_ends_with_a_bar_that_dies_away() -> None:
    clip = band()
    span = Span(len(clip), len(clip) + 8 * RATE)
    sounds = [
        run(request_of("extend", clip, (span,), key="C major", options={"ending": e}))
        for e in (0, 1)
    ]
    plain, closed = (desk.sounds()["region"][HANDLE:-HANDLE] for _, desk in sounds)
    assert np.array_equal(plain[: 6 * RATE - 400], closed[: 6 * RATE - 400])
    struck, last = closed[6 * RATE :][: RATE // 5], closed[-RATE // 10 :]
    assert struck.std() > 0.02
    assert last.std() < 0.15 * struck.std()
    assert any("ending" in note for note in sounds[1][0].notes)
