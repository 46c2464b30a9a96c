"""Where the preview goes on after its process has died."""

import pytest

from daemon.core import resume
from daemon.core.resume import Resume, Seen

ITEM = {"id": "a", "take": 1, "role": "mix", "rate": 1000, "frames": 20_000, "start": 6000,
        "loop": [6000, 14_000], "origin_s": 2.0}  # fmt: skip


def seen(state="playing", position=7.5, **more):
    """`position` in seconds of the result, whose origin lies at 2 s of the source."""
    told = {"id": "a", "take": 1, "role": "mix", "song_beat": None, "launched": "now"}
    return Seen(100.0, {**told, "state": state, "source_position": position + 2.0, **more})


def resumed(what, now_s=100.25, looping=False, launch="bar", same=False):
    return resume.of(ITEM, what, now_s, looping, launch, same)


def test_it_goes_on_where_it_fell_silent():
    assert resumed(seen()) == Resume(7750)


def test_a_player_that_had_hung_for_long_did_not_play_on():
    assert resumed(seen(), now_s=130.0) == Resume(8500)


def test_waiting_for_a_job_goes_on_waiting_there():
    assert resumed(seen("waiting")) == Resume(7500)


@pytest.mark.parametrize(("looping", "start"), [(True, 6150), (False, 14_150)])
def test_a_loop_goes_round_meanwhile(looping, start):
    assert resumed(seen(position=13.9), looping=looping) == Resume(start)


def test_what_kept_to_the_song_joins_it_again():
    told = seen(song_beat=33.5, launched="bar")
    assert resumed(told, now_s=105.0) == Resume(7500, "bar", 33.5)


@pytest.mark.parametrize("told", [seen("cued"), seen(id="other"), seen(take=2)])
def test_what_had_not_begun_begins_at_the_launch_grid(told):
    assert resumed(told) == Resume(6000, "bar")


def test_a_swap_that_was_due_keeps_the_position():
    assert resumed(seen(take=2), same=True) == Resume(7750)


@pytest.mark.parametrize("told", [seen("stopped"), seen(position=19.9)])
def test_what_had_ended_stays_silent(told):
    assert resumed(told) is None
