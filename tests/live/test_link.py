"""Ableton Link leads: a whole daemon follows a session, in a network of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rig

# Link sends multicast on every interface: nobody outside may hear it.
ALONE = "ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && "


def network(*command):
    words = ["unshare", "-rn", "sh", "-c", ALONE + 'exec "$@"', "sh", *command]
    return subprocess.run(words, capture_output=True, text=True)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    rig.need("link")
    if not shutil.which("unshare") or network("true").returncode:
        rig.skip("a network of its own: unshare -rn, and the package iproute2")
    room = Path(__file__).with_name("link_room.py")
    done = network(sys.executable, str(room), str(tmp_path_factory.mktemp("link")))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_alone_nothing_is_known_of_the_song(told):
    song, _ = told["alone"]
    assert (song["source"], song["playing"]) == ("", False)


@pytest.mark.parametrize(("step", "bpm"), [("joined", 133.0), ("slower", 97.5)])
def test_tempo_and_bars_are_the_session_s(told, step, bpm):
    song, (between_ms, late_ms) = told[step]
    assert (song["source"], song["playing"], song["bar_beats"]) == ("link", True, 3)
    assert song["bpm"] == pytest.approx(bpm, abs=0.01)
    # The daemon was asked after the session had been: so much may its song have moved on.
    assert -3 <= between_ms <= late_ms + 3
    print(f"{step}: {between_ms:+.2f} ms beside the session, asked within {late_ms:.2f} ms")


def test_start_and_stop_are_the_session_s(told):
    assert [told[step][0]["playing"] for step in ("stopped", "started")] == [False, True]


def test_a_session_keeps_its_tempo_whoever_was_there_first(told):
    """Punchin ran before either of them."""
    assert told["other"][0]["bpm"] == pytest.approx(171.0, abs=0.01)
    assert told["its own"][0]["bpm"] == pytest.approx(171.0, abs=0.01)


def test_the_song_runs_on_when_the_others_leave(told):
    assert told["left"][0]["playing"]
