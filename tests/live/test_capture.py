"""A recording begins and ends where it should and holds every sample between."""

import time

import numpy as np
import pytest
import rig
import soundfile
from patience import PATIENCE_S, in_time
from rig import wait_for
from session import Session, Starting
from sounds import SCALE, assert_sung

from bridge.protocol.errors import OutputError, error
from daemon.player.capture import recorder
from daemon.player.capture.inputs import InputFormat, JackInput, PortAudioInput, of
from daemon.player.capture.punch import InputClock, Punch
from daemon.player.capture.recorder import Order
from daemon.player.transport import Line

RATE = 1000


# -- by a real server ------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_sung_is_in_the_file_sample_for_sample(studio, singer, server, tmp_path, count):
    pattern = "singer:mix_*" if count == 2 else "singer:mix_l"
    order = Order(tmp_path / "take.wav", preroll_s=0.0)
    session = studio.make(Session, studio.make(JackInput, pattern), order)
    session.begin()
    wait_for(lambda: session.stage() == "recording")
    # Cycles at either end may be outside of what is recorded.
    enough = singer.health().frames + server.rate + 4 * server.period
    wait_for(lambda: singer.health().frames > enough)
    assert not list(tmp_path.glob("take.wav"))
    session.end()
    news = session.news()
    heard, rate = soundfile.read(tmp_path / "take.wav", dtype="float32", always_2d=True)
    assert (rate, heard.shape) == (server.rate, (news["frames"], count))
    assert soundfile.info(tmp_path / "take.wav").subtype == "FLOAT"
    assert news["kind"] == "captured"
    assert len(heard) >= server.rate
    assert_sung(heard, news["lost_frames"], singer.health().underruns)
    assert [p.name for p in tmp_path.iterdir()] == ["take.wav"]


def test_a_take_lies_on_the_bars_of_the_transport(studio, singer, server, tmp_path):
    """The number that was sung on the bar is the frame at the punch; two bars later it ends.

    Where the machine stands still the server does, and frames are no measure of time.
    """

    def attempt(number):
        path = tmp_path / f"take-{number}.wav"
        line = Line(playing=True, at_s=time.monotonic(), beat=0.5, bpm=300.0)
        order = Order(path, "bar", 2, preroll_s=0.25)
        session = studio.make(Session, studio.make(JackInput, "singer:mix_*"), order, line)
        clocks = [singer.clock()]
        session.begin()
        wait_for(lambda: clocks.append(singer.clock()) or session.over())
        news = session.news()
        heard, rate = soundfile.read(path, dtype="float32")
        assert news["beat"] % 4 == 0
        assert news["on_bar"]
        on_the_bar = round(heard[news["start_frame"], 0] / SCALE) - 1
        clock = max((c for c in clocks if c.frame <= on_the_bar), key=lambda c: c.frame)
        sung_s = clock.heard_at(on_the_bar, rate)
        assert sung_s == pytest.approx(line.time_of(news["beat"]), abs=server.period / rate + 0.003)
        assert news["frames"] - news["start_frame"] == pytest.approx(2 * 4 * rate / 5, abs=64)
        assert 0 < news["start_frame"] <= rate // 4
        return heard, news

    heard, news = in_time(attempt)
    assert_sung(heard, news["lost_frames"], singer.health().underruns)


def test_what_was_armed_and_never_begun_leaves_no_file(studio, singer, tmp_path):
    order = Order(tmp_path / "take.wav", "bar")
    session = studio.make(Session, studio.make(JackInput, "singer:*"), order)
    session.begin()
    assert session.stage() == "armed"
    session.end()
    assert session.news()["kind"] == "capture_cancelled"
    assert list(tmp_path.iterdir()) == []


def test_a_take_whose_server_dies_is_kept_until_then(own_server, own_studio, tmp_path):
    source, path = own_studio.make(JackInput, "system:capture_*"), tmp_path / "take.wav"
    session = own_studio.make(Session, source, Order(path))
    session.begin()
    part = path.with_name(f".{path.name}.part")
    wait_for(lambda: part.stat().st_size > 4 * 4 * own_server.rate)  # two seconds, the punch in 1
    own_server.kill()
    news = session.news()
    assert (news["kind"], news["cut"]["code"]) == ("captured", 402)
    assert news["start_frame"] < news["frames"] == soundfile.info(path).frames
    assert not part.exists()


def test_the_interface_is_recorded(server, studio, tmp_path):
    rig.need("sounddevice")

    def attempt(number):
        order = Order(tmp_path / f"take-{number}.wav", bars=1)
        session = studio.make(Session, studio.make(of, "system", "JACK"), order, Line(bpm=400))
        fmt = session.begin()
        news = session.news()
        assert (fmt.rate, fmt.channels, fmt.name) == (server.rate, 2, "system")
        # Nothing is connected to the dummy server's inputs; one bar at 400 bpm is 0.6 s.
        assert soundfile.info(order.path).frames == news["frames"]
        length = news["frames"] - news["start_frame"]
        assert length == pytest.approx(0.6 * server.rate, abs=server.period)

    in_time(attempt)


def test_ports_and_devices_that_are_not_there_are_told(studio, tmp_path):
    rig.need("sounddevice")
    order = Order(tmp_path / "take.wav")
    with pytest.raises(OutputError, match=r"no JACK port matches 'nobody:x'"):
        studio.make(Session, studio.make(of, "jack:nobody:x"), order).begin()
    with pytest.raises(OutputError, match=r"no audio device 'nobody'"):
        studio.make(Session, studio.make(PortAudioInput, "nobody", "JACK"), order).begin()


def test_a_port_of_a_client_that_is_still_starting_is_told(studio, tmp_path):
    starting = studio.make(Starting, "starting")
    order = Order(tmp_path / "take.wav")
    with pytest.raises(OutputError, match=r"can't be recorded .*: see that their program runs"):
        studio.make(Session, studio.make(of, "jack:starting:*"), order).begin()
    starting.close()


# -- by an input that the test plays ---------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch):
    """A recorder that does not take a test which stands still for an input that is gone."""
    monkeypatch.setattr(recorder, "_SILENT_S", PATIENCE_S)


class Played:
    """An input that gives what the test says, when it says so."""

    def __init__(self):
        self.ended = self.closed = False

    def open(self, prepare):
        self.fmt = InputFormat(RATE, 1, "played")
        self.take = prepare(self.fmt)
        return self.fmt

    def close(self):
        self.closed = True

    def gone(self):
        return self.ended


def _numbered(first, frames):
    return np.arange(first, first + frames, dtype=np.float32)[:, None] + 1


def test_what_was_sung_before_the_punch_is_kept(patient, tmp_path):
    source, now_s = Played(), time.monotonic() + PATIENCE_S  # however late it is armed
    line = Line(playing=True, at_s=now_s, beat=-1.0, bpm=60.0)
    session = Session(source, Order(tmp_path / "take.wav", "bar", 0.25, preroll_s=0.5), line)
    session.begin()
    for first in range(0, 2500, 100):
        source.take(_numbered(first, 100), now_s + first / RATE, 0)
    news = session.news()
    # The bar is at 1.0 s, its quarter ends at 2.0 s, and half a second before it is kept.
    heard, _ = soundfile.read(tmp_path / "take.wav", dtype="float32")
    assert np.array_equal(heard, _numbered(500, 1500)[:, 0])
    assert news["start_frame"] == 500
    assert source.closed


def test_a_bar_that_passed_before_the_input_was_heard_is_none_to_begin_on(patient, tmp_path):
    source, now_s = Played(), time.monotonic()
    line = Line(playing=True, at_s=now_s + 100, beat=-1.0, bpm=240.0)
    session = Session(source, Order(tmp_path / "take.wav", "bar", 0.25, preroll_s=0.0), line)
    session.begin()
    for first in range(0, 2000, 100):
        source.take(_numbered(first, 100), now_s + 100.5 + first / RATE, 0)
    news = session.news()
    # Bars begin 100.25 s and 101.25 s from now, and the first sound is there between.
    heard, _ = soundfile.read(tmp_path / "take.wav", dtype="float32")
    assert news["beat"] == 4
    assert np.array_equal(heard, _numbered(750, 250)[:, 0])


def test_cycles_that_came_too_late_are_silence_of_the_same_length(patient, tmp_path):
    source = Played()
    session = Session(source, Order(tmp_path / "take.wav", bars=0.25), Line(bpm=60.0))
    session.begin()
    now_s = time.monotonic()
    source.take(_numbered(0, 300), now_s, 0)
    source.take(_numbered(500, 900), now_s + 0.5, 200)
    news = session.news()
    heard, _ = soundfile.read(tmp_path / "take.wav", dtype="float32")
    assert news["lost_frames"] == 200
    assert np.array_equal(heard[:300], _numbered(0, 300)[:, 0])
    assert not np.any(heard[300:500])
    assert np.array_equal(heard[500:], _numbered(500, len(heard) - 500)[:, 0])


def test_what_the_recorder_could_not_take_is_silence_of_the_same_length(patient, tmp_path):
    source = Played()
    session = Session(source, Order(tmp_path / "take.wav", bars=1.25), Line(bpm=60.0))
    session.begin()
    now_s = time.monotonic()
    source.take(_numbered(0, 1500), now_s, 0)
    wait_for(lambda: session.stage() == "recording")
    # More than the ring holds, at once.
    source.take(_numbered(1500, 2500), now_s + 1.5, 0)
    source.take(_numbered(4000, 1500), now_s + 4.0, 0)
    news = session.news()
    heard, _ = soundfile.read(tmp_path / "take.wav", dtype="float32")
    assert news["lost_frames"] == session.lost_frames() == 2500
    assert len(heard) == 5000
    assert np.array_equal(heard[:1500], _numbered(0, 1500)[:, 0])
    assert not np.any(heard[1500:4000])
    assert np.array_equal(heard[4000:], _numbered(4000, 1000)[:, 0])


def _recording(session, source, frames):
    """Let a session record what is numbered from 1 on."""
    session.begin()
    source.take(_numbered(0, frames), time.monotonic(), 0)
    wait_for(lambda: session.stage() == "recording")


def _until_cut(path, news, code):
    heard, _ = soundfile.read(path, dtype="float32")
    assert (news["kind"], news["cut"]["code"]) == ("captured", code)
    assert news["frames"] == len(heard) > news["start_frame"]
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return heard


def test_a_take_whose_input_goes_is_kept_until_then(patient, tmp_path):
    source, path = Played(), tmp_path / "take.wav"
    session = Session(source, Order(path))
    _recording(session, source, 1000)
    source.take(_numbered(1000, 900), time.monotonic(), 0)
    source.ended = True
    heard = _until_cut(path, session.news(), 402)
    assert np.array_equal(heard, _numbered(1900 - len(heard), len(heard))[:, 0])


def test_a_take_is_kept_when_punchin_ends(patient, tmp_path):
    source, path = Played(), tmp_path / "take.wav"
    session = Session(source, Order(path))
    _recording(session, source, 1500)
    session.close()
    heard = _until_cut(path, session.news(), 402)
    assert np.array_equal(heard, _numbered(1500 - len(heard), len(heard))[:, 0])


class FullDisk(recorder.Writer):
    """A file on a disk that has room for 1.5 blocks, as libsndfile meets it."""

    def write(self, block):
        if not self.frames or not len(block):
            return super().write(block)
        super().write(block[: len(block) // 2])
        self.frames -= len(block) // 2
        raise error(400, "the disk is full")


def test_a_take_is_kept_when_the_disk_is_full(patient, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "Writer", FullDisk)
    source, path = Played(), tmp_path / "take.wav"
    session = Session(source, Order(path))
    _recording(session, source, 1000)
    wait_for(lambda: path.with_name(".take.wav.part").stat().st_size > 4 * 500)
    source.take(_numbered(1000, 900), time.monotonic(), 0)
    heard = _until_cut(path, session.news(), 400)
    assert np.array_equal(heard, _numbered(1000 - len(heard), len(heard))[:, 0])


def test_a_folder_that_can_not_be_written_is_told(tmp_path):
    source = Played()
    session = Session(source, Order(tmp_path / "nowhere" / "take.wav"))
    session.begin()
    assert session.news()["code"] == 401
    wait_for(lambda: source.closed)


# -- punch in and out, by arithmetic alone ---------------------------------------------------------

SONG = Line(playing=True, at_s=100.0, beat=1.0, bpm=120.0)


def test_now_means_now():
    punch = Punch("now", None, 100.3)
    assert punch.start_s(Line()) == 100.3
    punch.begun(Line(), 100.3)
    assert punch.end_s(Line(), 101.0) is None
    punch.end(107.7)
    assert punch.end_s(Line(), 108.0) == 107.7


@pytest.mark.parametrize(("when", "start_s"), [("bar", 101.5), ("beat", 100.5)])
def test_the_punch_is_the_next_bar_or_beat(when, start_s):
    punch = Punch(when, None, 100.2)
    assert punch.start_s(SONG) == pytest.approx(start_s)
    punch.begun(SONG, start_s)
    punch.end(103.6)
    out_s = 105.5 if when == "bar" else 104.0
    assert punch.end_s(SONG, 103.7) == pytest.approx(out_s)


def test_an_armed_take_waits_for_the_transport():
    punch = Punch("bar", None, 90.0)
    assert punch.start_s(Line()) is None
    assert punch.start_s(SONG) == pytest.approx(101.5)


@pytest.mark.parametrize(("at_s", "beat"), [(100.03, 8.0), (100.3, 12.0)])
def test_the_bar_line_on_which_the_song_is_started_counts(at_s, beat):
    punch = Punch("bar", None, 90.0)
    punch.start_s(Line())
    started = Line(playing=True, at_s=at_s, beat=8.0 + (at_s - 100.0) * 2, bpm=120.0)
    assert punch.start_s(started) == pytest.approx(started.time_of(beat))


def test_bars_are_counted_in_the_tempo_of_the_transport():
    punch = Punch("bar", 2, 100.2)
    punch.start_s(SONG)
    punch.begun(SONG, 101.5)
    assert punch.end_s(SONG, 102.0) == pytest.approx(105.5)
    slower = Line(playing=True, at_s=103.5, beat=8.0, bpm=60.0)
    assert punch.end_s(slower, 104.0) == pytest.approx(107.5)


def test_a_transport_that_stops_ends_a_take_on_the_grid_and_no_other():
    on_grid, free = Punch("bar", None, 100.2), Punch("now", None, 100.2)
    for punch in (on_grid, free):
        punch.start_s(SONG)
        punch.begun(SONG, 101.5)
    stopped = Line(playing=False, at_s=103.0, beat=7.0, bpm=120.0)
    assert on_grid.end_s(stopped, 103.1) == 103.1
    assert on_grid.end_s(SONG, 110.0) == 103.1
    assert free.end_s(stopped, 103.1) is None


def test_the_clock_of_an_input_bears_jitter():
    clock = InputClock(48000)
    jitter = np.random.Generator(np.random.PCG64(3)).exponential(0.002, 64)
    for block, late_s in enumerate(jitter):
        clock.stamp(block * 256, 50.0 + block * 256 / 48000 + (late_s if block % 3 == 0 else 0))
    assert clock.frame_at(50.5) == pytest.approx(24000, abs=48)
    assert clock.time_of(24000) == pytest.approx(50.5, abs=0.001)
