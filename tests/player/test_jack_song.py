"""What JACK tells of its transport, as messages about the song."""

import pytest

from daemon.player.jack_song import Reader

RATE = 48_000


def position(frame, bpm=None, metre=(4, 4), per_minute=None):
    """At `bpm` beats of the metre a minute; `per_minute` is what the leader calls it."""
    told = {"usecs": 0, "frame": frame, "frame_rate": RATE}
    if bpm is None:
        return told
    beat = frame / RATE * bpm / 60
    bar, in_bar = divmod(beat, metre[0])
    return told | {
        "bar": int(bar) + 1,
        "beat": int(in_bar) + 1,
        "tick": (in_bar % 1) * 1920,
        "ticks_per_beat": 1920.0,
        "beats_per_bar": metre[0],
        "beat_type": metre[1],
        "beats_per_minute": per_minute or bpm,
    }


def test_bars_and_beats_become_quarters():
    (message,) = Reader().messages(True, position(3 * RATE, 100.0, (3, 4)), 0.0)
    name, told = message
    assert name == "transport"
    assert told == pytest.approx(
        {"playing": 1, "beat": 5.0, "bpm": 100.0, "bar_beat": 2.0, "bar_beats": 3.0}
    )


@pytest.mark.parametrize(
    ("per_minute", "quarters"), [(180.0, 90.0), (90.0, 90.0)], ids=["eighths", "quarters"]
)
def test_whether_a_tempo_counts_eighths_or_quarters_is_seen_when_it_moves(per_minute, quarters):
    reader = Reader()
    for i in range(20):
        at = position(round(i * 0.1 * RATE), 180.0, (6, 8), per_minute)
        ((_, told),) = reader.messages(True, at, i * 0.1)
    assert told["bpm"] == quarters
    assert told["bar_beats"] == 3.0
    assert told["beat"] == pytest.approx(1.9 * 90 / 60)


def test_without_bars_it_is_a_position_in_seconds():
    told = Reader().messages(True, position(RATE // 2), 0.0)
    assert told == [("transport/seconds", {"value": 0.5}), ("transport/playing", {"value": 1})]


def test_a_change_is_told_at_once_and_the_rest_now_and_then():
    reader = Reader()
    told = [bool(reader.messages(t >= 0.1, position(0), t)) for t in (0.0, 0.02, 0.1, 0.12, 0.16)]
    assert told == [True, False, True, False, True]


def test_a_jump_back_does_not_upset_the_tempo():
    reader = Reader()
    for i, frame in enumerate((0, RATE, 2 * RATE, 0, RATE // 2)):
        ((_, told),) = reader.messages(True, position(frame, 120.0, (6, 8)), float(i))
    assert told["bpm"] == 60.0
