"""Sections 6 to 8 of the wire contract: the server's commands, and every error it can tell."""

import os

import pytest
from house_wire import assert_told_well
from wire_house import wait_for

from bridge.protocol.commands import COMMANDS, EVENTS
from bridge.protocol.errors import NAMES
from bridge.protocol.ops import KEYS

SECTION_8 = {
    100: "unknown-command",
    101: "bad-arguments",
    102: "unknown-key",
    103: "out-of-range",
    104: "bad-id",
    105: "id-conflict",
    106: "too-large",
    107: "nothing-selected",
    108: "unknown-job",
    109: "queue-full",
    200: "source-not-found",
    201: "source-unreadable",
    202: "source-changed",
    203: "region-outside",
    204: "path-forbidden",
    300: "engine-unavailable",
    301: "not-supported-by-engine",
    302: "model-missing",
    303: "model-invalid",
    304: "out-of-memory",
    305: "worker-died",
    306: "stalled",
    307: "bad-output",
    400: "disk-full",
    401: "write-failed",
    402: "audio-device",
    403: "midi-port",
    500: "internal",
}


def test_status_tells_how_the_house_is(house, tcp, song, new_id):
    idle = tcp.ask("status")
    assert {"state", "engine", "device", "queued", "running", "memory", "disk"} <= idle.keys()
    assert {"audio", "midi"} <= idle.keys()
    assert (idle["engine"], idle["queued"], idle["running"]) == ("fake", 0, None)
    assert any(key.startswith("uptime") for key in idle)
    assert {"used", "free"} <= {key.removesuffix("_bytes") for key in idle["disk"]}
    runs, waits = new_id(), new_id()
    tcp.send("/punchin/bgm", runs, song, "prompt", "wait 600")
    tcp.send("/punchin/bgm", waits, song)
    tcp.until("started", id=runs)
    tcp.until("accepted", id=waits)
    while tcp.until("progress", id=runs).args[2] != "waiting":
        pass
    busy = tcp.ask("status")
    assert (busy["queued"], busy["running"], busy["device"]) == (1, runs, "cpu")
    assert busy["state"] != idle["state"]


def test_describe_is_the_whole_table(tcp):
    table = tcp.ask("describe")
    assert {row["address"] for row in table["commands"]} == {c.address for c in COMMANDS}
    assert {row["address"] for row in table["events"]} == {e.address for e in EVENTS}
    assert {row["key"] for row in table["keys"]} == {k.name for k in KEYS}
    assert {row["code"]: row["name"] for row in table["errors"]}.items() >= SECTION_8.items()


def test_every_address_of_the_contract_exists(tcp):
    known = {row["address"].removeprefix("/punchin/") for row in tcp.ask("describe")["commands"]}
    contract = """region region_frames place tempo downbeat tempomap lyrics prompt key set transport
    transport/playing transport/seconds transport/bpm selection/start selection/end reset context
    generate repaint extend bgm cover retake edit layer stems analyze do cancel jobs job accept
    forget notify version status sync describe engine presets dump quit play stop loop gain launch
    solo swap player"""
    assert set(contract.split()) <= known


def test_presets_lists_tasks_and_styles(tcp):
    shelves = tcp.ask("presets")
    assert {"rhythm-section", "next-8"} <= {p["name"] for p in shelves["tasks"]}
    assert {"rock", "pop"} <= {p["name"] for p in shelves["styles"]}


def test_dump_logs_what_comes_and_goes(house, tcp):
    tcp.send("/punchin/dump", 1)
    tcp.send("/punchin/sync", 314159)
    tcp.until("synced")
    tcp.send("/punchin/dump", 0)
    tcp.send("/punchin/sync", 271828)
    tcp.until("synced")
    log = house.log()
    assert "/punchin/sync" in log
    assert "/punchin/synced" in log
    assert log.count("314159") == 2
    assert "271828" not in log


UNPLAYABLE = [
    (("play", "x"), 108),
    (("play", "x", 1, "mix"), 108),
    (("swap", "x", 2), 108),
    (("solo", "bass"), 101),
]


@pytest.mark.parametrize(
    ("message", "code"), UNPLAYABLE, ids=lambda m: m[0] if type(m) is tuple else ""
)
def test_what_can_t_be_played_is_told_and_not_silent(tcp, message, code):
    assert tcp.error(f"/punchin/{message[0]}", *message[1:])[0] == code


# -- errors ----------------------------------------------------------------------------------------


def test_numbers_and_names_are_the_contracts():
    assert SECTION_8.items() <= NAMES.items()


def test_sources_that_cannot_be_read(tcp, song, new_id, tmp_path):
    (tmp_path / "text.wav").write_text("I am no audio at all, not even a little. " * 20)
    (tmp_path / "empty.wav").write_bytes(b"")
    whole = open(song, "rb").read()  # noqa: SIM115, PTH123
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "bare.wav").write_bytes(whole[:44])
    for name in ("text.wav", "empty.wav", "cut.wav", "bare.wav", ""):
        assert tcp.refused("bgm", new_id(), f"{tmp_path}/{name}") == 201, name
    assert tcp.refused("bgm", new_id(), f"{tmp_path}/none.wav") == 200
    assert tcp.refused("bgm", new_id(), f"{song}/none.wav") == 200


def test_samples_that_are_not_finite(house, tcp, new_id, tmp_path):
    import numpy as np
    import soundfile

    for name, value in (("nan.wav", np.nan), ("inf.wav", np.inf)):
        samples = np.zeros((8000, 1), np.float32)
        samples[4000] = value
        soundfile.write(tmp_path / name, samples, 8000, "FLOAT")
        tcp.send("/punchin/bgm", job_id := new_id(), str(tmp_path / name))
        failed = tcp.until("failed", "done", id=job_id)
        assert failed.args[1] == 201
        assert_told_well(failed)


def test_forbidden_paths(tcp, new_id, tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path in ("/dev/zero", "/dev/null", str(tmp_path / "pipe.wav")):
        assert tcp.refused("bgm", new_id(), path) == 204, path
    for url in ("http://host/a.wav", "https://host/a.wav", "smb://host/a", "file:///tmp/a.wav"):
        assert tcp.refused("bgm", new_id(), url) == 204, url


def test_roots_forbid_what_lies_outside_also_through_links(make_house, make_wav, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    good = make_wav("inside/a.wav")
    bad = make_wav("outside/b.wav")
    (inside / "link.wav").symlink_to(bad)
    house = make_house(PUNCHIN_SERVER_ROOTS=str(inside), PUNCHIN_JOBS_QUEUE="2")
    with house.tcp() as tcp:
        assert tcp.refused("bgm", "a", bad) == 204
        assert tcp.refused("bgm", "a", str(inside / "link.wav")) == 204
        assert tcp.refused("bgm", "a", f"{inside}/../outside/b.wav") == 204
        tcp.send("/punchin/bgm", "runs", good, "prompt", "wait 600")
        tcp.until("started", id="runs")
        for i in range(2):
            tcp.send("/punchin/bgm", f"waits-{i}", good)
            tcp.until("accepted", id=f"waits-{i}")
        assert tcp.refused("bgm", "one too many", good) == 104
        assert tcp.refused("bgm", "too-many", good) == 109
        tcp.send("/punchin/bgm", "waits-1", good)  # a resend is none too many
        assert tcp.until("accepted", "failed").name == "accepted"
        tcp.send("/punchin/cancel", "waits-0")
        tcp.until("cancelled")
        tcp.send("/punchin/bgm", "too-many", good)
        assert tcp.until("accepted", "failed").name == "accepted"


@pytest.mark.parametrize(("change", "code"), [("rewrite", 202), ("remove", 200)])
def test_a_source_that_changes_while_it_waits(house, tcp, song, new_id, make_wav, change, code):
    block, job_id = new_id(), new_id()
    own = make_wav("own.wav")
    tcp.send("/punchin/bgm", block, song, "prompt", "wait 600")
    tcp.send("/punchin/bgm", job_id, own)
    tcp.until("accepted", id=job_id)
    if change == "rewrite":
        make_wav("own.wav", seconds=0.7)
    else:
        os.unlink(own)  # noqa: PTH108
    tcp.send("/punchin/cancel", block)
    failed = tcp.events(job_id)[-1]
    assert (failed.name, failed.args[1]) == ("failed", code)
    assert_told_well(failed)
    assert house.job(job_id)["error"]["code"] == code


def test_a_broken_plug_in_stops_nothing_and_is_told(house, tcp):
    def look():
        found = {e["name"]: e for e in tcp.ask("status")["engines"]}
        return None if any(e["state"] == "unseen" for e in found.values()) else found

    found = wait_for(look, "the engines were never looked at")
    assert found["fake"]["state"] in ("loaded", "available")
    assert found["unimportable"]["state"] == found["bomb"]["state"] == "broken"
    assert found["unimportable"]["trouble"]


def test_an_op_that_the_engine_lacks_is_301_and_names_one_that_has_it(tcp, song, new_id):
    def look():
        return {e["name"]: e for e in tcp.ask("status")["engines"]}["sketch"].get("ops")

    able = wait_for(look, "the engines were never looked at")
    op = next(o for o in ("edit", "cover", "layer", "retake") if o not in able)
    keys = ("prompt", "p", "track", "bass")
    assert tcp.refused(op, new_id(), song, *keys, "engine", "sketch") == 301
    assert "fake" in tcp.seen[-1].args[3]
