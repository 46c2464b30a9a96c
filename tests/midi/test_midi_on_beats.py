"""Notes out on the beats of a song: where they begin, how they follow its tempo, how they end."""

import io

import mido
import pytest
from test_midi_notes import Hand, score, tune

from bridge.midi.clock_out import Song
from bridge.midi.on_beats import Watch, clock_quarters, quarter_notes, send_on_beats
from bridge.protocol.errors import PunchinError


class Daw:
    """A song on the clock of a hand; `Watch` asks it."""

    def __init__(self, hand, beat=0.0, bpm=120.0, **bars):
        self.hand = hand
        self.song = Song(True, hand.now_s, beat, bpm)
        self.bars = {"bar_beat": 0.0, "bar_beats": 4.0, **bars}

    def beat(self):
        return self.song.tick_at(self.hand.now_s) / 24

    def go(self, beat=None, bpm=None, playing=True):
        beat = self.beat() if beat is None else beat
        self.song = Song(playing, self.hand.now_s, beat, bpm or self.song.bpm)

    def ask(self):
        return {
            "playing": self.song.playing,
            "beat": self.beat(),
            "bpm": self.song.bpm,
            **self.bars,
        }


def watched(daw):
    return Watch(daw.ask, lambda: daw.hand.now_s)


def pressed(hand):
    return [(round(t, 2), m[1]) for t, m in hand.sent if m[0] & 0xF0 == 0x90 and m[2]]


def test_places_are_quarters_whatever_the_files_tempo():
    for bpm in (60, 150):
        found = quarter_notes(tune(bpm))
        assert [(p, m[1]) for p, m in found if m[0] & 0xF0 == 0x90] == [(0, 60), (1, 62), (2, 64)]


def test_tracks_are_laid_over_each_other():
    file = mido.MidiFile(ticks_per_beat=96)
    for key, wait in ((60, 48), (70, 24)):
        file.tracks.append(mido.MidiTrack([mido.Message("note_on", note=key, time=wait)]))
    out = io.BytesIO()
    file.save(file=out)
    assert [(p, m[1]) for p, m in quarter_notes(out.getvalue())] == [(0.25, 70), (0.5, 60)]


@pytest.mark.parametrize(
    ("when", "bars", "begin"),
    [
        ("now", {}, 5.25),
        ("beat", {}, 6.0),
        ("bar", {}, 8.0),
        ("bar", {"bar_beat": 1.0, "bar_beats": 3.0}, 7.0),
    ],
)
def test_it_begins_at_the_next_line_of_the_song(when, bars, begin):
    watch = watched(Daw(Hand(), beat=5.25, **bars))
    assert watch.next(when) == pytest.approx(begin)


def test_notes_lie_on_the_beats_and_none_hangs():
    hand = Hand()
    watch = watched(Daw(hand, beat=6.0))
    assert send_on_beats(
        quarter_notes(tune()), 8.0, lambda: watch.song, hand.send, hand.clock, hand.sleep
    )
    assert pressed(hand) == [(1.0, 60), (1.5, 62), (2.0, 64)]
    assert [m.hex() for _, m in hand.sent[-2:]] == ["b27b00", "b27800"]


def test_a_tempo_that_changes_meanwhile_is_followed():
    hand = Hand()
    daw = Daw(hand, beat=8.0)
    watch = watched(daw)

    def send(message):
        hand.send(message)
        if message[1] == 62:
            daw.go(bpm=60.0)
            watch.look()

    assert send_on_beats(
        quarter_notes(tune()), 8.0, lambda: watch.song, send, hand.clock, hand.sleep
    )
    assert pressed(hand) == [(0.0, 60), (0.5, 62), (1.5, 64)]


@pytest.mark.parametrize("change", [{"playing": False}, {"beat": 20.0}, {"beat": 2.0}])
def test_it_ends_when_the_song_stops_or_goes_elsewhere(change):
    hand = Hand()
    daw = Daw(hand, beat=8.0)
    watch = watched(daw)

    def send(message):
        hand.send(message)
        if message[1] == 62 and message[0] & 0xF0 == 0x90:
            daw.go(**change)
            watch.look()

    assert not send_on_beats(
        quarter_notes(tune()), 8.0, lambda: watch.song, send, hand.clock, hand.sleep
    )
    assert pressed(hand) == [(0.0, 60), (0.5, 62)]
    assert hand.sent[-1][1].hex() == "b27800"


@pytest.mark.parametrize("late_s", [(0.0, 1.0), (1.0, 0.0)], ids=["back", "there"])
def test_an_answer_that_is_long_under_way_moves_nothing(late_s):
    hand = Hand()
    daw = Daw(hand, beat=8.0, bpm=240.0)
    watch = watched(daw)
    ask, known = watch._ask, watch.song

    def slow():
        hand.now_s += late_s[0]
        told = ask()
        hand.now_s += late_s[1]
        return told

    watch._ask = slow
    watch.look()
    assert watch.song == known
    daw.go(beat=200.0)
    watch.look()
    assert not watch.song.playing


def test_a_clock_of_24_ticks_a_quarter():
    ticks = clock_quarters(2.0)
    assert (ticks[0], ticks[-1]) == ((0.0, b"\xfa"), (2.0, b"\xfc"))
    assert [p for p, m in ticks if m == b"\xf8"] == [i / 24 for i in range(48)]


def test_what_is_no_midi_file_is_told():
    with pytest.raises(PunchinError) as caught:
        quarter_notes(score()[:20])
    assert caught.value.code == 201
