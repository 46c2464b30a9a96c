"""What the transformer sees of a clip, and which frames of it are to be relied on."""

import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

import numpy as np  # noqa: E402
from ace_desk import HANDLE, RATE, asked  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from daemon.engines.acestep import AceStepEngine  # noqa: E402
from daemon.engines.acestep.dit.windows import BUCKETS, LEAST  # noqa: E402
from daemon.engines.acestep.parts import GRAIN, HOP  # noqa: E402
from daemon.engines.acestep.view import beside, inside, whole  # noqa: E402

SMEARED = 8  # frames beside an artificial border that are never relied on


def _silence(seconds):
    return np.zeros((round(seconds * RATE), 2), np.float32)


def _made(view):
    return {n for start, end in view.new for n in range(start, end)}


def _sound(view, clip, cut):
    """What holds for every view."""
    assert view.frames % 2 == 0
    assert view.frames >= LEAST
    assert view.start % GRAIN == 0
    made = _made(view)
    assert made <= set(range(view.frames))
    kept = set(range(view.frames)) - made
    assert kept <= set(range(*view.heard))
    first, last = (view.start + edge for edge in view.heard)
    if cut[0] and kept:
        assert first >= SMEARED
    if cut[1] and kept:
        assert last * HOP <= len(clip) - SMEARED * HOP
    if view.spare and kept:
        # The clip's end was not meant to be one.
        assert max(kept) + view.start <= len(clip) // HOP - SMEARED


@given(
    length_s=st.floats(1.0, 60.0),
    share=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    cut=st.tuples(st.booleans(), st.booleans()),
)
def test_a_region_inside(length_s, share, cut):
    border = 0.4
    low, high = border * cut[0], length_s + border * (cut[0] + cut[1]) - border * cut[1]
    start, end = (low + x * (high - low - 0.02) for x in sorted(share))
    clip = _silence(length_s + border * sum(cut))
    request = asked("repaint", clip, (start, max(end, start + 0.01)), cut=cut)
    span = request.spans[0]
    view = inside(request, span)
    _sound(view, clip, cut)
    first, last = (view.sample(edge) for edge in view.region)
    assert first <= span.start < first + HOP
    assert last - HOP < span.end <= last


@given(
    length_s=st.floats(0.1, 40.0),
    made_s=st.floats(0.1, 40.0),
    before=st.booleans(),
    is_cut=st.booleans(),
)
def test_a_region_beside(length_s, made_s, before, is_cut):
    clip = _silence(length_s + 0.8 * is_cut)
    seconds = len(clip) / RATE
    span = (-made_s, 0) if before else (seconds, seconds + made_s)
    cut = (0, is_cut) if before else (is_cut, 0)
    request = asked("extend", clip, span, cut=cut)
    view = beside(request, request.spans[0])
    _sound(view, clip, cut)
    first, last = (view.sample(edge) for edge in view.region)
    wanted = request.spans[0]
    assert first <= wanted.start
    assert last >= wanted.end
    # The region begins 10 frames inside the clip, where it has them.
    if before:
        assert first <= wanted.start - HANDLE
        assert view.start + view.region[1] == min(GRAIN, -(-len(clip) // HOP)) or is_cut
    else:
        assert view.region[0] + view.start == max(GRAIN if is_cut else 0, len(clip) // HOP - GRAIN)


@pytest.mark.parametrize(
    ("context", "heard_s"), [(None, 20.0), (8.0, 12.0), (30.0, 36.0), (0, 120.0)]
)
def test_of_a_long_clip_only_the_context_beside_a_join_is_heard(context, heard_s):
    clip = _silence(120)
    told = {} if context is None else {"context": context}
    request = asked("extend", clip, (-4.0 + HANDLE / RATE, 0), (120, 124 - HANDLE / RATE), **told)
    for span in request.spans:
        view = beside(request, span)
        _sound(view, clip, (0, 0))
        heard = view.heard[1] - view.heard[0]
        assert heard == pytest.approx(heard_s * 25 - GRAIN, abs=GRAIN)


@pytest.mark.parametrize("seconds", [0.5, 9.99, 10.0, 33.3])
def test_a_whole_clip(seconds):
    clip = _silence(seconds)
    view = whole(asked("cover", clip, (0, seconds)))
    _sound(view, clip, (0, 0))
    assert (view.start, view.region[0]) == (0, 0)
    assert view.sample(view.region[1]) >= len(clip)
    assert (view.spare > 0) == (seconds < 9.9)


def test_what_the_worker_cuts_is_what_the_model_wants():
    facts = AceStepEngine().capabilities()
    assert facts.window_step_s * RATE == GRAIN * HOP
    assert facts.window_border_s * RATE >= SMEARED * HOP
    assert tuple(s * 25 for s in facts.window_lengths_s) == BUCKETS


def test_nothing_but_a_span():
    view = whole(asked("generate", _silence(0), (0, 12)))
    assert view.sample(view.frames) >= 12 * RATE + HANDLE
    assert view.region == (0, view.frames)


@pytest.mark.parametrize(("end", "length"), [(6.0, 8.0), (7.9, 8.0), (8.0, 8.0)])
def test_a_short_clip_goes_on_for_itself(end, length):
    request = asked("repaint", _silence(length), (4, end))
    view = inside(request, request.spans[0])
    assert view.frames == LEAST
    assert view.spare == LEAST - 200
    assert view.new[1] == (200 - GRAIN, LEAST)
