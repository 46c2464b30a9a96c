"""What follows a recording through its takes finds every break that was made on purpose."""

import numpy as np
import pytest
from follow import SILENCE, Walk

from daemon.player.fades import cross

FADE = 384
_RNG = np.random.Generator(np.random.PCG64(2))
A = _RNG.uniform(-0.5, 0.5, (20_000, 2)).astype(np.float32)
B = A.copy()
B[8000:9000] = _RNG.uniform(-0.5, 0.5, (1000, 2))
TAKES = {"a": A, "b": B}


def _silence(frames):
    return np.zeros((frames, 2), np.float32)


def _faded(old, new):
    return cross(old[:FADE], new[:FADE])


def _played():
    """A start, a loop of 6,000 frames, a swap within the region, a stop."""
    return [
        _silence(1000),
        _faded(_silence(FADE), A[1000 - FADE :]),
        A[1000 : 7000 - FADE],
        _faded(A[7000 - FADE :], A[1000 - FADE :]),
        A[1000:8200],
        _faded(A[8200:], B[8200:]),
        B[8200 + FADE : 12_000],
        _faded(B[12_000:], _silence(FADE)),
        _silence(2000),
    ]


def test_a_start_a_loop_a_swap_and_a_stop_are_no_breaks():
    walk = Walk(np.concatenate(_played()), TAKES, FADE)
    assert walk.breaks() == []
    assert [(t.before.take, t.after.take) for t in walk.turns] == [
        (SILENCE, "a"), ("a", "a"), ("a", "b"), ("b", SILENCE)]  # fmt: skip
    assert walk.loops({6000}) == walk.turns[1:2]
    assert walk.jumps({6000}) == []
    assert walk.jumps({5999}) == walk.turns[1:2]
    assert walk.exact == (6000 - FADE) + 7200 + (3800 - FADE)
    assert walk.faded == 4 * FADE


def test_a_swap_where_takes_are_alike_shows_only_later():
    walk = Walk(np.concatenate([_silence(500), A[:5000], B[5000:]]), TAKES, FADE)
    assert [(t.at, t.length) for t in walk.turns] == [(500, 0), (8500, 0)]
    assert walk.breaks() == []


def test_the_end_of_a_take_is_none():
    walk = Walk(np.concatenate([*_played()[:2], A[1000:], _silence(3000)]), TAKES, FADE)
    assert walk.breaks() == []
    assert walk.is_edge(walk.turns[-1])


@pytest.mark.parametrize(("first", "last"), [(1, 5000), (0, 4999)])
def test_a_start_or_an_end_without_a_fade_is_a_break(first, last):
    heard = np.concatenate([_silence(500), A[first:last], _silence(3000)])
    assert len(Walk(heard, {"a": A[:5000]}, FADE).breaks()) == 1


def _gap(heard):
    heard[5000:6024] = 0


def _lost(heard):
    heard[5000:-1024] = heard[6024:].copy()


def _late(heard):
    heard[6024:] = heard[5000:-1024].copy()
    heard[5000:6024] = 0


@pytest.mark.parametrize("harm", [_gap, _lost, _late])
def test_a_break_is_found(harm):
    heard = np.concatenate(_played())
    harm(heard)
    found = Walk(heard, TAKES, FADE).breaks()
    assert found[0].at == 5000


def test_a_wrong_sample_belongs_to_no_take_or_is_a_break():
    heard = np.concatenate(_played())
    heard[5000, 0] += 2**-24
    assert [t.at for t in Walk(heard, TAKES, FADE).breaks()] == [5000]


def test_fades_may_follow_each_other():
    heard = [*_played()[:5], _faded(A[8200:], B[9000:]), _faded(B[9384:], A[100:]), A[484:9000]]
    walk = Walk(np.concatenate(heard), TAKES, FADE)
    assert walk.breaks() == []
    assert walk.turns[-1].length == 2 * FADE


@pytest.mark.parametrize("length", [100, 1000, 1500])
def test_what_is_of_no_take_is_a_break(length):
    heard = np.concatenate(_played())
    heard[5000 : 5000 + length] = _RNG.uniform(-0.5, 0.5, (length, 2))
    (found,) = Walk(heard, TAKES, FADE).breaks()
    assert (found.at, found.length) == (5000, length)


def test_another_song_is_told():
    heard = np.concatenate(_played())
    heard[5000:] = _RNG.uniform(-0.5, 0.5, heard[5000:].shape)
    with pytest.raises(AssertionError, match="of no take"):
        Walk(heard, TAKES, FADE)
