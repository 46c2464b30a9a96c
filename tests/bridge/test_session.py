"""The client's protocol core, without sockets."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from fake_daemon import events
from hypothesis import given, settings
from hypothesis import strategies as st
from session_tools import Clock, hear, job, sent

from bridge.client.session import Session
from bridge.client.values import Cancelled
from bridge.protocol.errors import PunchinError
from bridge.protocol.framing import Framer, sized
from bridge.protocol.packets import decode, encode

VERSION = encode("/punchin/version.reply", [1, "0.1"])


@given(cuts=st.lists(st.integers(0, 700), max_size=12))
@settings(deadline=None, max_examples=60)
def test_any_cutting_of_the_stream_gives_the_same_outcome(cuts):
    stream = b"".join(sized(encode(*m)) for m in events("a1", Path("/r/mix.wav")))
    session = Session(stream=True)
    flight = job(session)
    heard = []
    edges = sorted({0, len(stream), *(min(c, len(stream)) for c in cuts)})
    for a, b in itertools.pairwise(edges):
        heard += session.receive(stream[a:b])
    assert [h.event.name for h in heard] == [
        "accepted", "started", "progress", "progress", "file", "done",
    ]  # fmt: skip
    result = flight.outcome()
    assert result.result == {"seed": 7}
    assert [(f.role, f.take, f.path, f.seconds) for f in result.files] == [
        ("mix", 1, Path("/r/mix.wav"), 4.0)
    ]


def test_a_job_goes_through_its_states():
    session = Session(stream=True)
    flight = job(session)
    assert sent(session) == [("/punchin/repaint", ["a1", "/s.wav", "start", 1.0])]
    assert flight.state == "asked"
    hear(session, "/punchin/accepted", "a1", "repaint", 3, "mine")
    assert (flight.state, flight.position, flight.tag) == ("queued", 3, "mine")
    hear(session, "/punchin/started", "a1", "sketch")
    assert (flight.state, flight.engine) == ("running", "sketch")
    hear(session, "/punchin/progress", "a1", 0.5, "render", 2.0)
    hear(session, "/punchin/started", "a1", "sketch")
    hear(session, "/punchin/progress", "a1", 0.2, "render", 4.0)
    assert flight.progress.fraction == 0.5
    hear(session, "/punchin/cancelled", "a1")
    assert session.flights == []
    with pytest.raises(Cancelled):
        flight.outcome()


def test_ids_are_compared_without_case_and_other_jobs_left_alone():
    session = Session(stream=True)
    mine, other = job(session, "Mine"), job(session, "other")
    hear(session, "/punchin/failed", "mINE", 203, "region-outside", "too late: move it")
    assert other.state == "asked"
    with pytest.raises(PunchinError, match="move it") as e:
        mine.outcome()
    assert e.value.code == 203


def test_an_unknown_error_number_becomes_500_and_keeps_its_text():
    session = Session(stream=True)
    flight = job(session)
    hear(session, "/punchin/failed", "a1", 777, "new-thing", "do this")
    with pytest.raises(PunchinError, match=r"new-thing \(777\): do this") as e:
        flight.outcome()
    assert e.value.code == 500


def test_an_error_by_address_refuses_the_job_that_waits_for_an_answer():
    session = Session(stream=True)
    first = job(session, "a1")
    hear(session, "/punchin/accepted", "a1", "repaint", 0, "")
    second = job(session, "a2")
    hear(session, "/punchin/error", 105, "id-conflict", "/punchin/repaint", "choose another id")
    assert first.state == "queued"
    with pytest.raises(PunchinError, match="another id"):
        second.outcome()


def test_a_told_message_ends_with_the_version_that_follows_it():
    session = Session(stream=True)
    good = session.tell("/punchin/tempo", [96.0])
    bad = session.tell("/punchin/tempo", [9999.0])
    assert [a for a, _ in sent(session)] == ["/punchin/tempo", "/punchin/version"] * 2
    session.receive(sized(VERSION))
    assert good.done
    assert not bad.done
    hear(session, "/punchin/error", 103, "out-of-range", "/punchin/tempo", "choose 20 … 400")
    assert not bad.done
    session.receive(sized(VERSION))
    assert good.outcome() == [1, "0.1"]
    with pytest.raises(PunchinError, match="choose 20"):
        bad.outcome()


def test_an_error_that_nobody_waits_for_is_an_event():
    session = Session(stream=True)
    (heard,) = hear(session, "/punchin/error", 101, "bad-arguments", "/punchin/gain", "send it")
    assert heard.event.name == "error"


def test_replies_are_matched_by_id():
    session = Session(stream=True)
    one = session.ask("/punchin/job", ["one"], "/punchin/job.reply", "one")
    two = session.ask("/punchin/job", ["two"], "/punchin/job.reply", "two")
    hear(session, "/punchin/job.reply", json.dumps({"id": "two", "state": "done"}))
    assert (one.done, two.done) == (False, True)
    assert two.record()["state"] == "done"


def test_a_cancel_is_answered_by_whatever_ended_the_job():
    session = Session(stream=True)
    query = session.cancel("a9")
    hear(session, "/punchin/done", "other", "{}")
    assert not query.done
    hear(session, "/punchin/done", "a9", "{}")
    assert query.done


def test_a_bundle_carries_messages_and_jobs_together():
    session = Session(stream=True)
    flights, fence = session.bundle(
        [("/punchin/tempo", [96.0]), ("/punchin/bgm", ["b1", "/v.wav"])]
    )
    (packet, version) = Framer().feed(b"".join(session.outgoing()))
    (group,) = decode(packet)
    assert [a for a, _ in group.messages] == ["/punchin/tempo", "/punchin/bgm"]
    assert decode(version)[0].messages[0][0] == "/punchin/version"
    hear(session, "/punchin/accepted", "b1", "bgm", 0, "")
    session.receive(sized(VERSION))
    assert fence.outcome()
    assert [f.state for f in flights] == ["queued"]


def test_after_a_loss_all_that_is_under_way_is_asked_again_jobs_first():
    session = Session(stream=True)
    session.subscribed = True
    query = session.ask("/punchin/status", [], "/punchin/status.reply")
    flight = job(session)
    ended = job(session, "a2")
    session.receive(sized(encode("/punchin/cancelled", ["a2"])) + b"\0\0")
    sent(session)
    session.lost()
    session.reconnected()
    assert [(a, args[:1]) for a, args in sent(session)] == [
        ("/punchin/notify", [1]),
        ("/punchin/repaint", ["a1"]),
        ("/punchin/status", []),
    ]
    for message in events("a1", Path("/r/mix.wav")):
        hear(session, *(message[0], *message[1]))
    assert flight.outcome().id == "a1"
    assert ended.ended
    assert not query.done


def test_losing_the_connection_answers_quit():
    session = Session(stream=True)
    query = session.ask("/punchin/quit", [], "/punchin/done", "quit")
    session.lost()
    assert query.done


def test_a_message_over_a_megabyte_is_refused_before_it_is_sent():
    session = Session(stream=True)
    with pytest.raises(PunchinError, match="lyrics_file") as e:
        session.tell("/punchin/lyrics", ["x" * (1 << 20)])
    assert e.value.code == 106
    assert session.outgoing() == []


def test_what_no_datagram_can_carry_is_refused_before_it_is_sent():
    session = Session(stream=False, clock=Clock())
    with pytest.raises(PunchinError, match="over TCP"):
        session.tell("/punchin/lyrics", ["x" * 65_500])
    session.tell("/punchin/lyrics", ["x" * 60_000])
    assert len(session.outgoing()) == 2
