"""The client's protocol core over UDP, where anything may be lost."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from session_tools import Clock, hear, job, sent

from bridge.client.session import SILENCE_S, Session
from bridge.protocol.packets import encode, parts


def test_a_silent_job_is_asked_for_and_read_from_the_reply():
    clock = Clock()
    session = Session(stream=False, clock=clock)
    flight = job(session)
    hear(session, "/punchin/accepted", "a1", "repaint", 0, "")
    sent(session)
    clock.now += SILENCE_S - 0.1
    session.tick()
    assert sent(session) == []
    clock.now += 0.2
    session.tick()
    assert sent(session) == [("/punchin/job", ["a1"])]
    record = {
        "id": "a1", "state": "done", "fraction": 1.0, "stage": "", "result": {"bpm": 96},
        "files": [{"role": "mix", "take": 1, "path": "/r/m.wav", "seconds": 2.0}],
    }  # fmt: skip
    for piece in parts("/punchin/job.reply", json.dumps(record), 20):
        hear(session, *(piece[0], *piece[1]))
    assert flight.outcome().path("mix") == Path("/r/m.wav")
    assert flight.outcome().result == {"bpm": 96}


def test_a_request_that_was_lost_is_sent_again():
    clock = Clock()
    session = Session(stream=False, clock=clock)
    job(session)
    sent(session)
    clock.now += SILENCE_S
    session.tick()
    assert sent(session) == [("/punchin/job", ["a1"])]
    hear(session, "/punchin/error", 108, "unknown-job", "/punchin/job", "no such job")
    assert sent(session) == [("/punchin/repaint", ["a1", "/s.wav", "start", 1.0])]


def test_done_over_udp_waits_for_the_files_that_may_have_been_lost():
    session = Session(stream=False, clock=Clock())
    flight = job(session)
    sent(session)
    hear(session, "/punchin/done", "a1", '{"seed": 7}')
    assert not flight.ended
    assert sent(session) == [("/punchin/job", ["a1"])]
    files = [{"role": "mix", "take": 1, "path": "/r/m.wav", "seconds": 2.0}]
    record = {"id": "a1", "state": "done", "result": {"seed": 7}, "files": files}
    hear(session, "/punchin/job.reply", json.dumps(record))
    assert len(flight.outcome().files) == 1


def test_done_over_udp_of_a_forgotten_job_still_ends_it():
    session = Session(stream=False, clock=Clock())
    flight = job(session)
    hear(session, "/punchin/done", "a1", '{"seed": 7}')
    hear(session, "/punchin/error", 108, "unknown-job", "/punchin/job", "no such job")
    assert flight.outcome().result == {"seed": 7}


def test_a_long_done_is_read_from_the_job_file(tmp_path):
    record = {"id": "a1", "state": "done", "result": {"notes": ["long"]}, "files": []}
    path = tmp_path / "job.json"
    path.write_text(json.dumps(record))
    session = Session(stream=False, clock=Clock())
    flight = job(session)
    hear(session, "/punchin/done", "a1", json.dumps({"job_file": str(path)}))
    assert flight.outcome().result == {"notes": ["long"]}


def test_a_question_without_answer_is_asked_again_and_the_lease_is_kept():
    clock = Clock()
    session = Session(stream=False, clock=clock)
    session.subscribed = True
    session.ask("/punchin/status", [], "/punchin/status.reply")
    sent(session)
    clock.now += 1.0
    session.tick()
    assert sent(session) == [("/punchin/status", [])]
    hear(session, "/punchin/status.reply", "{}")
    clock.now += 60.0
    session.tick()
    assert sent(session) == [("/punchin/notify", [1])]


@given(text=st.text(max_size=300), order=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_pieces_join_in_any_order_and_doubled(text, order):
    value = json.dumps({"text": text}, ensure_ascii=False)
    pieces = list(parts("/punchin/status.reply", value, 16))
    order.shuffle(pieces)
    session = Session(stream=False, clock=Clock())
    query = session.ask("/punchin/status", [], "/punchin/status.reply")
    for piece in pieces[:-1] + pieces[:-1] + pieces[-1:]:
        session.receive(encode(*piece))
    assert query.record() == {"text": text}
