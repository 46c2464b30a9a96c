"""Who says where the song is."""

import pytest

from daemon.core.song import JACK, MIDI, OSC, SOURCES, Song


def tell(song, source, at_s, beat, playing=1, bpm=120.0):
    told = {"playing": playing, "beat": beat, "bpm": bpm}
    return song.hear(source, "transport", told, at_s)


@pytest.mark.parametrize("chosen", [OSC, MIDI, JACK])
def test_only_the_chosen_source_is_heard(chosen):
    song = Song(chosen)
    heard = {source for source in SOURCES[1:] if tell(song, source, 1.0, 8.0)}
    assert heard == {chosen}
    assert song.source == chosen
    assert song.line.beat_at(1.0) == pytest.approx(8.0)


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
