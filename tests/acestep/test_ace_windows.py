"""Which part of a clip the transformer sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.engines.acestep.dit.windows import (
    BUCKETS,
    LEAST,
    bucket_for,
    span_of,
    warnings_of,
    window_for,
)
from daemon.engines.acestep.parts import GRAIN


@st.composite
def cases(draw):
    clip = draw(st.integers(1, 6000))
    start = draw(st.integers(0, clip - 1))
    end = draw(st.integers(start + 1, clip))
    return clip, (start, end), draw(st.sampled_from([0, 0.3, 4, 8, 16, 30, 100]))


@given(cases())
def test_a_window_lies_on_the_grid_and_holds_what_it_must(case):
    clip, span, context_s = case
    window = window_for(clip, [span], context_s)
    limit = -(-clip // GRAIN) * GRAIN
    assert window.start % GRAIN == window.frames % GRAIN == 0
    assert window.start >= 0
    assert window.frames >= LEAST
    assert window.end <= max(limit, window.start + LEAST)
    reach = round(context_s * 25) if context_s else clip
    assert window.start <= max(0, span[0] - reach)
    assert window.end >= min(clip, span[1] + reach)
    assert window.silent == max(0, window.end - clip)
    assert window.bucket >= window.frames
    assert window.bucket in BUCKETS or window.bucket == window.frames > BUCKETS[-1]


@given(cases())
def test_a_bucket_is_filled_from_the_clip_before_it_is_padded(case):
    clip, span, context_s = case
    window = window_for(clip, [span], context_s)
    whole = window.start == 0 and window.end >= clip
    assert whole or window.frames == window.bucket


def test_what_one_side_lacks_the_other_gives():
    assert window_for(3000, [(0, 100)], 4).end == 400
    late = window_for(3000, [(2900, 3000)], 4)
    assert (late.start, late.end) == (2600, 3000)
    middle = window_for(3000, [(1000, 1100)], 4)
    assert (middle.start, middle.end) == (850, 1250)


def test_the_whole_clip_on_request_and_when_it_is_short():
    assert (window_for(3004, [(5, 9)], 0).start, window_for(3004, [(5, 9)], 0).end) == (0, 3010)
    short = window_for(120, [(30, 60)], 16)
    assert (short.start, short.end, short.silent, short.bucket) == (0, 250, 130, 400)
    assert short.duration_s == 10
    assert short.inside((30, 60)) == (30, 60)


def test_two_spans_share_a_window():
    window = window_for(2000, [(0, 50), (1900, 2000)], 8)
    assert (window.start, window.end) == (0, 2000)


def test_spans_hold_their_samples():
    assert span_of(0, 1) == (0, 1)
    assert span_of(1919, 1921) == (0, 2)
    assert span_of(1920, 3840) == (1, 2)


@pytest.mark.parametrize(("frames", "bucket"), [(1, 400), (400, 400), (401, 600), (2401, 2401)])
def test_buckets(frames, bucket):
    assert bucket_for(frames) == bucket


def test_lengths_out_of_range_are_told():
    assert warnings_of([(0, 75), (0, 2250)]) == ()
    short, long = warnings_of([(0, 74), (0, 2251)])
    assert "2.96 s" in short
    assert "90.04 s" in long
