"""What an engine hears of a clip: enough, on its steps, of its lengths, and within the clip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.windowing import Windowing

RATE = 44_100
STEP = 17_640
FULL = Windowing(0.4, (16.0, 24.0, 40.0, 64.0, 96.0), 0.4)
PLAIN = Windowing()


def _s(*seconds):
    return tuple(round(s * RATE) for s in seconds)


@pytest.mark.parametrize(
    ("core", "clip", "context", "window"),
    [
        ((60, 68), (0, 180), 16, (43.6, 84.4)),  # 40 s and both borders
        ((60, 64), (0, 180), 16, (41.6, 82.4)),  # 36 s are asked for; the rest is more context
        ((2, 10), (0, 180), 16, (0, 40.4)),  # the other side fills it up
        ((176, 180), (0, 180), 16, (155.6, 180)),  # one side only: a shorter length holds it
        ((3, 5), (0, 20), 16, (0, 20)),
        ((60, 68), (10, 180), 1e6, (10, 180)),
        ((20, 160), (0, 300), 16, (3.6, 176.4)),  # longer than the longest
    ],
)
def test_the_window_is_the_shortest_length_that_holds_region_and_context(
    core, clip, context, window
):
    frames = _s(context)
    assert FULL.around(_s(*core), _s(*clip), frames * 2, RATE) == _s(*window)


@pytest.mark.parametrize(
    ("core", "context", "window"),
    [((-8, 0), (0, 16), (0, 16.4)), ((60, 68), (16, 0), (43.6, 60))],
)
def test_beyond_the_clip_only_the_side_that_joins_is_heard(core, context, window):
    assert FULL.around(_s(*core), _s(0, 60), _s(*context), RATE) == _s(*window)


def test_without_wishes_the_window_is_the_region_and_its_context():
    assert PLAIN.around((1000, 2000), (0, 9000), (300, 300), RATE) == (700, 2300)
    assert PLAIN.around((100, 2000), (0, 2100), (300, 300), RATE) == (0, 2100)


@given(
    clip_s=st.floats(0.5, 400),
    share=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    context_s=st.floats(0.5, 60),
    origin=st.integers(0, 10**6),
)
def test_any_region(clip_s, share, context_s, origin):
    clip = (origin, origin + round(clip_s * RATE))
    start, end = (origin + round(x * (clip_s - 0.01) * RATE) for x in sorted(share))
    core = (start, max(end, start + 441))
    context = round(context_s * RATE)
    first, last = FULL.around(core, clip, (context, context), RATE)
    assert clip[0] <= first <= core[0]
    assert core[1] <= last <= clip[1]
    assert (first - clip[0]) % STEP == 0
    heard_from = first + STEP * (first > clip[0])
    heard_to = last - STEP * (last < clip[1])
    # A step at most is lost of what was asked for.
    assert heard_from <= max(clip[0], core[0] - context) + STEP
    assert heard_to >= min(clip[1], core[1] + context) - STEP


MORE = Windowing(0.4, least_s=10.0)


@pytest.mark.parametrize(
    ("clip", "around", "window"),
    [
        ((30, 34), (0, 180), (26.8, 36.8)),  # on both sides, in whole steps before
        ((0.5, 4), (0, 180), (0.1, 10.1)),  # what is not there before comes after
        ((176, 180), (0, 180), (170, 180)),
        ((3, 4), (0, 7), (0.2, 7)),  # all there is, on a step
        ((30, 40), (0, 180), (30, 40)),
        ((30, 34), (30, 34), (30, 34)),
    ],
)
def test_a_short_clip_is_heard_with_more_of_its_source(clip, around, window):
    assert MORE.with_more(_s(*clip), _s(*around), RATE) == _s(*window)
    assert PLAIN.with_more(_s(*clip), _s(*around), RATE) == _s(*clip)


@given(
    edges=st.lists(st.integers(0, 30 * RATE), min_size=4, max_size=4, unique=True).map(sorted),
    rate=st.sampled_from([8_000, 11_025, 44_100, 48_000, 96_000]),
)
def test_more_is_enough_and_lies_in_the_source(edges, rate):
    around, clip = (edges[0], edges[3]), (edges[1], edges[2])
    start, end = MORE.with_more(clip, around, rate)
    assert around[0] <= start <= clip[0] < clip[1] <= end <= around[1]
    assert (clip[0] - start) % (rate * 2 // 5) == 0
    if around[1] - around[0] >= 10.4 * rate:
        assert end - start >= 10 * rate
    if clip[1] - clip[0] >= 10 * rate:
        assert (start, end) == clip
