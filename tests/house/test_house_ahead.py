"""What the context tells is prepared while the worker is idle, and no job has to wait for it."""

from pathlib import Path

import pytest
from house_wire import bundle, packet, tell
from wire_house import wait_for

RATE = 8000
ENDED = ("done", "failed", "cancelled")


@pytest.fixture
def song(make_wav):
    return make_wav(seconds=8.0)


@pytest.fixture(autouse=True)
def _last_job(tcp, song, new_id):
    """Whatever ran before, the last job was a repaint."""
    tcp.done("repaint", new_id(), song, "start", 0.0, "end", 1.0)


@pytest.fixture
def notes(tmp_path):
    """What the engine wrote down: `notes(n)` waits until there are n lines."""
    path = tmp_path / "notes.txt"

    def look(count=0):
        def lines():
            found = path.read_text().splitlines() if path.exists() else []
            return found if len(found) >= count else None

        return wait_for(lines, f"fewer than {count} notes")

    look.path = path
    return look


def test_a_selection_is_prepared(tcp, song, notes):
    tell(tcp, ("tempo", 120.0, 4, 4), ("prompt", f"note {notes.path}"), ("region", song, 5.0, 6.0))
    # The engine hears four seconds before the region, so that it begins at 4 s of the clip.
    assert notes(2) == [f"prepare repaint {4 * RATE}-{5 * RATE}", "idle"]
    assert [job["state"] for job in tcp.ask("jobs") if job["state"] not in ENDED] == []


def test_only_where_the_user_pauses_is_prepared(tcp, song, notes):
    regions = [packet("/punchin/region", song, float(s), s + 1.0) for s in range(5)]
    prompt = packet("/punchin/prompt", f"note {notes.path}")
    tcp.put(bundle(prompt, *regions))
    assert notes(2) == [f"prepare repaint {4 * RATE}-{5 * RATE}", "idle"]


def test_a_job_does_not_wait_for_a_preparation(tcp, song, notes, new_id):
    tell(tcp, ("prompt", f"linger note {notes.path}"), ("region", song, 1.0, 2.0))
    notes(1)
    tcp.done("repaint", new_id())
    said = [line.rsplit(" ", 2)[0] for line in notes(4)]
    assert said[:4] == ["prepare", "gave way", "run", "idle"]


def test_another_selection_takes_its_place(tcp, song, notes):
    tell(tcp, ("prompt", f"linger note {notes.path}"), ("region", song, 1.0, 2.0))
    notes(1)
    tell(tcp, ("region", song, 2.0, 3.0))
    first, second = f"{RATE}-{2 * RATE}", f"{2 * RATE}-{3 * RATE}"
    assert notes(3)[:3] == [
        f"prepare repaint {first}",
        f"gave way repaint {first}",
        f"prepare repaint {second}",
    ]


def test_while_a_job_runs_a_selection_waits(tcp, song, blocked, notes):
    tell(tcp, ("prompt", f"note {notes.path}"), ("region", song, 1.0, 2.0))
    assert tcp.ask("job", blocked)["state"] == "running"
    assert notes() == []
    tcp.send("/punchin/cancel", blocked)
    assert notes(1)[0] == f"prepare repaint {RATE}-{2 * RATE}"


def test_the_last_jobs_op_is_what_is_prepared(tcp, song, notes, new_id):
    tcp.done("cover", new_id(), song)
    tell(tcp, ("prompt", f"note {notes.path}"), ("region", song, 1.0, 2.0))
    assert notes(1)[0] == f"prepare cover 0-{RATE}"


@pytest.mark.parametrize(
    "told",
    [
        ("region", "/nowhere/song.wav", 1.0, 2.0),
        ("region", "SONG", 6.0, 60.0),
        ("set", "engine", "nobody"),
    ],
)
def test_nobody_hears_of_what_can_not_be_prepared(tcp, song, told, notes, new_id):
    where = tuple(song if word == "SONG" else word for word in told)
    tell(tcp, ("prompt", f"note {notes.path}"), where)
    tell(tcp, ("set", "steps", 3))
    assert tcp.quiet() == []
    tell(tcp, ("set", "engine", ""), ("region", song, 1.0, 2.0))
    assert notes(1)[0] == f"prepare repaint {RATE}-{2 * RATE}"


def test_a_preparation_that_fails_harms_nobody(house, tcp, song, notes, new_id):
    tell(tcp, ("prompt", f"clumsy note {notes.path}"), ("region", song, 1.0, 2.0))
    notes(1)
    tcp.done("repaint", new_id())
    assert "preparation" in Path(house.home / "logs" / "worker-fake.log").read_text()
