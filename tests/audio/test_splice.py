import math

import numpy as np
import pytest
from audio_material import click_ratio, music, noise, sweep, tone
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.limiter import ATTACK_S
from daemon.audio.loudness import amplitude, peaks, true_peak
from daemon.audio.splice import CEILING_DB, CONTEXT_S, HANDLE_S, splice

RATE = 44_100
HANDLE = round(HANDLE_S * RATE)
CONTEXT = round(CONTEXT_S * RATE)


def f32(x):
    return np.asarray(x, np.float32)


def repaint(source, new, start, end, rate=RATE, handle=HANDLE, **more):
    """Splice `new`, which shares the source's time, into frames `[start, end)`."""
    source, new = f32(source), f32(new)
    return splice(
        source[max(0, start - rate) : start],
        source[start:end],
        source[end : end + rate],
        new[start - handle : end + handle],
        handle,
        rate,
        **more,
    )


def put(source, spliced, start):
    out = f32(source).copy()
    out[start : start + len(spliced.samples)] = spliced.samples
    return out


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_the_same_material_is_the_source(channels, rate):
    x = music(1, 4 * rate, rate, channels)
    handle = round(HANDLE_S * rate)
    done = repaint(x, x, rate + 123, 2 * rate + 77, rate, handle)
    assert np.abs(done.samples - f32(x)[rate + 123 : 2 * rate + 77]).max() < 1e-6
    assert done.samples.dtype == np.float32
    report = done.report
    assert (report.delay, report.polarity, report.limiter_db) == (0, 1, 0)
    assert report.start.rho == pytest.approx(1)
    assert abs(report.start.gain_db) < 1e-6


@pytest.mark.parametrize("delay", [-220, -63, -1, 1, 40, 219])
@pytest.mark.parametrize("polarity", [1, -1])
def test_delay_polarity_level_and_dc_are_undone(delay, polarity):
    x = music(2, 4 * RATE, RATE, 2)
    late = polarity * 0.8 * np.roll(x, delay, axis=0) + [0.02, -0.01]
    start, end = RATE, 2 * RATE
    done = repaint(x, late, start, end)
    assert (done.report.delay, done.report.polarity) == (delay, polarity)
    assert done.report.start.gain_db == pytest.approx(-20 * math.log10(0.8), abs=0.01)
    assert np.abs(done.samples - x[start:end]).max() < 1e-4


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10_000),
    st.sampled_from([1, 2, 6]),
    st.sampled_from([8_000, 22_050, 48_000]),
    st.floats(0.01, 0.5),
    st.floats(-80, 6),
    st.sampled_from(["repaint", "after", "before", "first", "last", "whole"]),
)
def test_any_material(seed, channels, rate, seconds, level_db, kind):
    frames, handle = round(seconds * rate), round(HANDLE_S * rate)
    start = rate // 4
    make = noise if seed % 2 else lambda s, n, c: music(s, n, rate, c)
    x = f32(make(seed, frames + 2 * start, channels))
    new = f32(make(seed + 1, frames + 2 * handle, channels) * 10 ** (level_db / 20))
    before, over, after = x[:start], x[start : start + frames], x[start + frames :]
    before = before[:0] if kind in ("before", "first", "whole") else before
    after = after[:0] if kind in ("after", "last", "whole") else after
    over = None if kind in ("before", "after") else over
    done = splice(before, over, after, new, handle, rate)
    samples, report = done.samples, done.report
    assert samples.shape == (frames, channels)
    assert np.isfinite(samples).all()
    assert abs(report.start.gain_db) <= 3
    assert abs(report.delay) <= 0.005 * rate + 1
    for kept, edge in ((before, report.start), (after, report.end)):
        assert (edge.fade > 0) == (len(kept) > 0)
        assert edge.fade <= 0.030 * rate + 1
        assert -1 <= edge.rho <= 1
    # Where nothing was before, louder kept audio is carried on for a moment.
    led = round(ATTACK_S * rate) if over is None else 0
    inside = slice(len(before) + led * (len(before) > 0), len(before) + frames)
    inside = slice(inside.start, inside.stop - led * (len(after) > 0) - 1)
    held = x[: len(before)] if over is None else np.concatenate([before, over, after])
    ceiling = amplitude(CEILING_DB)
    if over is not None:
        ceiling = max(ceiling, float(peaks(held, rate)[inside].max(initial=0.0)))
    now = peaks(np.concatenate([before, samples, after]), rate)[inside]
    assert now.max(initial=0.0) <= ceiling * 1.01
    assert all(math.isfinite(v) for v in (report.limiter_db, report.correlation))


@pytest.mark.parametrize("over", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_seams_are_no_sharper_than_uncut_music(over, seed):
    x, other = music(seed, 4 * RATE, RATE, 2), music(seed + 50, 4 * RATE, RATE, 2, 0.15)
    start, end = RATE + 7, 2 * RATE + 31
    done = repaint(x, other, start, end) if over else None
    if done is None:
        x, other = f32(x), f32(other)
        new = other[start - HANDLE : end + HANDLE]
        done = splice(x[start - RATE : start], None, x[:0], new, HANDLE, RATE)
        x = x[:end]
    joined = put(x, done, start)
    hard = f32(x).copy()
    hard[start:end] = other[start:end]
    assert click_ratio(joined, start) < 1.3
    if over:
        assert click_ratio(joined, end) < 1.3
    assert click_ratio(hard, start) > click_ratio(joined, start)


@pytest.mark.parametrize("seed", range(2))
def test_leading_into_the_clip_is_the_mirror_of_going_on_after_it(seed):
    x, other = f32(music(seed, RATE, RATE)), f32(music(seed + 9, RATE + 2 * HANDLE, RATE))
    after = splice(x, None, x[:0], other, HANDLE, RATE)
    before = splice(x[:0], None, x[::-1], other[::-1], HANDLE, RATE)
    assert np.abs(after.samples - before.samples[::-1]).max() < 1e-3
    assert after.report.start.fade == before.report.end.fade > 0
    assert before.report.start.fade == after.report.end.fade == 0
    joined = np.concatenate([before.samples, x[::-1]])
    assert click_ratio(joined, len(before.samples)) < 1.3


def test_music_that_goes_on_after_the_end_is_taken_as_it_is():
    x = f32(sweep(4 * RATE, RATE, 200, 300) + tone(433, 4 * RATE, RATE) * 0.1)
    start, end = 2 * RATE, 3 * RATE
    done = splice(x[RATE:start], None, x[:0], x[start - HANDLE : end + HANDLE], HANDLE, RATE)
    assert np.abs(done.samples - x[start:end]).max() < 0.01
    assert done.report.start.rho > 0.99


def test_only_the_fades_and_the_gain_change_new_material():
    x, other = noise(1, 3 * RATE, 2), noise(2, 3 * RATE, 2)
    done = repaint(x, other, RATE, 2 * RATE)
    fade = done.report.start.fade
    along = np.linspace(0, 1, RATE)[:, None]
    gain = done.report.start.gain_db + along * (done.report.end.gain_db - done.report.start.gain_db)
    dc = np.array(done.report.start.dc) * (1 - along) + np.array(done.report.end.dc) * along
    expected = other[RATE : 2 * RATE] * 10 ** (gain / 20) + dc
    assert np.abs(done.samples - expected)[fade : RATE - done.report.end.fade].max() < 1e-6
    assert np.abs(done.samples[0] - x[RATE]).max() < 1e-3
    assert np.abs(done.samples[-1] - x[2 * RATE - 1]).max() < 1e-3


def test_gains_run_linearly_in_decibels_between_different_edges():
    x = noise(1, 3 * RATE, 1)
    shape = 10 ** (np.linspace(-2, 2, 3 * RATE) / 20)[:, None]
    done = repaint(x, x * shape, RATE, 2 * RATE)
    assert done.report.start.gain_db > 0.3
    assert done.report.end.gain_db < -0.3
    ratio = np.abs(done.samples / (x * shape)[RATE : 2 * RATE])
    ratio_db = 20 * np.log10(ratio)[3000:-3000, 0]
    line = np.linspace(done.report.start.gain_db, done.report.end.gain_db, RATE)[3000:-3000]
    assert np.abs(ratio_db - line)[np.abs(x[RATE + 3000 : 2 * RATE - 3000, 0]) > 0.02].max() < 0.2


@pytest.mark.parametrize(("first", "last"), [(True, False), (False, True), (True, True)])
def test_an_edge_at_the_clips_end_takes_the_other_edges_level(first, last):
    x, loud = f32(noise(1, 2 * RATE)), f32(noise(2, RATE + 2 * HANDLE, 1, 0.13))
    none = x[:0]
    done = splice(
        none if first else x[:RATE], x[:RATE], none if last else x[RATE:], loud, HANDLE, RATE
    )
    start, end = done.report.start, done.report.end
    assert start.gain_db == end.gain_db
    assert start.gain_db == (0 if first and last else pytest.approx(-2.28, abs=0.2))
    if first:
        gained = loud[HANDLE] * 10 ** (start.gain_db / 20) + (start.dc[0] if start.dc else 0)
        assert done.samples[0] == pytest.approx(gained, abs=1e-5)


def test_true_peak_is_kept_with_a_gain_of_one_at_the_seams():
    x = music(1, 3 * RATE, RATE, 2, 0.1)
    wild = noise(2, 3 * RATE, 2, 0.1)
    wild[RATE + 60 : 2 * RATE - 60 : 997] += 3.0
    done = repaint(x, wild, RATE, 2 * RATE)
    assert done.report.limiter_db < -6
    assert true_peak(done.samples, RATE) <= amplitude(CEILING_DB) * 1.005
    assert np.abs(done.samples[0] - x[RATE]).max() < 2e-3
    assert np.abs(done.samples[-1] - x[2 * RATE - 1]).max() < 2e-3


def test_a_loud_source_may_stay_loud():
    x = music(1, 3 * RATE, RATE, 2, 0.1)
    x *= 1.9 / np.abs(x).max()
    done = repaint(x, np.roll(x, 9000, axis=0), RATE, 2 * RATE)
    assert amplitude(CEILING_DB) < np.abs(done.samples).max() <= true_peak(x, RATE) * 1.005
    full = x / np.abs(x).max()
    done = repaint(full, np.roll(full, 9000, axis=0) * 1.3, RATE, 2 * RATE)
    assert np.abs(done.samples).max() <= 1.001


@pytest.mark.parametrize("seconds", [0.02, 0.5])
def test_a_hot_hit_outside_the_region_does_not_lift_the_ceiling(seconds):
    """What is kept may be louder: the peaks of new material are measured by themselves."""
    x = music(1, 3 * RATE, RATE, 2, 0.1)
    hit = np.hanning(200)[:, None] * tone(900, 200, RATE)
    for at in (RATE - round(seconds * RATE), 2 * RATE + round(seconds * RATE) - 200):
        x[at : at + 200] += 1.4 * hit
    wild = noise(2, 3 * RATE, 2, 0.5)
    done = repaint(x, wild, RATE, 2 * RATE)
    assert true_peak(x, RATE) > 1
    assert true_peak(done.samples, RATE) <= amplitude(CEILING_DB)
    joined = put(x, done, RATE)
    assert click_ratio(joined, RATE) < 1.3
    assert click_ratio(joined, 2 * RATE) < 1.3


def test_a_hot_hit_inside_the_region_may_be_as_hot_again():
    x = music(1, 3 * RATE, RATE, 2, 0.1)
    x[3 * RATE // 2] = 0.97
    done = repaint(x, noise(2, 3 * RATE, 2, 0.5), RATE, 2 * RATE)
    top = true_peak(done.samples, RATE)
    assert amplitude(CEILING_DB) < 0.99 * true_peak(x, RATE) < top <= true_peak(x, RATE) * 1.001


@pytest.mark.parametrize("level", [1.0, 1.9])
def test_what_follows_a_loud_end_comes_down_to_the_ceiling_without_a_click(level):
    x, other = music(3, 2 * RATE, RATE, 2), f32(music(5, RATE + 2 * HANDLE, RATE, 2, 0.3))
    x = f32(x * level / np.abs(x).max())
    end = int(np.abs(x[RATE:, 0]).argmax()) + RATE  # cut where it is loudest
    after = splice(x[end - RATE : end], None, x[:0], other, HANDLE, RATE)
    joined = np.concatenate([x[end - RATE : end], after.samples])
    led = round(ATTACK_S * RATE)
    assert peaks(joined, RATE)[RATE + led :].max() <= amplitude(CEILING_DB)
    assert peaks(joined, RATE)[RATE:].max() <= true_peak(x[end - RATE : end], RATE) * 1.01
    assert click_ratio(joined, RATE) < 1.3
    assert np.abs(after.samples[0]).max() > 0.9 * np.abs(x[end - 1]).max()
    before = splice(x[:0], None, x[end - RATE : end][::-1], other[::-1], HANDLE, RATE)
    joined = np.concatenate([before.samples, x[end - RATE : end][::-1]])
    assert peaks(joined, RATE)[: RATE - led].max() <= amplitude(CEILING_DB)
    assert click_ratio(joined, RATE) < 1.3


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
@pytest.mark.parametrize("over", [True, False])
def test_ten_milliseconds(rate, over):
    frames, handle = rate // 100, round(HANDLE_S * rate)
    x, new = f32(noise(1, rate)), f32(noise(2, frames + 2 * handle))
    start = rate // 2
    inside = x[start : start + frames] if over else None
    after = x[start + frames :] if over else x[:0]
    done = splice(x[:start], inside, after, new, handle, rate)
    assert done.samples.shape == (frames, 1)
    assert done.report.start.fade == (frames // 3 if over else frames // 2)


def test_no_handle_and_hardly_any_context():
    x, new = f32(noise(1, 2000, 2)), f32(noise(2, 1000, 2))
    for context in (1, 3, 50):
        done = splice(x[:context], None, x[:0], new, 0, RATE)
        assert np.isfinite(done.samples).all()
        done = splice(x[:context], x[:1000], x[:context], new, 0, RATE)
        assert done.samples.shape == (1000, 2)


def test_silence_on_either_side():
    silent, loud = np.zeros((3 * RATE, 2)), noise(1, 3 * RATE, 2)
    gone = repaint(loud, silent, RATE, 2 * RATE)
    assert not gone.samples[RATE // 20 : -RATE // 20].any()
    come = repaint(silent, loud, RATE, 2 * RATE)
    assert np.abs(come.samples[2000:-2000] - f32(loud)[RATE + 2000 : 2 * RATE - 2000]).max() < 3e-3
    assert come.report.start.gain_db == gone.report.start.gain_db == 0
    assert not repaint(silent, silent, RATE, 2 * RATE).samples.any()


@pytest.mark.parametrize("kept", [(3,), (0, 3), (3, 4, 5)])
def test_kept_channels_are_left_alone(kept):
    x, other = f32(noise(1, 3 * RATE, 6)), f32(noise(2, 3 * RATE, 6, 0.3))
    done = repaint(x, other, RATE, 2 * RATE, kept=kept)
    rest = [c for c in range(6) if c not in kept]
    assert np.array_equal(done.samples[:, kept], x[RATE : 2 * RATE, kept])
    alone = repaint(x[:, rest], other[:, rest], RATE, 2 * RATE)
    assert np.array_equal(done.samples[:, rest], alone.samples)


def test_kept_channels_die_away_after_the_end():
    x = f32(np.repeat(tone(60, RATE, RATE) * 0.5, 6, axis=1))
    new = np.zeros((RATE + 2 * HANDLE, 6), np.float32)
    done = splice(x, None, x[:0], new, HANDLE, RATE, kept=(3,))
    lfe = done.samples[:, 3]
    assert np.abs(lfe[: RATE // 1000]).max() > 0.01
    assert not lfe[RATE // 20 :].any()
    assert click_ratio(np.concatenate([x[:, 3:4], done.samples[:, 3:4]]), RATE) < 20


def test_nothing_handed_in_is_changed():
    x, new = f32(noise(1, 3000, 2)), f32(noise(2, 1000 + 2 * 200, 2))
    copies = x.copy(), new.copy()
    splice(x[:1000], x[1000:2000], x[2000:], new, 200, RATE)
    splice(x[:1000], None, x[:0], new, 200, RATE, kept=(1,))
    assert np.array_equal(x, copies[0])
    assert np.array_equal(new, copies[1])


def test_same_input_same_output_and_a_plain_report():
    x, new = noise(1, 3 * RATE, 2), music(2, 3 * RATE, RATE, 2)
    first, again = (repaint(x, new, RATE, 2 * RATE) for _ in range(2))
    assert np.array_equal(first.samples, again.samples)
    report = first.report.as_dict()
    assert report == again.report.as_dict()
    assert set(report) == {"delay", "polarity", "correlation", "start", "end", "limiter_db"}
    assert report["start"]["fade"] == first.report.start.fade


def test_samples_stay_below_the_sources_where_only_its_true_peak_is_high():
    """At a quarter of the rate and 45° samples reach 0.99, the wave between them 1.4."""
    x = tone(RATE / 4, 3 * RATE, RATE, math.pi / 4) * 1.4 * np.hanning(3 * RATE)[:, None]
    other = tone(RATE / 4, 3 * RATE, RATE) * 1.38
    done = repaint(x, other, RATE, 2 * RATE)
    assert np.abs(done.samples).max() <= np.abs(x).max() * 1.001
