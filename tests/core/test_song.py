"""Who says where the song is."""

import pytest

from daemon.core.song import JACK, MIDI, OSC, SOURCES, Song


def tell(song, source, at_s, beat, playing=1, bpm=120.0):
    told = {"playing": playing, "beat": beat, "bpm": bpm}
    return song.hear(source, "transport", told, at_s)


@pytest.mark.parametrize("chosen", SOURCES[1:])
def test_only_the_chosen_source_is_heard(chosen):
    song = Song(chosen)
    heard = {source for source in SOURCES[1:] if tell(song, source, 1.0, 8.0)}
    assert heard == {chosen}
    assert song.source == chosen
    assert song.line.beat_at(1.0) == pytest.approx(8.0)


@pytest.mark.parametrize("chosen", SOURCES[2:])
def test_before_the_chosen_one_tells_anything_the_song_stands(chosen):
    song = Song(chosen)
    assert not tell(song, OSC, 1.0, 8.0)
    assert not song.line.playing
    song.hear(OSC, "tempo", {"bpm": 90.0}, 1.0)
    assert song.line.bpm == 90.0


def test_of_two_that_run_the_first_leads():
    song = Song()
    assert tell(song, MIDI, 1.0, 0.0)
    assert not tell(song, OSC, 1.5, 40.0)
    assert song.line.beat_at(1.5) == pytest.approx(1.0)


def test_one_that_is_silent_leads_no_longer():
    song = Song()
    tell(song, MIDI, 1.0, 0.0)
    assert tell(song, JACK, 3.5, 40.0)
    assert (song.source, song.line.beat_at(3.5)) == (JACK, 40.0)


def test_one_that_stands_makes_room():
    song = Song()
    tell(song, OSC, 1.0, 0.0, playing=0)
    assert tell(song, JACK, 1.1, 16.0)
    assert song.line.playing


def test_a_leader_that_stops_is_heard():
    song = Song()
    tell(song, OSC, 1.0, 0.0)
    assert tell(song, OSC, 1.5, 1.0, playing=0)
    assert not song.line.playing


def test_tempo_and_place_of_the_context_serve_every_source():
    song = Song(JACK)
    assert song.hear(OSC, "tempo", {"bpm": 90.0, "beats": 3, "unit": 4}, 0.0)
    assert song.hear(OSC, "place", {"seconds": 10.0, "beat": 4.0}, 0.0)
    song.hear(JACK, "transport/seconds", {"value": 10.0}, 1.0)
    song.hear(JACK, "transport/playing", {"value": 1}, 1.0)
    assert song.line.beat_at(3.0) == pytest.approx(4.0 + 2 * 1.5)
    assert song.line.bar_beats == 3.0


def test_a_source_may_tell_the_length_of_its_bars():
    song = Song(JACK)
    song.hear(JACK, "transport", {"playing": 1, "beat": 7.0, "bpm": 120.0, "bar_beat": 1.0,
                                  "bar_beats": 3.0}, 0.0)  # fmt: skip
    assert song.line.next_bar(0.0) == 9.0


def test_a_song_that_is_forgotten_has_no_leader():
    song = Song()
    tell(song, OSC, 1.0, 5.0)
    song.forget()
    assert (song.source, song.line.playing) == ("", False)


STANDS, ROLLS = 0, 1


def jack_tells(song, first_s, last_s, beat=0.0, playing=STANDS):
    """JACK is asked all the time, and tells what has not changed as well."""
    for i in range(round(first_s * 20), round(last_s * 20)):
        tell(song, JACK, i / 20, beat + playing * (i / 20 - first_s) * 2, playing)


def test_a_jack_transport_that_never_rolled_beats_nobody():
    song = Song()
    jack_tells(song, 0.0, 1.0)
    assert song.source == JACK  # there is no other
    assert tell(song, OSC, 1.0, 8.0, STANDS)
    jack_tells(song, 1.0, 5.0)
    assert (song.source, song.line.beat) == (OSC, 8.0)
    jack_tells(song, 5.0, 6.0, beat=64.0)  # located, but it has never rolled
    assert song.source == OSC


@pytest.mark.parametrize("told", ["transport", "one value a message"])
def test_one_that_tells_only_what_changes_goes_on_in_silence(told):
    song = Song()
    jack_tells(song, 0.0, 1.0)
    if told == "transport":
        tell(song, OSC, 1.0, 8.0)
    else:
        for name, value in (("bpm", 120.0), ("seconds", 4.0), ("playing", 1)):
            song.hear(OSC, f"transport/{name}", {"value": value}, 1.0)
    jack_tells(song, 1.0, 31.0)
    assert (song.source, song.line.playing) == (OSC, True)
    assert song.line.beat_at(31.0) == pytest.approx(68.0)
    assert tell(song, OSC, 31.0, 68.0, STANDS)
    jack_tells(song, 31.0, 34.0)
    assert (song.source, song.line.beat) == (OSC, 68.0)


def test_jack_leads_once_it_rolls_and_stays_when_it_stops():
    song = Song()
    tell(song, OSC, 0.0, 8.0, STANDS)
    jack_tells(song, 0.0, 1.0)
    jack_tells(song, 1.0, 4.0, playing=ROLLS)
    assert (song.source, song.line.playing) == (JACK, True)
    jack_tells(song, 4.0, 7.0, beat=6.0)
    assert (song.source, song.line.playing, song.line.beat) == (JACK, False, 6.0)


def test_of_those_that_stand_the_one_that_moved_last_leads():
    song = Song()
    tell(song, OSC, 0.0, 8.0, STANDS)
    jack_tells(song, 0.0, 3.0, playing=ROLLS)
    jack_tells(song, 3.0, 4.0, beat=6.0)
    assert not tell(song, OSC, 4.0, 8.0, STANDS)  # told before
    assert tell(song, OSC, 4.5, 12.0, STANDS)  # located
    jack_tells(song, 4.5, 5.0, beat=6.0)
    assert song.source == OSC
    jack_tells(song, 5.0, 5.5, beat=16.0)  # located, and it has rolled
    assert (song.source, song.line.beat) == (JACK, 16.0)
    assert tell(song, OSC, 6.0, 12.0, STANDS, bpm=90.0)
    assert (song.source, song.line.bpm) == (OSC, 90.0)


def test_one_that_rolls_beats_one_that_is_silent_though_it_rolled():
    song = Song()
    tell(song, OSC, 0.0, 0.0)
    jack_tells(song, 0.0, 1.95, beat=100.0, playing=ROLLS)
    assert song.source == OSC
    jack_tells(song, 1.95, 2.5, beat=104.0, playing=ROLLS)
    assert song.source == JACK
    assert song.line.beat_at(2.5) == pytest.approx(105.0, abs=0.2)


def test_what_takes_over_is_known_already():
    """Its tempo was heard while another one led."""
    song = Song()
    for i in range(100):
        tell(song, MIDI, i / 10, i / 10 * 1.5, bpm=90.0)
        tell(song, OSC, i / 10, i / 10 * 2.0, bpm=100.0)  # it moves as 120 does
    assert song.source == MIDI
    tell(song, MIDI, 10.0, 15.0, STANDS, bpm=90.0)
    assert tell(song, OSC, 10.0, 20.0, bpm=100.0)
    assert song.line.bpm == pytest.approx(120.0, abs=0.1)


def test_a_tempo_of_the_context_is_no_move_of_a_transport_in_seconds():
    song = Song()
    for at_s, playing in ((0.0, ROLLS), (0.1, STANDS)):
        song.hear(JACK, "transport/seconds", {"value": 10.0}, at_s)
        song.hear(JACK, "transport/playing", {"value": playing}, at_s)
    assert tell(song, OSC, 1.0, 8.0, STANDS)
    song.hear(OSC, "tempo", {"bpm": 90.0}, 2.0)
    assert not song.hear(JACK, "transport/seconds", {"value": 10.0}, 2.1)
    assert song.source == OSC
