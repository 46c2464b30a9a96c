"""Reading the selection through AbletonOSC: a small one, with its ports and manners."""

from __future__ import annotations

import json
import socket
import threading

import pytest
import soundfile
from free_ports import free_port
from patience import PATIENCE_S
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from bridge.ableton import adapter
from bridge.protocol.errors import PunchinError


class AbletonOsc:
    """Answers on one fixed port, whoever asked; echoes the arguments; keeps silent otherwise."""

    def __init__(self, answers):
        self.answers = answers
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answer_port = free_port()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while True:
            data = self.socket.recv(65536)
            if not data:
                return
            for timed in OscPacket(data).messages:
                self._answer(timed.message.address, list(timed.message.params))

    def _answer(self, address, args):
        values = self.answers.get(address)
        if values is None:
            return
        if isinstance(values, str) and values.startswith("!"):
            address, args, values = "/live/error", [], [values[1:]]
        builder = OscMessageBuilder(address=address)
        for value in [*args, *values]:
            builder.add_arg(value)
        self.socket.sendto(builder.build().dgram, ("127.0.0.1", self.answer_port))

    def connect(self, patience_s=PATIENCE_S):
        return adapter.Connection(self.port, self.answer_port, patience_s)

    def close(self):
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


@pytest.fixture
def told(tmp_path):
    path = tmp_path / "Gesang ü.wav"
    soundfile.write(path, [[0.0, 0.1]] * 32000, 8000)
    return {
        "/live/view/get/selected_clip": [2, 5],
        "/live/clip/get/is_audio_clip": [True],
        "/live/clip/get/file_path": [str(path)],
        "/live/clip/get/warping": [False],
        "/live/clip/get/looping": [False],
        "/live/clip/get/start_marker": [0.5],
        "/live/clip/get/end_marker": [3.5],
        "/live/clip/get/loop_start": [1.0],
        "/live/clip/get/loop_end": [2.0],
        "/live/clip/get/name": ["Verse"],
        "/live/song/get/tempo": [96.0],
        "/live/song/get/signature_numerator": [6],
        "/live/song/get/signature_denominator": [8],
        "/live/track/get/name": ["Vocals"],
    }


@pytest.fixture
def server(told):
    made = AbletonOsc(told)
    yield made
    made.close()


def test_the_selection_is_read(server, told):
    with server.connect() as connection:
        clip = adapter.read(connection.ask)
    assert clip.path == told["/live/clip/get/file_path"][0]
    assert (clip.track, clip.name) == ("Vocals", "Verse")
    assert (clip.start_s, clip.end_s, clip.clip_start_s, clip.clip_end_s) == (0.5, 3.5, 0.5, 3.5)
    assert (clip.bpm, clip.metre) == (96.0, (6, 8))


def test_a_loop_is_the_region(server, told):
    told["/live/clip/get/looping"] = [True]
    with server.connect() as connection:
        clip = adapter.read(connection.ask)
    assert (clip.start_s, clip.end_s) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("address", "values", "code", "said"),
    [
        ("/live/view/get/selected_clip", [], 107, "no session slot"),
        ("/live/clip/get/is_audio_clip", [False], 107, "no audio clip"),
        ("/live/clip/get/warping", [True], 107, "switch Warp off"),
        ("/live/clip/get/file_path", ["/nowhere/a.wav"], 200, "missing"),
        ("/live/clip/get/name", "!No clip in slot", 107, "AbletonOSC says: No clip in slot"),
    ],
)
def test_what_can_t_be_used_is_said(server, told, address, values, code, said):
    told[address] = values
    with server.connect() as connection, pytest.raises(PunchinError, match=said) as caught:
        adapter.read(connection.ask)
    assert caught.value.code == code


def test_silence_has_an_end(server, told):
    del told["/live/view/get/selected_clip"]
    with server.connect(0.05) as connection, pytest.raises(PunchinError, match="does not answer"):
        adapter.read(connection.ask)


def test_a_port_that_is_taken_is_named(server):
    with server.connect(), pytest.raises(PunchinError, match=str(server.answer_port)):
        server.connect()


def test_the_port_is_given_back(server):
    for _ in range(2):
        with server.connect() as connection:
            connection.ask("/live/song/get/tempo")


def test_the_daemon_is_told_and_starts_a_job(server, told, live_house, monkeypatch, capsys):
    monkeypatch.setenv("PUNCHIN_HOME", str(live_house.home))
    assert adapter.main(["repaint", "darker", "drums"], server.connect) == 0
    said = capsys.readouterr().out
    assert "Vocals · Verse: 0.500–3.500 s" in said
    job_id = next(line.split()[1] for line in said.splitlines() if "accepted" in line)
    request = json.loads((live_house.folder(job_id) / "job.json").read_text())["request"]
    assert (request["start"], request["end"], request["bpm"]) == (0.5, 3.5, 96.0)
    assert request["prompt"] == "darker drums"
    assert request["source"] == told["/live/clip/get/file_path"][0]


def test_a_refusal_and_a_wrong_word_have_exit_codes(server, live_house, monkeypatch, capsys):
    monkeypatch.setenv("PUNCHIN_HOME", str(live_house.home))
    assert adapter.main(["extend"], server.connect) == 1
    assert "extend needs" in capsys.readouterr().out
    assert adapter.main(["polka"], server.connect) == 2
    assert "repaint" in capsys.readouterr().err
