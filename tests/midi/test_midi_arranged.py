"""The road of a played line: keys on a port, `/punchin/capture`, then jobs that arrange it."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from midi_rig import house_with, make_out, outcome, program
from patience import in_time
from wire_house import ROOT, wait_for

from bridge.midi.notes import send_in_time

BPM = 240.0
BEAT_S = 60 / BPM
KEYS = [60, 64, 67, 65, 64, 62, 59, 60]  # two bars, a note on each beat


@pytest.fixture(scope="module")
def keys(jack):
    made = make_out(jack, "keys")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def house(jack, keys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("arranged")
    with house_with(folder, jack, engine="sketch", input="keys:", map="pads") as started:

        def ready():
            with started.tcp() as client:
                return client.ask("status")["midi"]["inputs"] or None

        wait_for(ready, "the input did not open")
        yield started


@pytest.fixture
def client(house):
    with house.tcp() as made:
        yield made
        made.send("/punchin/reset")
        made.quiet()


def play(keys, first_s):
    """Play the tune in time, its first note `first_s` from now; return how it was played.

    That is where each note was begun and let go, in quarters since `first_s`: as late as a busy
    machine was.
    """
    rows = [(first_s + i * BEAT_S, bytes((0x92, key, 70 + i))) for i, key in enumerate(KEYS)]
    rows += [(t + 0.8 * BEAT_S, bytes((0x82, m[1], 0))) for t, m in rows]
    begun_s, sent = time.perf_counter() + first_s, {0x90: [], 0x80: []}

    def send(message):
        keys.send_message(list(message))
        sent.setdefault(message[0] & 0xF0, []).append((time.perf_counter() - begun_s) / BEAT_S)

    send_in_time(rows, send)
    return list(zip(sent[0x90], sent[0x80], strict=True))


def captured(client):
    """What was told of a recording; one that was refused came too late to be played into."""
    message = client.until("captured", "error")
    assert message.name == "captured", message
    path, seconds, text = message.args
    return path, seconds, json.loads(text)


def recording(client):
    return client.ask("status")["midi"]["recording"]


def lead_of(house, job_id):
    """The notes of the lead: start and length in quarters, key, velocity."""
    plan = json.loads(Path(house.path(job_id, "plan")).read_text("utf-8"))
    part = next(p for p in plan["parts"] if p["name"] == "melody")
    return [tuple(note[:4]) for note in part["notes"]]


def assert_is_the_tune(found, played, start=0.0):
    octave = found[0][2] - KEYS[0]
    assert octave % 12 == 0
    assert [key - octave for _, _, key, _ in found] == KEYS
    assert [velocity for *_, velocity in found] == [70 + i for i in range(len(KEYS))]
    begun, let_go = np.transpose(played)
    # A port's period is 5 ms; a busy machine may take some more.
    assert np.allclose([at for at, *_ in found], start + begun, atol=0.1)
    assert np.allclose([length for _, length, *_ in found], let_go - begun, atol=0.15)


def test_a_line_that_is_played_on_the_bar_is_arranged(client, house, keys):
    client.send("/punchin/tempo", BPM, 4, 4)

    def attempt(number):
        piece = f"piece-{number}"
        client.send("/punchin/transport", 1, 2.0, BPM, 2.0)
        client.send("/punchin/capture", 1, "bar", 2, "midi:keys")
        played = play(keys, 2 * BEAT_S)
        path, seconds, told = captured(client)
        assert (told["notes"], told["quarters"], told["beat"]) == (8, 8.0, 4.0)
        assert seconds == pytest.approx(2.0)
        assert client.ask("context")["set"]["melody"] == path
        result = client.done("generate", piece, "preset", "pop")
        assert result["bpm"] == BPM
        assert_is_the_tune(lead_of(house, piece), played)
        assert soundfile.info(house.path(piece)).duration == pytest.approx(2.0)

    in_time(attempt)


def test_a_line_over_the_region_becomes_a_layer_of_it(client, house, keys, tmp_path):
    """The region begins a beat after a bar line; the line lies in it where it was played."""
    rng = np.random.Generator(np.random.PCG64(1))
    song = tmp_path / "song.wav"
    soundfile.write(song, rng.uniform(-0.1, 0.1, (4 * 48000, 2)), 48000)
    client.send("/punchin/tempo", BPM, 4, 4)
    client.send("/punchin/region_frames", str(song), 12000, 12000 + 96000)
    client.send("/punchin/downbeat", 0.0)
    client.send("/punchin/place", 8.0, 32.0)

    def attempt(number):
        part = f"part-{number}"
        client.send("/punchin/capture", 1, "region", 0.25, "midi")
        client.send("/punchin/transport", 1, 31.0, BPM, 3.0)
        played = play(keys, 2 * BEAT_S)
        try:
            told = captured(client)[2]
        finally:
            client.send("/punchin/transport", 0, 31.0, BPM)
        assert (told["beat"], told["quarters"]) == (33.0, 8.0)
        client.done("layer", part, "track", "strings", "preset", "pop")
        assert_is_the_tune(lead_of(house, part), played, start=1.0)

    in_time(attempt)


def test_a_pad_that_asks_for_something_is_no_note(client, keys):
    client.send("/punchin/capture", 1, "now", 8, "midi")
    wait_for(lambda: recording(client) == "armed" or None, "it was not armed")
    for key in (36, 43, 60):  # two pads of the map, and a key
        keys.send_message([0x90, key, 90])
        keys.send_message([0x80, key, 0])
    wait_for(lambda: recording(client) == "recording" or None, "the key was not heard")
    client.send("/punchin/capture", 0)
    assert captured(client)[2]["notes"] == 1


def test_the_command_line_s_recording_is_what_the_next_job_plays(client, house, keys, jack):
    env = {**house.env, **jack.env, "PYTHONPATH": str(ROOT)}
    words = ["record", "--backend", "jack", "--bars", "2", "--bpm", str(BPM), "--input", "keys:"]

    def attempt(number):
        command = [sys.executable, "-m", "bridge", "midi", *words]
        with program(command, env={**os.environ, **env}) as process:
            assert "recording 2 bars" in process.stderr.readline()
            played = np.array(play(keys, 0.1))
            out, err = outcome(process)
        assert "8 notes at 240.00 bpm" in out, err
        assert "the next generate" in out
        context = client.ask("context")
        assert context["bpm"] == BPM
        assert context["set"]["melody"].startswith(str(house.home / "captures"))
        client.done("generate", f"again-{number}", "preset", "pop")
        assert_is_the_tune(lead_of(house, f"again-{number}"), played - played[0, 0])

    in_time(attempt)
