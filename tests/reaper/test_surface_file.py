"""Punchin.ReaperOSC: what REAPER sends for it reaches a real daemon's context."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_surface import Surface, patterns
from wire_house import House

from bridge.protocol.commands import COMMANDS

FILE = Path(__file__).parents[2] / "presets" / "reaper" / "Punchin.ReaperOSC"
TEXT = FILE.read_text("utf-8")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A daemon of its own: what a script of another test still has in its mailbox stays there."""
    started = House(tmp_path_factory.mktemp("surface"))
    yield started
    started.stop()


@pytest.fixture
def client(house):
    with house.udp() as udp:
        yield udp
        udp.send("/punchin/reset")


def sent(client, surface):
    packets = surface.take()
    for packet in packets:
        client.put(packet)
    return len(packets)


def test_it_has_only_addresses_that_take_one_number():
    rows = {c.address: c for c in COMMANDS}
    addresses = [p[1:] for row in patterns(TEXT).values() for p in row]
    assert sorted(addresses) == [
        "/punchin/selection/end",
        "/punchin/selection/start",
        "/punchin/transport/bpm",
        "/punchin/transport/playing",
        "/punchin/transport/seconds",
    ]
    for address in addresses:
        assert [a.name for a in rows[address].args] == ["value"]


def test_a_file_that_reaper_refuses_is_refused():
    for line in ("PLAY x/play", "PLAY tplay", "LOUDNESS f/loud"):
        with pytest.raises(ValueError, match="line 1"):
            patterns(line)


def test_what_reaper_sends_is_the_daemon_s_context(client):
    surface = Surface(TEXT)
    surface.start(bpm=97.5)
    surface.tick(0.0, (0.0, 0.0))
    assert sent(client, surface) == 1, "the state at the start goes out in one bundle"
    surface.tick(4.25, (8.0, 12.5))
    sent(client, surface)
    surface.play(True)
    assert sent(client, surface) == 1
    told = client.ask("context")
    assert told["transport"] == {"playing": 1, "seconds": 4.25, "bpm": 97.5}
    assert told["selection"] == {"start": 8.0, "end": 12.5}
    surface.tempo(120.0)
    surface.play(False)
    sent(client, surface)
    assert client.ask("context")["transport"] == {"playing": 0, "seconds": 4.25, "bpm": 120.0}
    assert not [m for m in client.seen if m.name == "error"]


def test_what_does_not_change_is_not_sent_again(client):
    surface = Surface(TEXT)
    surface.start(bpm=120.0)
    surface.tick(2.0, (4.0, 6.0))
    assert sent(client, surface) == 1
    for _ in range(30):
        surface.tick(2.0, (4.0, 6.0))
        surface.play(False)
    assert surface.take() == []
    for i in range(30):
        surface.tick(2.0 + i / 15, (4.0, 6.0))
    packets = surface.take()
    assert max(map(len, packets)) <= 1024
    sent_now = b"".join(packets)
    assert sent_now.count(b"/punchin/") == sent_now.count(b"/punchin/transport/seconds") == 29


def test_with_a_place_the_loop_range_is_the_region(client, tmp_path):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, np.zeros((44100 * 20, 2)), 44100)
    client.send("/punchin/region", str(clip), 0.0, 1.0)
    client.send("/punchin/place", 10.0, 0.0, tags="dd")
    surface = Surface(TEXT)
    surface.start(bpm=120.0)
    surface.tick(0.0, (12.0, 16.0))
    sent(client, surface)
    told = client.ask("context")
    assert (told["source"], told["start"], told["end"]) == (str(clip), 2.0, 6.0)
