"""Real MIDI between processes, over JACK's dummy driver."""

import os
import sys
import threading

import mido
import numpy as np
import pytest
import rig
import soundfile
from midi_rig import (
    NEEDED,
    Jack,
    Player,
    follow,
    house_with,
    make_in,
    make_out,
    outcome,
    program,
)
from patience import in_time
from wire_house import ROOT, wait_for

from bridge.midi.clock import Clock
from bridge.midi.notes import send_in_time

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def pad(jack):
    made = make_out(jack, "pad")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def lamp(jack):
    made = make_in(jack, "lamp")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def house(jack, pad, lamp, tmp_path_factory):
    """One daemon for the tests that leave its ports alone."""
    with house_with(
        tmp_path_factory.mktemp("house"), jack, input="pad:", output="lamp:", map="pads-16,knobs"
    ) as started:
        connected(started)
        yield started


@pytest.fixture
def client(house):
    with house.tcp() as made:
        made.send("/punchin/notify", 1)
        yield made


@pytest.fixture
def region(client, tmp_path):
    select(client, tmp_path)


def select(client, folder):
    rng = np.random.Generator(np.random.PCG64(1))
    path = folder / "song.wav"
    soundfile.write(path, rng.uniform(-0.3, 0.3, (96000, 2)), 48000)
    client.send("/punchin/region", str(path), 0.5, 1.0)


def midi_of(house):
    with house.tcp() as client:
        return client.ask("status")["midi"]


def trouble_of(house):
    row = midi_of(house)
    return row if row["state"] == "problem" else None


def connected(house, inputs=1):
    def ready():
        row = midi_of(house)
        return row if row["state"] == "ready" and len(row["inputs"]) == inputs else None

    return wait_for(ready, "the ports did not open")


def received(port):
    found = []
    while got := port.get_message():
        found.append(bytes(got[0]).hex())
    return found


def press(pad, note):
    pad.send_message([0x99, note, 100])
    pad.send_message([0x89, note, 0])


def test_a_pad_repaints_the_region_and_its_light_follows(pad, lamp, client, region):
    dark = []
    wait_for(lambda: dark.extend(received(lamp)) or len(dark) >= 15 or None, "the pads stayed dark")
    press(pad, 36)
    job_id, op, *_ = client.until("accepted").args
    assert op == "repaint"
    client.until("done", id=job_id)
    seen = []
    wait_for(
        lambda: (
            seen.extend(received(lamp)) or (seen[-1:] == ["99242d"] and "992409" in seen) or None
        ),
        "it was not amber while it worked, then blue again",
    )
    press(pad, 47)
    assert client.until("chosen").args[:2] == [job_id, 1]


def test_a_knob_sweep_is_one_job_with_its_last_value(pad, house, client, region):

    def attempt(_number):
        """A knob that stands still for a moment in between, with all else, has made two sweeps."""
        before = len(client.ask("jobs"))
        for value in range(1, 128, 2):
            pad.send_message([0xB0, 23, value])
        requests = []
        while not requests or requests[-1]["strength"] != 1.0:
            job_id = client.until("accepted").args[0]
            requests.append(house.job(job_id)["request"])
        client.until("done", id=job_id)
        assert {r["slot"] for r in requests} == {"midi-repaint-with-strength"}
        assert len(client.ask("jobs")) == before + len(requests)
        assert len(requests) == 1

    in_time(attempt)


def test_clock_is_followed_through_noise_and_a_flood(pad, client, region):
    """Ticks at 240 bpm while another thread floods the same port and sends what is broken."""
    tick_s = 60 / 240 / 24
    ticks = [(i * tick_s, b"\xf8") for i in range(240)]
    ticks += [(96.5 * tick_s, b"\xfa"), (240 * tick_s, b"\xfc")]
    noise = [(i / 10_000, bytes((0x90, i % 30, 1 + i % 90))) for i in range(20_000)]
    broken = [(i / 20, b"\xf0" + b"\x01" * 200 + b"\xf7") for i in range(40)]
    truncated = [(i / 20 + 0.01, b"\xf0\x7f\x01\x02\xf7") for i in range(40)]
    lock = threading.Lock()

    def send(message):
        with lock:
            pad.send_message(list(message))

    def attempt(_number):
        flood = threading.Thread(target=send_in_time, args=([*noise, *broken, *truncated], send))
        flood.start()
        bpm, beat = follow(client, ticks, send)
        flood.join()
        assert bpm == pytest.approx(240, rel=0.02)
        assert beat == pytest.approx(143 / 24, abs=3 / 24)

    in_time(attempt)
    press(pad, 36)
    assert client.until("accepted").args[1] == "repaint"


def test_a_controller_that_is_plugged_in_later_is_found(jack, house_on):
    house = house_on(jack, input="late:", map="pads")
    wait_for(lambda: midi_of(house)["state"] == "problem" or None, "nothing was missed")
    row = midi_of(house)
    assert row["code"] == 403
    late = make_out(jack, "late")
    connected(house)
    late.delete()
    wait_for(lambda: not midi_of(house)["inputs"] or None, "a port that has gone is still there")


def test_the_daemon_outlives_its_jack_server(house_on, tmp_path):
    rig.need(*NEEDED)
    server = Jack(tmp_path)
    players = [Player(server)]
    try:
        house = house_on(server, input="pad:", map="pads")
        connected(house)
        server.kill()
        players[0].stop()
        wait_for(lambda: trouble_of(house), "nobody noticed")
        server.start()
        players.append(Player(server))
        connected(house)
        with house.tcp() as client:
            client.send("/punchin/notify", 1)
            select(client, tmp_path)
            client.ask("status")

            def attempt(_number):
                """A port that has just opened may yet be made anew."""
                for message in ((0x90, 36, 100), (0x80, 36, 0)):
                    players[1].send(bytes(message))
                assert client.until("accepted", timeout=5.0).args[1] == "repaint"

            in_time(attempt)
    finally:
        for player in players:
            player.stop()
        server.stop()


@pytest.fixture
def synth(jack):
    """A port that nobody else writes to: the daemon's lights go to the lamp when they will."""
    made = make_in(jack, "synth")
    yield made
    made.delete()


def test_clock_goes_out_in_time_with_the_transport(jack, synth, house_on):
    house = house_on(jack, clock_output="synth:")
    wait_for(lambda: midi_of(house).get("outputs") or None, "the output did not open")
    clock, heard, now_s = Clock(), [], 0.0

    def listen():
        nonlocal now_s
        while got := synth.get_message():
            now_s += got[1]
            heard.append(bytes(got[0]))
            clock.feed(heard[-1], now_s)
        return heard

    def attempt(_number):
        """A sender that stands still for a moment stops, and begins anew where the song is."""
        listen()
        heard.clear()
        client.send("/punchin/transport", 1, 4.1, 240.0)
        try:
            wait_for(lambda: len(listen()) >= 150 or None, "no clock came")
            tempo = pytest.approx(240, rel=0.02)
            has_tempo = lambda: listen() and clock.line and clock.line.bpm == tempo  # noqa: E731
            wait_for(lambda: has_tempo() or None, "it has another tempo")
        finally:
            client.send("/punchin/transport", 0, 20.0, 240.0)
            wait_for(lambda: listen()[-1:] == [b"\xfc"] or None, "it was not stopped")
        assert heard[0][0] == 0xF2
        assert heard[1:3] == [b"\xfb", b"\xf8"]
        assert heard[0][1] >= 17  # a sixteenth after beat 4.1

    with house.tcp() as client:
        in_time(attempt)


def test_without_any_midi_system_the_daemon_works_and_says_403(tmp_path, house_on):
    class Nowhere:
        env = {"JACK_DEFAULT_SERVER": "nosuchserver", "JACK_NO_START_SERVER": "1"}  # noqa: RUF012

    rig.need("rtmidi")
    house = house_on(Nowhere, input="pad:")
    row = wait_for(lambda: trouble_of(house), "no word")
    assert row["code"] == 403
    assert "start the JACK server" in row["message"]


# -- the command line ------------------------------------------------------------------------------


def punchin(jack, tmp_path, *words):
    env = {**os.environ, **jack.env, "PUNCHIN_CONFIG": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bridge", "midi", words[0], "--backend", "jack", *words[1:]]
    return program(command, env=env)


def test_list_names_the_ports(jack, pad, lamp, tmp_path):
    def attempt(_number):
        """The server may not yet have missed the ports of a program that was ended before."""
        with punchin(jack, tmp_path, "list") as process:
            out, err = outcome(process)
        assert sorted(line.split() for line in out.splitlines()) == [
            ["in", "jack", "pad:out"],
            ["out", "jack", "lamp:in"],
        ]
        assert err == ""

    in_time(attempt)


def test_learn_writes_the_control_that_was_moved(jack, pad, tmp_path):
    words = ("learn", "mine", "/punchin/set", "strength", "$value", "--input", "pad:")
    sweep = [(i / 100, bytes((0xB2, 21, 20 + i))) for i in range(40)]
    with punchin(jack, tmp_path, *words) as process:
        assert "move the control" in process.stderr.readline()
        send_in_time(sweep, lambda message: pad.send_message(list(message)))
        out, _ = outcome(process)
    assert "cc 21 on channel 3 (absolute) of pad:out" in out
    assert "cc = 21" in (tmp_path / "presets" / "midi" / "mine.toml").read_text()


def test_notes_of_a_result_come_out_of_a_port(jack, synth, tmp_path):
    file = mido.MidiFile()
    file.tracks.append(mido.MidiTrack())
    for key in (60, 62, 64):
        file.tracks[0].append(mido.Message("note_on", note=key, time=0))
        file.tracks[0].append(mido.Message("note_off", note=key, time=60))
    file.save(tmp_path / "tune.mid")
    words = ("play", str(tmp_path / "tune.mid"), "--output", "synth:")
    with punchin(jack, tmp_path, *words) as process:
        _, err = outcome(process)
    assert process.returncode == 0, err
    seen = []
    wait_for(lambda: seen.extend(received(synth)) or len(seen) >= 8 or None, "notes are missing")
    assert [m for m in seen if m.startswith("90")] == ["903c40", "903e40", "904040"]
    assert seen[-2:] == ["b07b00", "b07800"]


def test_notes_of_a_result_begin_on_the_bar_at_the_song_s_tempo(jack, synth, house, tmp_path):
    """The file says 120, the song goes at 240: a bar is a second, the notes are half as long."""
    file = mido.MidiFile(ticks_per_beat=96)
    file.tracks.append(mido.MidiTrack())
    for key in (60, 62, 64, 65):
        file.tracks[0].append(mido.Message("note_on", note=key, time=0))
        file.tracks[0].append(mido.Message("note_off", note=key, time=96))
    file.save(tmp_path / "tune.mid")
    words = ("play", str(tmp_path / "tune.mid"), "--output", "synth:", "--launch", "bar")

    def attempt(_number):
        received(synth)
        ports = ("--port", str(house.port))
        beats, passed_s = [], []

        def listen():
            has_ended = process.poll() is not None
            while got := synth.get_message():
                message = bytes(got[0])
                passed_s.append(got[1])
                if message[0] == 0x90 and message[2] and message[1] >= 60:
                    beats.append(client.ask("player")["transport"]["beat"])
                    passed_s[:] = [0.0] if len(beats) == 1 else passed_s
            return beats if has_ended or len(beats) == 4 else None

        with house.tcp() as client:
            client.send("/punchin/transport", 1, 0.0, 240.0, 0.0)
            client.ask("player")
            with punchin(jack, tmp_path, *words, *ports) as process:
                wait_for(listen, "notes are missing")
                _, err = outcome(process)
            client.send("/punchin/transport", 0, 0.0, 240.0)
        assert process.returncode == 0, err
        assert len(beats) == 4, err
        assert beats[0] % 4 == pytest.approx(0.5, abs=0.5)  # as it was when the test looked
        assert sum(passed_s) == pytest.approx(3 * 60 / 240, abs=0.03)

    in_time(attempt)


def test_what_is_played_is_recorded(jack, pad, tmp_path):
    rows = [(0.1 + i / 4, bytes((0x90, 60 + i, 90))) for i in range(4)]
    rows += [(0.3 + i / 4, bytes((0x80, 60 + i, 0))) for i in range(4)]

    def attempt(number):
        path = tmp_path / f"line-{number}.mid"
        words = ("record", str(path), "--bars", "1", "--bpm", "240", "--input", "pad:")
        with punchin(jack, tmp_path, *words) as process:
            assert "recording 1 bars" in process.stderr.readline()
            send_in_time(rows, lambda message: pad.send_message(list(message)))
            out, err = outcome(process)
        assert "4 notes at 240.00 bpm" in out, err
        score = mido.MidiFile(path)
        assert [m.note for m in score if m.type == "note_on"] == [60, 61, 62, 63]

    in_time(attempt)


def test_a_missing_output_is_error_403(jack, tmp_path):
    (tmp_path / "x.mid").write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0")
    words = ("play", str(tmp_path / "x.mid"), "--output", "nothing")
    with punchin(jack, tmp_path, *words) as process:
        _, err = outcome(process)
    assert process.returncode == 1
    assert "error 403 midi-port: no MIDI output named like 'nothing'" in err
