"""The mailbox's client side, on real files."""

from __future__ import annotations

import json

import pytest

from bridge import mailbox


def leave(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def test_one_message_is_an_object_and_more_are_a_bundle(tmp_path):
    name = mailbox.post([("/punchin/repaint", ["a1", "/s ü.wav"])], tmp_path)
    mailbox.post([("/punchin/tempo", [96]), ("/punchin/reset", [])], tmp_path, "two")
    one = json.loads((tmp_path / "inbox" / f"{name}.json").read_text("utf-8"))
    two = json.loads((tmp_path / "inbox" / "two.json").read_text("utf-8"))
    assert one == {"address": "/punchin/repaint", "args": ["a1", "/s ü.wav"]}
    assert [m["address"] for m in two] == ["/punchin/tempo", "/punchin/reset"]


def test_a_message_is_only_ever_seen_whole_under_its_name(tmp_path, monkeypatch):
    seen = []
    real = mailbox.os.replace

    def watch(draft, final):
        seen.append(
            (sorted(p.suffix for p in final.parent.iterdir()), json.loads(draft.read_text()))
        )
        real(draft, final)

    monkeypatch.setattr(mailbox.os, "replace", watch)
    mailbox.post([("/punchin/reset", [])], tmp_path)
    assert seen == [([".draft"], {"address": "/punchin/reset", "args": []})]
    assert [p.suffix for p in (tmp_path / "inbox").iterdir()] == [".json"]


def test_names_never_repeat(tmp_path):
    names = {mailbox.post([("/punchin/reset", [])], tmp_path) for _ in range(50)}
    assert len(names) == 50


def test_the_answer_is_waited_for(tmp_path):
    path = tmp_path / "outbox" / "q.json"
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 2:
            path.parent.mkdir(parents=True)
            path.write_text('[{"address": "/pun')
        if len(naps) == 3:
            leave(path, [{"address": "/punchin/accepted", "args": ["a1", "bgm", 0, ""]}])

    found = mailbox.answer("q", tmp_path, sleep=sleep)
    assert found == [("/punchin/accepted", ["a1", "bgm", 0, ""])]
    assert len(naps) == 3


def test_no_answer_is_a_timeout_with_the_next_step(tmp_path):
    with pytest.raises(TimeoutError, match="punchin serve"):
        mailbox.answer("q", tmp_path, timeout_s=0)


def test_a_job_is_followed_to_its_end(tmp_path):
    path = tmp_path / "jobs" / "a1" / "job.json"
    records = [{"id": "a1", "state": s} for s in ("queued", "running", "running", "done")]

    def sleep(_):
        leave(path, records.pop(0))

    seen = []
    ended = mailbox.wait_job(
        "a1", tmp_path, on_change=lambda r: seen.append(r["state"]), sleep=sleep
    )
    assert ended["state"] == "done"
    assert seen == ["queued", "running", "done"]
    with pytest.raises(TimeoutError, match="wait again"):
        mailbox.wait_job("a2", tmp_path, timeout_s=0)
