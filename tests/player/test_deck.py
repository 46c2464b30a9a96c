"""The deck: samples unchanged, fades before what is due, loops, swaps, waits."""

import numpy as np
import pytest
from deck_material import FADE, RATE, Song, live_program, noise, play, program
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.player.deck import Deck
from daemon.player.fades import cross


@settings(deadline=None, max_examples=25)
@given(blocks=st.lists(st.integers(1, 3000), min_size=3, max_size=12), start=st.integers(0, 900))
def test_whatever_the_blocks_settled_material_is_the_samples(blocks, start):
    data, deck = noise(20_000), Deck(RATE, 2)
    deck.play(program(data, start=start))
    heard = np.concatenate([deck.render(n) for n in [*blocks, 25_000]])
    lead = heard[FADE : FADE + len(data) - start]
    assert np.array_equal(lead, data[start:])
    assert not heard[FADE + len(data) - start :].any()
    assert deck.mode == "stopped"


def test_mono_goes_to_both_sides_and_stereo_to_a_mono_device_as_its_mean():
    data, deck = noise(4000, 1), Deck(RATE, 2)
    deck.play(program(data))
    heard = play(deck, 3000)
    assert np.array_equal(heard[FADE:], np.repeat(data[: 3000 - FADE], 2, axis=1))
    wide, narrow = noise(4000, 2), Deck(RATE, 1)
    narrow.play(program(wide))
    assert play(narrow, 1000)[FADE:] == pytest.approx(wide[: 1000 - FADE].mean(1, keepdims=True))


def test_a_start_inside_fades_in_before_its_first_frame():
    data, deck = noise(20_000), Deck(RATE, 2)
    deck.play(program(data, start=5000))
    heard = play(deck, 2000)
    t = (np.arange(FADE) + 0.5) / FADE * np.pi / 2
    wanted = data[5000 - FADE : 5000] * np.sin(t)[:, None]
    assert heard[:FADE] == pytest.approx(wanted, abs=1e-6)


def test_stop_fades_out_and_leaves_silence():
    data, deck = noise(20_000), Deck(RATE, 2)
    deck.play(program(data))
    play(deck, 2048)
    deck.stop()
    heard = play(deck, 1024)
    t = (np.arange(FADE) + 0.5) / FADE * np.pi / 2
    at = 2048 - FADE
    assert heard[:FADE] == pytest.approx(data[at : at + FADE] * np.cos(t)[:, None], abs=1e-6)
    assert not heard[FADE:].any()
    assert deck.mode == "stopped"


def test_a_loop_repeats_to_the_sample_and_only_its_last_fade_is_mixed():
    data, deck = noise(20_000), Deck(RATE, 2)
    first, end = 3000, 9000
    deck.loop(True)
    deck.play(program(data, start=first, loop=(first, end)))
    heard = play(deck, FADE + 5 * (end - first))[FADE:].reshape(5, end - first, 2)
    for turn in heard:
        assert np.array_equal(turn[:-FADE], data[first : end - FADE])
    seam = cross(data[end - FADE : end], data[first - FADE : first])
    assert np.array_equal(heard[0][-FADE:], seam)
    # The last turn's seam has begun as well.
    assert deck.loops == 5


def test_turning_the_loop_off_plays_on_to_the_end():
    data, deck = noise(12_000), Deck(RATE, 2)
    deck.loop(True)
    deck.play(program(data, loop=(0, 6000)))
    play(deck, FADE + 8000)
    deck.loop(False)
    heard = play(deck, 11_000)
    assert np.array_equal(heard[:10_000], data[2000:])
    assert not heard[10_000:].any()


def test_turning_the_loop_on_behind_its_end_goes_back_to_it():
    data, deck = noise(30_000), Deck(RATE, 2)
    deck.play(program(data, loop=(1000, 6000)))
    play(deck, FADE + 8192)
    deck.loop(True)
    heard = play(deck, 4096)
    assert np.array_equal(heard[FADE:], data[1000 : 1000 + 4096 - FADE])


def test_a_swap_keeps_the_musical_position():
    a, b, deck = noise(30_000, seed=1), noise(30_000, seed=2), Deck(RATE, 2)
    deck.play(program(a))
    play(deck, FADE + 9000)
    # The other take's first frame lies a tenth of a second later in the source.
    deck.swap(program(b, take=2, origin_s=0.1))
    heard = play(deck, 4096)
    at = 9000 + FADE - RATE // 10
    assert np.array_equal(heard[FADE:], b[at : at + 4096 - FADE])
    old = a[9000 : 9000 + FADE]
    assert np.array_equal(heard[:FADE], cross(old, b[at - FADE : at]))


def test_a_swap_between_takes_that_are_alike_here_changes_nothing():
    a, deck = noise(30_000), Deck(RATE, 2)
    b = a.copy()
    b[20_000:] = 0
    deck.play(program(a))
    play(deck, FADE + 4096)
    deck.swap(program(b, take=2))
    assert np.array_equal(play(deck, 20_000), b[4096:24_096])


@pytest.mark.parametrize(("likeness", "most_db"), [(0.0, 0.4), (0.5, 0.4), (1.0, 0.05)])
def test_a_fade_holds_the_level_of_like_and_unlike_sounds(likeness, most_db):
    frames = 48_000
    a, other = noise(frames, seed=1), noise(frames, seed=2)
    b = likeness * a + np.sqrt(1 - likeness**2) * other
    mixed = cross(a, b.astype(np.float32))
    power = [np.mean(p**2) for p in np.array_split(mixed, 20)]
    wanted = [np.mean(p**2) for p in np.array_split((a**2 + b**2) ** 0.5 / 2**0.5, 20)]
    off_db = 10 * np.log10(np.divide(power, wanted))
    assert np.abs(off_db).max() < most_db


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from("psbrl+-"), min_size=1, max_size=12), st.integers(1, 700))
def test_no_command_makes_a_click(commands, block):
    """On a slow tone every jump of the output stays that of a tone, with fades, at full level."""
    t = np.arange(40_000) / RATE
    tones = [np.sin(2 * np.pi * hz * t)[:, None].repeat(2, 1).astype(np.float32) for hz in (50, 80)]
    takes = [program(x, take=i, start=10_000, loop=(8000, 16_000)) for i, x in enumerate(tones)]
    deck = Deck(RATE, 2)
    calls = {
        "p": lambda: deck.play(takes[0]),
        "b": lambda: deck.play(takes[1]),
        "r": lambda: deck.swap(takes[1]),
        "s": deck.stop,
        "l": lambda: deck.loop(True),
        "+": lambda: deck.gain(0.5),
        "-": lambda: deck.gain(1.0),
    }
    heard = []
    for name in commands:
        calls[name]()
        heard.append(play(deck, 1500, block))
    whole = np.concatenate(heard)
    assert np.abs(np.diff(whole, axis=0)).max(initial=0) < 0.03


def test_gain_glides_and_0_db_is_exact_again():
    data, deck = noise(40_000), Deck(RATE, 2)
    deck.play(program(data))
    play(deck, FADE)
    deck.gain(0.5)
    heard = play(deck, 4800)
    assert np.array_equal(heard[1000:], data[1000:4800] * np.float32(0.5))
    deck.gain(1.0)
    play(deck, 1000)
    assert np.array_equal(play(deck, 1000), data[5800:6800])


def test_it_plays_as_far_as_a_job_has_come_then_waits_and_counts():
    samples, growing = live_program(40_000)
    data, deck = noise(40_000), Deck(RATE, 2, preroll_s=0.02)
    deck.play(growing)
    assert not play(deck, 2000).any()
    assert deck.waits == 0
    samples.write(0, data[:6000])
    heard = play(deck, 8000)
    assert np.array_equal(heard[FADE : 6000 - FADE], data[: 6000 - 2 * FADE])
    assert not heard[FADE + 6000 :].any()
    assert (deck.mode, deck.waits, deck.position) == ("waiting", 1, 6000)
    assert deck.waited_frames == 8000 - FADE - 6000
    samples.write(6000, data[6000:])
    heard = play(deck, 40_000)
    assert np.array_equal(heard[FADE : FADE + 34_000], data[6000:])
    assert (deck.mode, deck.waits) == ("stopped", 1)


def test_a_slow_job_is_waited_for_once_so_that_it_never_runs_dry_again():
    now = [0.0]
    samples, growing = live_program(RATE * 2, clock=lambda: now[0])
    deck = Deck(RATE, 2, preroll_s=0.02)
    deck.play(growing)
    step, at = 2400, 0  # half as fast as it is played
    heard = []
    while deck.mode != "stopped" or at < 2 * RATE:
        if at < 2 * RATE:
            samples.write(at, noise(RATE * 2)[at : at + step])
            at += step
        heard.append(play(deck, 4800))
        now[0] += 0.1
    whole = np.concatenate(heard)
    assert deck.waits == 1
    # The job takes four seconds for two: what is not played while it works is waited for.
    assert deck.waited_frames == pytest.approx(2 * RATE, rel=0.05)
    sounding = np.flatnonzero(whole.any(axis=1))
    gaps = np.diff(sounding)
    assert np.count_nonzero(gaps > 100) == 1


@pytest.mark.parametrize(("speed", "step_s"), [(0.5, 0.5), (0.8, 1.0), (0.9, 0.5), (0.97, 0.25)])
def test_a_job_that_comes_in_steps_is_waited_for_once(speed, step_s):
    now, step = [0.0], round(step_s * RATE)
    samples, growing = live_program(RATE * 5, clock=lambda: now[0])
    deck = Deck(RATE, 2, preroll_s=0.02)
    deck.play(growing)
    for _ in range(1200):
        now[0] += 0.01
        due = int(now[0] * speed / step_s + 1e-9) * step
        while samples.made < min(due, RATE * 5):
            samples.write(samples.made, noise(step))
        deck.render(RATE // 100)
    assert (deck.mode, deck.waits) == ("stopped", 1)


def test_a_better_version_of_a_chunk_is_heard_at_the_loop_point():
    samples, growing = live_program(9600)
    rough, fine, deck = noise(9600, seed=1), noise(9600, seed=2), Deck(RATE, 2)
    samples.write(0, rough)
    deck.loop(True)
    deck.play(growing)
    play(deck, FADE + 2000)
    samples.write(0, fine)
    heard = play(deck, 2 * 9600)
    assert np.array_equal(heard[: 7600 - FADE], rough[2000 : 9600 - FADE])
    assert np.array_equal(heard[7600 : 7600 + 9600 - FADE], fine[: 9600 - FADE])


def test_the_file_of_a_finished_take_is_heard_at_the_loop_point():
    rough, fine, deck = noise(9600, seed=1), noise(9600, seed=2), Deck(RATE, 2)
    deck.loop(True)
    deck.play(program(rough))
    play(deck, FADE + 2000)
    deck.improve(program(fine))
    deck.improve(program(noise(9600, seed=3), name="another job"))
    heard = play(deck, 9600)
    assert np.array_equal(heard[: 7600 - FADE], rough[2000 : 9600 - FADE])
    assert np.array_equal(heard[7600:], fine[:2000])


def test_a_new_play_takes_over_with_one_fade():
    a, b, deck = noise(20_000, seed=1), noise(20_000, seed=2), Deck(RATE, 2)
    deck.play(program(a, name="a"))
    play(deck, FADE + 1000)
    deck.play(program(b, name="b"))
    heard = play(deck, 4000)
    assert np.array_equal(heard[FADE:], b[: 4000 - FADE])
    assert deck.program.id == "b"


def test_stems_go_to_pairs_of_their_own():
    mix, drums = noise(4000, seed=1), noise(4000, seed=2)
    whole = program(mix)
    from deck_material import Held

    whole = type(whole)(**{**whole.__dict__, "pairs": {"mix": Held(mix), "drums": Held(drums)}})
    deck = Deck(RATE, 6, pairs=("mix", "bass", "drums"))
    deck.play(whole)
    heard = play(deck, 2000)[FADE:]
    n = len(heard)
    assert np.array_equal(heard[:, :2], mix[:n])
    assert not heard[:, 2:4].any()
    assert np.array_equal(heard[:, 4:], drums[:n])


def test_a_mistake_is_silence_and_the_deck_lives_on():
    class Broken:
        frames, channels = 9000, 2

        def ready(self, start, end):
            return end - start

        def read(self, start, end):
            raise ZeroDivisionError

    deck, data = Deck(RATE, 2), noise(9000)
    deck.play(program(Broken()))
    assert not play(deck, 1000).any()
    deck.play(program(data))
    assert np.array_equal(play(deck, 2000)[FADE:], data[: 2000 - FADE])


def test_the_meter_tells_rms_and_true_peak():
    # A tone at a quarter of the rate whose samples miss its peaks by 3 dB.
    t = np.arange(2 * RATE)
    tone = (0.5 * np.sin(np.pi / 2 * t + np.pi / 4))[:, None].repeat(2, 1).astype(np.float32)
    deck = Deck(RATE, 2)
    deck.play(program(tone))
    play(deck, RATE, 4800)
    level = deck.meter.read()
    assert level["rms_db"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.05)
    assert level["true_peak_db"] == pytest.approx(20 * np.log10(0.5), abs=0.2)
    assert Song().deck().meter.read() == {"rms_db": -120.0, "true_peak_db": -120.0}
