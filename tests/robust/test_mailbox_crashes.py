"""The mailbox on a real daemon: crashes, torn files and traps in the inbox."""

import json
import os
import time

import pytest
from patience import PATIENCE_S
from real_house import Ear


def _post(house, name, message):
    folder = house.home / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.writing"
    part.write_text(message if isinstance(message, str) else json.dumps(message))
    part.replace(folder / f"{name}.json")


def _answer(house, ear, name):
    """Wait for an answer; the client's socket is only a clock."""
    path = house.home / "outbox" / f"{name}.json"
    end_s = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < end_s, f"no answer to {name}"
        ear.next(0.02)
    return json.loads(path.read_text())


def _generate(job_id, prompt=""):
    args = [job_id, "seconds", 0.1, "prompt", prompt] if prompt else [job_id, "seconds", 0.1]
    return {"address": "/punchin/generate", "args": args}


@pytest.fixture
def own_house(open_house):
    return open_house()


def test_a_message_posted_before_a_crash_runs_once(own_house):
    """Also with an id that the daemon chooses: taken again, it gets the same one."""
    with Ear(own_house, notify=True) as ear:
        _post(own_house, "take", [_generate("*", "wait 0.4"), _generate("named", "wait 0.2")])
        ear.until("/punchin/accepted")
        own_house.kill()
    own_house.start()
    with Ear(own_house, notify=True) as ear:
        _answer(own_house, ear, "take")
        ear.send("/punchin/generate", "last", "seconds", 0.1, "priority", 0)
        ear.ended("last")
    jobs = own_house.job_ids()
    assert len(jobs) == 3
    assert {"named", "last"} < set(jobs)
    assert all(own_house.job(job_id)["state"] == "done" for job_id in jobs)
    assert not list((own_house.home / "inbox").iterdir())


def test_messages_posted_while_nobody_is_at_home_wait(own_house):
    own_house.kill()
    for n in range(5):
        _post(own_house, f"m{n}", _generate(f"late{n}"))
    own_house.start()
    with Ear(own_house) as ear:
        answers = [_answer(own_house, ear, f"m{n}") for n in range(5)]
    assert [a[0]["address"] for a in answers] == ["/punchin/accepted"] * 5


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"address": "/punchin/generate", "args": ["x"', "[[[[" * 10_000, "null", "7",
     '{"address": 7}', '{"address": "/punchin/generate", "args": {}}', '[{"args": []}]',
     '{"address": "/punchin/generate", "args": [null]}', "\x00\x00", '"\\ud800"',
     '{"address": "/punchin/generate", "args": ["x", "seconds", 1e999]}'],
    ids=range(13),
)  # fmt: skip
def test_a_torn_file_is_answered_and_makes_no_job(house, request, text):
    name = f"torn{request.node.callspec.id}"
    before = house.job_ids()
    with Ear(house) as ear:
        _post(house, name, text)
        (answer,) = _answer(house, ear, name)
        assert answer["address"] in ("/punchin/error", "/punchin/failed")
        assert house.job_ids() == before
        _post(house, f"{name}-sound", _generate(name))
        assert _answer(house, ear, f"{name}-sound")[0]["address"] == "/punchin/accepted"


@pytest.mark.skipif(os.name != "posix", reason="FIFOs and /dev are POSIX")
def test_traps_in_the_inbox_hold_nobody_up(own_house):
    inbox = own_house.home / "inbox"
    os.mkfifo(inbox / "pipe.json")
    (inbox / "zero.json").symlink_to("/dev/zero")
    (inbox / "folder.json").mkdir()
    (inbox / "loop.json").symlink_to(inbox / "loop.json")
    with Ear(own_house) as ear:
        _post(own_house, "sound", _generate("sound"))
        assert _answer(own_house, ear, "sound")[0]["address"] == "/punchin/accepted"
        assert ear.run("generate", "after", "seconds", 0.1)[0] == "done"


def test_a_job_is_forgotten_whole_or_not_at_all(own_house):
    with Ear(own_house) as ear:
        assert ear.run("generate", "gone", "seconds", 0.1)[0] == "done"
        ear.send("/punchin/forget", "gone")
        ear.until("/punchin/forgotten", about="gone")
        assert own_house.job_ids() == []
        own_house.kill()
    # As a crash in the middle of forgetting leaves it.
    (own_house.home / "jobs" / ".half.forgotten").mkdir()
    (own_house.home / "jobs" / ".half.forgotten" / "mix-1.wav").write_bytes(b"music")
    own_house.start()
    assert own_house.job_ids() == []
    with Ear(own_house) as ear:
        assert ear.run("generate", "gone", "seconds", 0.1)[0] == "done"
