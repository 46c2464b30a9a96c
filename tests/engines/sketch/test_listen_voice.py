import numpy as np
import pytest
from listen_material import RATE, drums, song, sung

from daemon.engines.sketch.listen import analysis_dict, listen, melody
from daemon.engines.sketch.listen.frames import to_ear
from daemon.engines.sketch.listen.pitch import track_pitch

SCALE = tuple((0.5 * i, 0.5 * i + 0.45, m) for i, m in enumerate((60, 62, 64, 65, 67, 69, 71, 72)))
TUNE = tuple(
    (0.5 * i, 0.5 * i + 0.44, m)
    for i, m in enumerate((64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64, 64, 62, 60, 60))
)


def test_sung_notes_have_their_pitch_and_their_place():
    found = melody(sung(SCALE), RATE)
    assert [round(n.midi) for n in found] == [m for *_, m in SCALE]
    for note, (start, end, _) in zip(found, SCALE, strict=True):
        assert note.start_s == pytest.approx(start, abs=0.04)
        assert note.end_s == pytest.approx(end, abs=0.06)
        assert note.confidence > 0.8


def test_repeated_notes_are_two_notes():
    found = melody(sung(TUNE), RATE)
    assert [round(n.midi) for n in found] == [m for *_, m in TUNE]


@pytest.mark.parametrize("cents", [-35.0, 30.0])
def test_a_singer_off_pitch_is_heard_in_their_own_tuning(cents):
    found = melody(sung(SCALE, cents=cents), RATE)
    heard = [n.midi - cents / 100 for n in found]
    assert heard == pytest.approx([m for *_, m in SCALE], abs=0.12)


@pytest.mark.parametrize("midi", [43, 55, 67, 79])
def test_pitch_is_right_over_the_range_of_voices(midi):
    track = track_pitch(to_ear(sung([(0.1, 1.1, midi)], vibrato=0.0), RATE))
    inside = slice(30, 90)
    assert np.abs(track.midi[inside] - midi).max() < 0.15
    assert track.voiced[inside].all()


def test_a_lone_voice_is_singing_with_notes_and_key_and_without_chords():
    heard = listen(sung(TUNE), RATE, bpm=120)
    assert heard.kind == "singing"
    assert {c.name for c in heard.chords} == {"N"}
    assert heard.key == "C major"
    assert heard.voiced > 0.7
    assert len(heard.notes) == len(TUNE)


def test_a_steady_lone_instrument_is_a_solo():
    assert listen(sung(TUNE, vibrato=0.0), RATE, bpm=120).kind == "solo"


def test_a_bowed_vibrato_alone_does_not_make_a_voice_but_words_do():
    played = listen(sung(TUNE, vibrato=0.12), RATE, bpm=120)
    worded = listen(sung(TUNE, vibrato=0.12, vowels=(0.9, 0.35, 0.6)), RATE, bpm=120)
    assert played.kind == "solo"
    assert worded.kind == "singing"


def test_doubt_about_the_kind_is_told():
    sure = listen(sung(TUNE, vibrato=0.0), RATE, bpm=120)
    unsure = listen(sung(TUNE, vibrato=0.19), RATE, bpm=120)
    assert 0.5 <= unsure.kind_confidence < 0.75 < sure.kind_confidence <= 1
    assert analysis_dict(unsure)["kind_confidence"] < 0.75


def test_drums_alone_are_drums_without_key_or_chords():
    out = np.zeros((8 * RATE, 2))
    drums(out, 120, 4, 4)
    heard = listen((0.5 * out / np.abs(out).max()).astype(np.float32), RATE, bpm=120)
    assert heard.kind == "drums"
    assert heard.has_drums
    assert heard.key is None
    assert {c.name for c in heard.chords} == {"N"}


def test_drums_without_a_thump_are_no_speech():
    random = np.random.Generator(np.random.PCG64(8))
    out = np.zeros((8 * RATE, 2), np.float32)
    for sixteenth in range(64):
        start = round(sixteenth * 0.125 * RATE)
        burst = random.standard_normal(2400) * np.exp(-np.arange(2400) / 700)
        out[start : start + 2400] += (0.1 * burst)[: len(out) - start, None]
    assert listen(out, RATE, bpm=120).kind == "drums"


def test_chatter_is_speech_and_its_key_is_doubted():
    """Gliding voiced syllables and hiss, never on a note."""
    random = np.random.Generator(np.random.PCG64(3))
    out = np.zeros((6 * RATE, 2), np.float32)
    at = 0.1
    while at < 5.5:
        length = random.uniform(0.08, 0.2)
        t = np.arange(int(length * RATE)) / RATE
        hz = random.uniform(100, 190) * 2 ** (random.uniform(-1.2, 1.2) * t / length)
        phase = 2 * np.pi * np.cumsum(hz) / RATE
        sound = sum(0.8**k * np.sin(k * phase) for k in range(1, 20)) * np.hanning(len(t))
        start = int(at * RATE)
        out[start : start + len(t)] += 0.1 * sound[:, None].astype(np.float32)
        hiss = random.standard_normal(int(0.07 * RATE)) * np.hanning(int(0.07 * RATE))
        start += len(t)
        out[start : start + len(hiss)] += 0.04 * np.diff(hiss, prepend=0)[:, None].astype(
            np.float32
        )
        at += length + random.uniform(0.05, 0.12)
    heard = listen(out, RATE)
    assert heard.kind == "speech"
    assert heard.key_confidence < 0.35
    assert {c.name for c in heard.chords} == {"N"}


def test_a_song_is_not_taken_for_a_voice():
    chords = ((9, "m7"), (2, "m7"), (7, "7"), (0, ""))
    heard = listen(song(chords, with_drums=False, bars=4), RATE, bpm=120)
    assert heard.kind == "mix"
    assert heard.chord_at(1.0) in ("Am", "Am7")
