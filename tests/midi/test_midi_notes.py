"""Notes out: a MIDI file's messages in time, with a clock that only waiting moves."""

import io

import mido
import pytest

from bridge.midi.notes import clock_ticks, send_in_time, timed_notes
from bridge.midi.tempo_fit import TempoFit
from bridge.protocol.errors import PunchinError


def score(*rows, bpm=120):
    file = mido.MidiFile(ticks_per_beat=96)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)), *rows])
    file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def tune(bpm=120):
    rows = []
    for key in (60, 62, 64):
        rows += [mido.Message("note_on", channel=2, note=key, time=0),
                 mido.Message("note_off", channel=2, note=key, time=96)]  # fmt: skip
    return score(*rows, bpm=bpm)


def type_2():
    data = bytearray(tune())
    data[9] = 2
    return bytes(data)


class Hand:
    """A clock that sleeping and looking move."""

    def __init__(self):
        self.now_s, self.sent = 50.0, []

    def clock(self):
        self.now_s += 1e-5
        return self.now_s

    def sleep(self, s):
        self.now_s += s

    def send(self, message):
        self.sent.append((self.now_s - 50, message))


def test_notes_come_at_their_time_and_silence_at_the_end():
    hand = Hand()
    worst_s = send_in_time(timed_notes(tune()), hand.send, hand.clock, hand.sleep)
    played = [(round(t, 3), m.hex()) for t, m in hand.sent if m[0] & 0xF0 == 0x90]
    assert played == [(0, "923c40"), (0.5, "923e40"), (1.0, "924040")]
    assert [m.hex() for _, m in hand.sent[-2:]] == ["b27b00", "b27800"]
    assert worst_s < 0.001


def test_being_late_once_adds_up_to_nothing():
    hand = Hand()

    def send(message):
        if not hand.sent:
            hand.now_s += 0.3  # the port blocked
        hand.send(message)

    send_in_time(timed_notes(tune()), send, hand.clock, hand.sleep)
    assert next(t for t, m in hand.sent if m.hex() == "924040") == pytest.approx(1.0, abs=0.001)


def test_an_interruption_leaves_no_note_hanging():
    hand = Hand()

    def sleep(s):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send_in_time(timed_notes(tune()), hand.send, hand.clock, sleep)
    assert hand.sent[-1][1].hex() == "b27800"


def test_clock_ticks_have_the_files_tempo():
    ticks = clock_ticks(tune(97.5), 10.0)
    assert (ticks[0][1], ticks[-1][1]) == (b"\xfa", b"\xfc")
    fit = TempoFit()
    for time_s, message in ticks:
        if message == b"\xf8":
            fit.tick(time_s)
    assert fit.line.bpm == pytest.approx(97.5, abs=0.01)


@pytest.mark.parametrize("data", [b"", b"MThd", b"RIFFxxxxWAVE", tune()[:30], type_2()])
def test_a_damaged_file_is_an_error_with_a_number(data):
    with pytest.raises(PunchinError) as told:
        timed_notes(data)
    assert told.value.code == 201
