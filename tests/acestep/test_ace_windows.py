"""Lengths that the transformer is run at, and those that it was made for."""

import pytest

from daemon.engines.acestep.dit.windows import bucket_for, span_of, warnings_of


@pytest.mark.parametrize(
    ("samples", "frames"), [((0, 1), (0, 1)), ((1919, 1921), (0, 2)), ((1920, 3840), (1, 2))]
)
def test_spans_hold_their_samples(samples, frames):
    assert span_of(*samples) == frames


@pytest.mark.parametrize(("frames", "bucket"), [(1, 400), (400, 400), (401, 600), (2401, 2401)])
def test_buckets(frames, bucket):
    assert bucket_for(frames) == bucket


def test_lengths_out_of_range_are_told():
    assert warnings_of([(0, 75), (0, 2250)]) == ()
    short, long = warnings_of([(0, 74), (0, 2251)])
    assert "2.96 s" in short
    assert "90.04 s" in long
