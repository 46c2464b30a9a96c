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


@pytest.mark.parametrize("seconds", [3.0, 2.9995, 90.0, 90.0005, 45.0])
def test_lengths_that_the_model_was_made_for(seconds):
    assert warnings_of(round(seconds * 48_000)) == ()


@pytest.mark.parametrize(
    ("seconds", "told"), [(2.98, "2.98 s"), (2.996, "2.996 s"), (90.004, "90.004 s"), (1.0, "1 s")]
)
def test_lengths_out_of_range_are_told_as_they_are(seconds, told):
    (warning,) = warnings_of(round(seconds * 48_000))
    assert f"a region of {told} is outside 3-90 s" in warning
