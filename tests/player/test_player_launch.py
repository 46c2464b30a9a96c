"""The DAW's song position, and launches on its beats and bars under a fake clock."""

import numpy as np
import pytest
from deck_material import FADE, RATE, Song, live_program, noise, play, program
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.player.transport import Follower, Line


def onset(heard):
    """The first frame at full level: a start at frame 0 of its samples has no fade before it."""
    return int(np.flatnonzero(heard.any(axis=1))[0])


# -- following -------------------------------------------------------------------------------------


def jittered(bpm, seconds, rate_hz, sd_s, seed, told=None, start_beat=0.0):
    """A follower that was told positions at `rate_hz`, each late by some jitter."""
    rng = np.random.Generator(np.random.PCG64(seed))
    follower = Follower()
    for i in range(round(seconds * rate_hz)):
        t = i / rate_hz
        beat = start_beat + t * bpm / 60
        late = abs(rng.normal(0, sd_s))
        follower.whole(t + late, True, beat, told or bpm)
    return follower


# Always the same examples: jitter that leads further astray exists, one time in some ten thousand.
@settings(deadline=None, max_examples=40, derandomize=True)
@given(bpm=st.floats(60, 200), seed=st.integers(0, 10**6))
def test_a_tempo_that_is_rounded_is_heard_within_six_hundredths(bpm, seed):
    # A surface that tells whole numbers; 2 ms of jitter, thirty messages a second, eight beats.
    follower = jittered(bpm, max(4, 8 * 60 / bpm) + 1, 30, 0.002, seed, told=round(bpm) + 1)
    assert follower.line.bpm == pytest.approx(bpm, abs=0.06)


@settings(deadline=None, max_examples=40)
@given(bpm=st.floats(60, 200), seed=st.integers(0, 10**6), beat=st.floats(0, 1000))
def test_the_next_bar_is_found_within_three_ms(bpm, seed, beat):
    follower = jittered(bpm, 6.0, 25, 0.002, seed, start_beat=beat)
    line, now = follower.line, 6.0
    bar = line.next_bar(now)
    assert bar % 4 == pytest.approx(0, abs=1e-9)
    assert bar >= beat + now * bpm / 60 - 0.02
    true_s = (bar - beat) * 60 / bpm
    assert line.time_of(bar) == pytest.approx(true_s, abs=0.003)


def test_a_told_tempo_is_believed_to_the_last_digit():
    follower = jittered(97.5, 8.0, 30, 0.001, 3)
    assert follower.line.bpm == 97.5


def test_a_new_tempo_holds_at_once():
    follower = jittered(120.0, 5.0, 20, 0.0, 1)
    follower.whole(5.0, True, 10.0, 90.0)
    follower.whole(5.5, True, 10.75, 90.0)
    assert follower.line.bpm == 90.0
    assert follower.line.time_of(12.0) == pytest.approx(5.0 + 2 * 60 / 90, abs=1e-6)


def test_a_tempo_that_nobody_told_is_followed_after_a_bend():
    follower = Follower()
    beat = 0.0
    for i in range(400):
        bpm = 120.0 if i < 100 else 126.0
        follower.whole(i * 0.05, True, beat, 120.0)
        beat += 0.05 * bpm / 60
    assert follower.line.bpm == pytest.approx(126.0, abs=0.06)
    assert follower.line.beat_at(400 * 0.05) == pytest.approx(beat, abs=0.005)


def test_a_jump_of_the_song_is_a_new_line():
    follower = jittered(120.0, 5.0, 20, 0.001, 1)
    follower.whole(5.0, True, 100.0, 120.0)
    assert follower.line.beat_at(5.0) == 100.0


@pytest.mark.parametrize("late_s", [0.015, 0.07, 0.3])
def test_a_message_that_comes_late_moves_nothing(late_s):
    follower = jittered(120.0, 5.0, 20, 0.0, 1)
    before = follower.line
    follower.whole(5.0 + late_s, True, 10.0, 120.0)
    assert follower.line == before
    follower.whole(5.05 + late_s, True, 10.1 + 2 * late_s, 120.0)
    assert follower.line.beat_at(6.0) == pytest.approx(12.0, abs=0.001)


def test_messages_that_were_held_up_together_move_nothing():
    follower = jittered(120.0, 5.0, 20, 0.0, 1)
    for i in range(6):
        follower.whole(5.3, True, 10.0 + 0.1 * i, 120.0)
    assert follower.line.beat_at(6.0) == pytest.approx(12.0, abs=0.001)
    assert follower.line.bpm == 120.0


@pytest.mark.parametrize("told", [97.0, 97.5, 98.0])
@pytest.mark.parametrize("seed", range(8))
def test_on_a_busy_machine_no_message_makes_the_song_jump(seed, told):
    """One message in fifteen is up to 0.3 s late, and holds up those behind it."""
    rng, follower, bpm = np.random.Generator(np.random.PCG64(seed)), Follower(), 97.5
    sent_s = np.arange(0.0, 20.0, 0.04)
    late_s = np.abs(rng.normal(0, 0.002, 500))
    late_s += rng.uniform(0.03, 0.3, 500) * (rng.random(500) < 1 / 15)
    came_s = np.maximum.accumulate(sent_s + late_s)
    off_s = []
    for sent, came, until in zip(sent_s, came_s, [*came_s[1:], 20.0], strict=True):
        follower.whole(came, True, sent * bpm / 60, told)
        seen = np.array([t for t in np.arange(came, until, 0.01) if t > 4])
        off_s += [follower.line.beat_at(t) * 60 / bpm - t for t in seen]
    assert np.abs(off_s).max() < 0.010


@pytest.mark.parametrize("back_s", [0.1, 0.4, 3.0])
def test_a_song_that_was_moved_back_is_there_with_the_third_message(back_s):
    follower = jittered(120.0, 5.0, 20, 0.0, 1)
    for t in (5.0, 5.05, 5.1):
        follower.whole(t, True, (t - back_s) * 2, 120.0)
    assert follower.line.beat_at(6.0) == pytest.approx((6.0 - back_s) * 2, abs=0.001)


def test_a_slower_tempo_that_nobody_told_is_followed():
    follower, beat = Follower(), 0.0
    for i in range(400):
        follower.whole(i * 0.05, True, beat, 120.0)
        beat += 0.05 * (120.0 if i < 100 else 114.0) / 60
    assert follower.line.bpm == pytest.approx(114.0, abs=0.06)
    assert follower.line.beat_at(400 * 0.05) == pytest.approx(beat, abs=0.005)


def test_bars_begin_where_the_daw_says():
    follower = Follower()
    follower.metre(3.0)
    follower.whole(0.0, True, 7.5, 120.0, 0.5)
    assert follower.line.next_bar(0.0) == 10.0
    assert follower.line.next_beat(0.0) == 8.0
    assert follower.line.next_bar(follower.line.time_of(10.0)) == 10.0


def test_single_values_make_a_song_too():
    follower = Follower()
    follower.tempo(0.0, 90.0)
    follower.place(10.0, 4.0)
    follower.seconds(0.0, 10.0)
    assert not follower.line.playing
    follower.playing(1.0, True)
    follower.seconds(1.0, 10.0)
    assert follower.line.beat_at(1.0 + 2.0) == pytest.approx(4.0 + 2.0 * 1.5)
    follower.playing(3.0, False)
    assert follower.line.beat_at(100.0) == pytest.approx(7.0)


def test_a_song_that_stands_has_no_next_bar():
    assert Line(playing=False).next("bar", 1.0) is None
    assert Line(playing=True).next("now", 1.0) is None


# -- launching -------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(
    bpm=st.floats(60, 200),
    beat=st.floats(0, 64),
    when=st.sampled_from(["beat", "bar"]),
    block=st.integers(16, 2048),
)
def test_a_launch_lands_on_the_very_frame(bpm, beat, when, block):
    song = Song()
    song.line = Line(True, 0.0, beat, bpm)
    deck = song.deck()
    deck.play(program(noise(9000)), when)
    heard = play(deck, round(RATE * 4.5 * 60 / bpm) + FADE, block)
    step = 4 if when == "bar" else 1
    due = FADE / RATE * bpm / 60 + beat
    wanted = round((np.ceil(due / step - 1e-9) * step - beat) * 60 / bpm * RATE)
    assert abs(onset(heard) - wanted) <= 1


def test_with_no_running_transport_a_bar_is_now():
    deck = Song().deck()
    deck.play(program(noise(9000)), "bar")
    assert onset(play(deck, 2000)) == FADE


def test_a_launch_follows_a_tempo_that_changes_before_it():
    song = Song()
    song.line = Line(True, 0.0, 0.5, 120.0)
    deck = song.deck()
    deck.play(program(noise(9000)), "bar")
    first = play(deck, RATE)
    song.line = Line(True, 1.0, 2.5, 60.0)
    heard = np.concatenate([first, play(deck, 2 * RATE)])
    assert onset(heard) == RATE + round(1.5 * RATE)


def test_what_sounds_goes_on_until_the_launch():
    song = Song()
    song.line = Line(True, 0.0, 0.0, 120.0)
    deck, a, b = song.deck(), noise(200_000, seed=1), noise(9000, seed=2)
    deck.play(program(a, name="a"))
    play(deck, FADE + 100)
    deck.play(program(b, name="b"), "bar")
    heard = play(deck, 2 * RATE)
    bar = 2 * RATE - FADE - 100
    assert np.array_equal(heard[: bar - FADE], a[100 : 100 + bar - FADE])
    assert np.array_equal(heard[bar:], b[: len(heard) - bar])


def test_a_job_that_is_not_there_by_the_bar_begins_at_the_next():
    song = Song()
    song.line = Line(True, 0.0, 0.0, 120.0)
    deck = song.deck()
    samples, growing = live_program(9000)
    deck.play(growing, "bar")
    first = play(deck, 2 * RATE + 5000)
    samples.write(0, noise(9000))
    heard = np.concatenate([first, play(deck, 2 * RATE)])
    assert onset(heard) == 4 * RATE


def test_while_nobody_knows_when_frames_are_heard_a_launch_waits_for_that():
    from daemon.player.deck import Deck
    from daemon.player.outputs.base import Clock

    clock = [None]
    line = Line(True, 0.0, 0.0, 120.0)
    deck = Deck(RATE, 2, line=lambda: line, clock=lambda: clock[0])
    deck.play(program(noise(9000)), "beat")
    assert not play(deck, RATE).any()
    clock[0] = Clock(RATE, 1.1)
    assert onset(play(deck, RATE)) == round(0.4 * RATE)


@pytest.mark.parametrize("drift", [1 - 300e-6, 1 + 300e-6])
def test_a_launched_loop_stays_on_the_bar_although_the_clocks_run_apart(drift):
    from daemon.player.deck import Deck
    from daemon.player.outputs.base import Clock

    line = Line(True, 0.0, 0.0, 120.0)
    deck = Deck(
        RATE, 2, line=lambda: line, clock=lambda: Clock(deck.frame, deck.frame / RATE * drift)
    )
    data = noise(3 * RATE)
    deck.loop(True)
    deck.play(program(data, loop=(0, 2 * RATE)), "bar")
    heard = play(deck, round(41.5 * RATE), 1024)
    # The tenth and the last turn begin on their bars, told by the output's own clock.
    for bar in (10, 20):
        at = round(bar * 2.0 / drift * RATE)
        found = [
            at + d
            for d in range(-200, 200)
            if np.array_equal(heard[at + d : at + d + 500], data[:500])
        ]
        assert len(found) == 1
        assert abs(found[0] - at) <= 0.003 * RATE


def test_a_launch_that_is_late_joins_in_where_it_would_be():
    song = Song()
    song.line = Line(True, 0.0, 0.0, 120.0)
    deck, data = song.deck(), noise(RATE)
    deck.play(program(data), "bar")
    deck.render(1024)
    # The song moved: the bar line is now 100 frames away, too near for the whole fade.
    song.line = Line(True, 1124 / RATE, 4.0, 120.0)
    heard = play(deck, 2000)
    assert np.array_equal(heard[100:], data[: len(heard) - 100])


@pytest.mark.parametrize("beat", [1.5, 8.5, 33.0], ids=["back", "ahead", "far ahead"])
def test_a_launch_waits_for_the_next_bar_of_a_song_that_jumps(beat):
    song = Song()
    song.line = Line(True, 0.0, 5.0, 120.0)
    deck, data = song.deck(), noise(9000)
    deck.play(program(data), "bar")
    first = play(deck, RATE)
    song.line = Line(True, 1.0, beat, 120.0)
    heard = np.concatenate([first, play(deck, 2 * RATE)])
    left_s = (-beat % 4) * 0.5
    assert onset(heard) == RATE + round(left_s * RATE)
