"""Sentences of the contract that are easily overlooked."""

import pytest
from wire_house import wait_for


@pytest.fixture
def song(make_wav):
    return make_wav("song.wav", seconds=2.0)


def test_an_empty_string_clears_the_transport_and_its_values(tcp):
    tcp.send("/punchin/transport", 1, 16.0, 120.0, 0.0)
    assert tcp.ask("context")["transport"]["beat"] == 16.0
    tcp.send("/punchin/transport/bpm", "")
    assert "bpm" not in tcp.ask("context")["transport"]
    tcp.send("/punchin/transport", "")
    assert tcp.ask("context")["transport"] == {}


def test_the_position_in_job_json_follows_the_queue(house, tcp, song, new_id):
    running, first, second = new_id(), new_id(), new_id()
    tcp.send("/punchin/bgm", running, song, "prompt", "wait 600")
    tcp.until("started", id=running)
    for waiting in (first, second):
        tcp.send("/punchin/bgm", waiting, song, "prompt", "wait 600")
        tcp.until("accepted", id=waiting)
    assert house.job(second)["position"] == 2
    tcp.send("/punchin/cancel", first)
    wait_for(lambda: house.job(second)["position"] == 1 or None, "the old position")
    for open_ in (second, running):
        tcp.send("/punchin/cancel", open_)
        tcp.until("cancelled", id=open_)


def test_without_a_region_the_clip_is_the_whole_source(tcp, song, new_id, make_wav):
    whole = tcp.done("bgm", new_id(), song)
    bounded = tcp.done("bgm", new_id(), song, "clip_start", 0.25, "clip_end", 1.0)
    assert bounded["region_end_frame"] == whole["region_end_frame"]
    extended = tcp.done("extend", new_id(), song, "seconds", 0.5, "clip_start", 0.25)
    assert extended["region_start_frame"] == whole["region_end_frame"]


def test_bounds_of_what_may_be_heard_are_no_region(tcp, song, new_id):
    keys = ("start", 0.5, "end", 1.0, "clip_start", -3.0, "clip_end", 1e5)
    assert tcp.done("repaint", new_id(), song, *keys)["region_end_frame"]
