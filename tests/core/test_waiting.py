"""States of a job, and the line in which jobs wait."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.jobs import ENDED, TRANSITIONS, Job, ResultFile, State
from daemon.core.waiting import WaitingLine


def job(order: int, priority: int = 1, state: State = State.QUEUED) -> Job:
    request = {"priority": priority, "prompt": "dünkler 🥁", "seed": 3}
    return Job(
        f"j{order}", "repaint", request, "sent", {"source": None}, 1.0,
        order=order, priority=priority, state=state,
    )  # fmt: skip


@pytest.mark.parametrize(("old", "new"), list(itertools.product(State, State)))
def test_a_job_moves_along_the_table_and_nowhere_else(old: State, new: State):
    moved = job(1, state=old)
    if new in TRANSITIONS[old]:
        moved.move(new)
        assert moved.state is new
    else:
        with pytest.raises(ValueError, match="can't become"):
            moved.move(new)
        assert moved.state is old


def test_an_ended_job_stays_ended():
    assert all(not TRANSITIONS[state] for state in ENDED)
    assert set(TRANSITIONS) == set(State)


@given(st.lists(st.floats(0, 1), min_size=1))
def test_fractions_never_go_down_nor_reach_one_before_the_end(fractions: list[float]):
    running = job(1)
    seen = []
    for fraction in fractions:
        running.advance(fraction, "playing", 1.0)
        seen.append(running.fraction)
    assert seen == sorted(seen)
    assert max(seen) < 1
    assert seen[-1] == pytest.approx(min(max(fractions), 0.999))


def test_job_json_comes_back_whole():
    done = job(4, 2)
    done.move(State.RUNNING)
    done.files.append(ResultFile("mix", 1, "/a/mix-1.wav", 2.5, 48_000, 2, 3))
    assert Job.from_dict(done.as_dict()) == done
    assert not [key for key in done.public() if key.startswith("_")]


@given(st.lists(st.integers(0, 2), max_size=12))
def test_first_come_first_served_within_a_priority(priorities: list[int]):
    line = WaitingLine()
    jobs = [job(i, p) for i, p in enumerate(priorities)]
    for waiting in jobs:
        line.add(waiting)
    served = [line.next() for _ in jobs]
    assert served == sorted(jobs, key=lambda j: (-j.priority, j.order))
    assert line.next() is None


def test_a_job_that_ended_while_it_waited_is_passed_over():
    line = WaitingLine()
    first, second = job(1), job(2)
    line.add(first)
    line.add(second)
    first.move(State.CANCELLED)
    assert line.next() is second


def test_a_removed_job_is_gone_and_others_stay():
    line = WaitingLine()
    jobs = [job(i) for i in range(3)]
    for waiting in jobs:
        line.add(waiting)
    line.remove(jobs[1])
    assert list(line) == [jobs[0], jobs[2]]
