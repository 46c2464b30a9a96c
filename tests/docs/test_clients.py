"""Every sequence of docs/clients.md is played to a running daemon; so are its Pd patch and Lua."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from patience import PATIENCE_S

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "house")]

from osc_page import PAGE, Player, Sequence, listening, message, sequences  # noqa: E402
from wire_house import House, wait_for  # noqa: E402

TEXT = PAGE.read_text("utf-8")
PROGRAMS = ("Max", "Pure Data", "TouchOSC", "SuperCollider", "Bitwig Studio", "Ardour")


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("clients"))
    yield house
    house.stop()


@pytest.fixture
def daemon(shared_daemon):
    """The daemon as each program finds it: no job is open, the context is empty."""
    shared_daemon.settle()
    return shared_daemon


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("music") / "song.wav"
    rng = np.random.Generator(np.random.PCG64(1))
    soundfile.write(path, rng.uniform(-0.1, 0.1, (44100 * 10, 2)), 44100)
    return path


def test_every_program_has_a_sequence_and_both_framings_occur():
    found = sequences()
    assert {s.heading for s in found} >= set(PROGRAMS)
    assert {s.way for s in found} == {"udp", "tcp slip", "tcp size"}
    assert len(found) == TEXT.count("```osc")


@pytest.mark.parametrize("number", range(len(sequences())))
def test_a_sequence(daemon, song, number):
    Player(sequences()[number], daemon.port, {"/music/song.wav": str(song)}).play()


def test_a_sequence_that_does_not_come_true_fails(daemon, song, monkeypatch):
    wrong = Sequence("", "udp", ("> /punchin/version", "< /punchin/version.reply s s"))
    with monkeypatch.context() as impatient:
        impatient.setattr("osc_page.PATIENCE_S", 0.3)
        with pytest.raises(AssertionError, match="no /punchin/version"):
            Player(wrong, daemon.port, {}).play()
    refused = Sequence("", "udp", ("> /punchin/tempo s:fast", "< /punchin/version.reply i s"))
    with pytest.raises(AssertionError, match="101"):
        Player(refused, daemon.port, {}).play()


def code(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return found


def finished(daemon, job_id):
    def look():
        path = daemon.folder(job_id) / "job.json"
        return (
            daemon.job(job_id) if path.exists() and daemon.job(job_id)["state"] == "done" else None
        )

    return wait_for(look, f"{job_id} is not done")


@pytest.mark.skipif(not shutil.which("pd"), reason="Pure Data is not installed")
def test_the_patch_runs_in_pure_data(daemon, song, tmp_path):
    patch = tmp_path / "punchin.pd"
    patch.write_text(
        code("pd").replace("9140", str(daemon.port)).replace("/music/song.wav", str(song))
    )
    command = ["pd", "-nogui", "-noaudio", "-nomidi", "-stderr", "-open", str(patch)]
    env = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=env, text=True) as pd:
        try:
            heard = []
            for line in pd.stderr:
                heard.append(line)
                if "punchin done pd-1" in line:
                    break
            finished(daemon, "pd-1")
        finally:
            pd.kill()
    assert any("punchin accepted pd-1 repaint" in line for line in heard), heard
    assert any("punchin file pd-1 mix 1" in line for line in heard), heard


@pytest.mark.skipif(not shutil.which("sclang"), reason="SuperCollider is not installed")
def test_the_code_runs_in_supercollider(daemon, song, tmp_path):
    script = tmp_path / "punchin.scd"
    told = code("supercollider").replace("9140", str(daemon.port))
    script.write_text(told.replace("/music/song.wav", str(song)))
    env = {**os.environ, "HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    env["QTWEBENGINE_DISABLE_SANDBOX"] = "1"
    command = ["sclang", "-D", str(script)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=env, text=True, cwd=tmp_path, **pipes) as sclang:
        try:
            assert any("done: sc-1" in line for line in sclang.stdout)
        finally:
            sclang.kill()
    request = finished(daemon, "sc-1")["request"]
    assert (request["start"], request["bpm"], request["takes"]) == (4.0, 110.0, 2)


@pytest.mark.skipif(not shutil.which("ardour7-lua"), reason="Ardour 7 is not installed")
def test_the_lua_runs_in_ardour(daemon, song, tmp_path):
    script = tmp_path / "punchin.lua"
    told = code("lua").replace("9140", str(daemon.port)).replace("/music/song.wav", str(song))
    script.write_text('AudioEngine:set_backend("None (Dummy)", "", "")\n' + told)
    env = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run(
        ["ardour7-lua", str(script)], env=env, timeout=PATIENCE_S, check=True, capture_output=True
    )
    request = finished(daemon, "ardour-1")["request"]
    assert (request["start"], request["end"], request["prompt"]) == (4.0, 8.0, "darker drums")


@pytest.mark.skipif(not shutil.which("oscsend"), reason="liblo-tools are not installed")
def test_the_bytes_are_those_of_liblo():
    with listening().sock as sock:
        sock.settimeout(PATIENCE_S)
        words = ["/punchin/repaint", "sifd", "a b", "7", "0.5", "4.25"]
        subprocess.run(["oscsend", "127.0.0.1", str(sock.getsockname()[1]), *words], check=True)
        data = sock.recv(4096)
    args = [("s", "a b"), ("i", "7"), ("f", "0.5"), ("d", "4.25")]
    assert data == message("/punchin/repaint", args)
