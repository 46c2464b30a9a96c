"""The model engine's own limits at the door, before anything of it is loaded."""

import pytest
from wire_house import wait_for

LONG = "la la la\n" * 500


@pytest.fixture
def known(tcp):
    def state():
        rows = {row["name"]: row["state"] for row in tcp.ask("status")["engines"]}
        return rows["acestep"] if rows["acestep"] != "unseen" else None

    assert wait_for(state, "nobody looked at the engines") == "available"


@pytest.mark.parametrize(
    ("op", "keys", "code"),
    [
        ("cover", ("language", "tlh"), 103),
        ("cover", ("lyrics", LONG), 103),
        ("layer", ("track", "other"), 301),
        ("stems", ("start", 0.0, "end", 5.0), 203),
    ],
)
def test_no_job_comes_of_what_it_refuses(house, tcp, new_id, song, known, op, keys, code):
    job_id = new_id("limit")
    assert tcp.refused(op, job_id, song, *keys, "engine", "acestep") == code
    assert not house.folder(job_id).exists()


def test_what_the_context_holds_counts_too(tcp, new_id, song, known):
    tcp.send("/punchin/lyrics", "la", "tlh")
    assert tcp.refused("cover", new_id(), song, "engine", "acestep") == 103
    mine = new_id()
    tcp.send("/punchin/cover", mine, song)  # the daemon's own engine sings it
    assert tcp.until("accepted", "failed", id=mine).name == "accepted"


def test_the_first_words_to_a_daemon_are_held_against_them_too(make_house, song):
    house = make_house("--model", "nowhere", engine="acestep")
    with house.tcp() as client:
        assert client.refused("cover", "first", song, "language", "tlh") == 103
