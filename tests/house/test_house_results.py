"""Section 5 of the wire contract: what lies in a job's folder, to the sample."""

from pathlib import Path

import pytest
import soundfile

from bridge.protocol.check import COMMAND

FIELDS = {
    *("id", "op", "state", "position", "fraction", "stage", "eta_s", "tag", "request", "engine"),
    *("created", "started", "finished", "chosen", "files", "result", "error"),
}
RESULT = {
    *("source_frame", "region_start_frame", "region_end_frame", "seed", "bpm", "meter", "key"),
    *("downbeat", "ignored", "notes"),
}


def public(record):
    return {k for k in record if not k.startswith("_")}


def roles(record):
    return sorted((f["role"], f["take"]) for f in record["files"])


# -- job.json --------------------------------------------------------------------------------------


def test_job_json_has_exactly_the_contracts_fields(house, tcp, song, new_id):
    job_id = new_id()
    tcp.done("repaint", job_id, song, "start", 0.5, "end", 1.0, "tag", "t", "prompt", "p")
    kept = house.job(job_id)
    assert public(kept) == FIELDS
    assert tcp.ask("job", job_id) == {k: kept[k] for k in FIELDS}
    assert (kept["id"], kept["op"], kept["state"], kept["tag"]) == (job_id, "repaint", "done", "t")
    assert (kept["fraction"], kept["engine"], kept["chosen"]) == (1.0, "fake", None)
    assert kept["error"] is None
    assert kept["created"] <= kept["started"] <= kept["finished"]
    assert kept["result"].keys() == RESULT
    for file in kept["files"]:
        assert file.keys() == {"role", "take", "path", "seconds", "rate", "channels", "seed"}
        assert Path(file["path"]).parent == house.folder(job_id)
        assert file["seconds"] == soundfile.info(file["path"]).frames / 8000


def test_states_and_errors_in_job_json(house, tcp, song, new_id):
    waits, runs, bad = new_id(), new_id(), new_id()
    tcp.send("/punchin/bgm", runs, song, "prompt", "wait 600")
    tcp.send("/punchin/bgm", waits, song)
    tcp.until("started", id=runs)
    tcp.until("accepted", id=waits)
    assert (house.job(runs)["state"], house.job(waits)["state"]) == ("running", "queued")
    assert house.job(waits)["position"] == 1
    assert house.job(waits)["started"] is None
    tcp.send("/punchin/cancel", runs)
    tcp.events(runs)
    assert house.job(runs)["state"] == "cancelled"
    tcp.job("bgm", bad, song, "prompt", "raise")
    kept = house.job(bad)
    assert kept["state"] == "failed"
    assert kept["error"].keys() == {"code", "name", "message"}
    assert (kept["error"]["code"], kept["error"]["name"]) == (500, "internal")


def test_the_disk_comes_first(house, tcp, song, new_id):
    """At each event, job.json already says so and the files are whole."""
    job_id = new_id()
    keys = ("start", 0.5, "end", 1.0, "takes", 2, "prompt", "wait 0.1")
    tcp.send("/punchin/repaint", job_id, song, *keys)
    tcp.until("accepted", id=job_id)
    assert house.job(job_id)["state"] in ("queued", "running", "done")
    tcp.until("started", id=job_id)
    assert house.job(job_id)["state"] in ("running", "done")
    while (message := tcp.until("file", "done", id=job_id)).name == "file":
        listed = [(f["role"], f["take"], f["path"]) for f in house.job(job_id)["files"]]
        assert tuple(message.args[1:4]) in listed
        assert soundfile.info(message.args[3]).frames / 8000 == message.args[4]
    assert house.job(job_id)["state"] == "done"
    names = {p.name for p in house.folder(job_id).iterdir()}
    assert names == {"job.json", *(Path(f["path"]).name for f in house.job(job_id)["files"])}


def test_the_request_is_flat_with_every_key_as_resolved(house, tcp, song, new_id):
    job_id, words = new_id(), "Grüße\r\n🎹"
    tcp.send("/punchin/lyrics", words, "de")
    tcp.send("/punchin/tempo", 91.0, 3, 4)
    tcp.send("/punchin/region", song, 0.5, 1.0, 0.25, 1.5)
    tcp.done("repaint", job_id, "prompt", words, "takes", 2)
    request = house.job(job_id)["request"]
    told = {"source": song, "start": 0.5, "end": 1.0, "clip_start": 0.25, "clip_end": 1.5}
    told |= {
        "lyrics": words,
        "language": "de",
        "prompt": words,
        "takes": 2,
        "bpm": 91,
        "meter": "3/4",
    }
    assert told.items() <= request.items()
    assert request["seed"] == house.job(job_id)["result"]["seed"]


def test_a_tempo_that_was_heard_is_in_the_request_and_the_result(house, tcp, song, new_id):
    job_id = new_id()
    result = tcp.done("bgm", job_id, song)
    request = house.job(job_id)["request"]
    assert (request["bpm"], request["meter"]) == (result["bpm"], result["meter"]) == (120, "4/4")


def test_an_address_of_every_op_exists():
    ops = [
        "generate",
        "repaint",
        "extend",
        "bgm",
        "cover",
        "retake",
        "edit",
        "layer",
        "stems",
        "analyze",
    ]
    assert all(COMMAND[f"/punchin/{op}"].op == op for op in ops)


# -- which files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "keys", "wanted"),
    [
        ("repaint", ("start", 0.5, "end", 1.0), ["mix", "region"]),
        ("extend", ("seconds", 0.5), ["mix", "region"]),
        ("bgm", (), ["mix", "stem:bass", "stem:drums"]),
        ("layer", ("track", "guitar"), ["mix", "stem:guitar"]),
        ("cover", (), ["mix"]),
        ("retake", (), ["mix"]),
        ("edit", ("prompt", "p"), ["mix"]),
        ("stems", ("stems", "vocals,other"), ["stem:other", "stem:vocals"]),
        ("analyze", (), []),
    ],
)
def test_the_files_of_each_op(house, tcp, song, new_id, op, keys, wanted):
    job_id = new_id()
    tcp.done(op, job_id, song, *keys, "takes", 2)
    takes = (1, 2) if wanted else ()
    assert roles(house.job(job_id)) == sorted((r, t) for r in wanted for t in takes)
    for file in house.job(job_id)["files"]:
        if op not in ("repaint", "extend", "edit"):
            assert soundfile.info(file["path"]).frames == 16_000


def test_generate_makes_mix_stems_and_plan(house, tcp, new_id):
    job_id = new_id()
    tcp.done("generate", job_id, "seconds", 0.5, "stems", "drums,bass")
    kept = house.job(job_id)
    assert {"mix", "stem:drums", "stem:bass", "plan"} == {f["role"] for f in kept["files"]}
    info = soundfile.info(house.path(job_id))
    assert (info.samplerate, info.frames, info.channels) == (48_000, 24_000, 2)
    assert kept["result"].keys() == RESULT


@pytest.mark.parametrize("op", ["bgm", "cover", "retake", "stems", "layer"])
def test_a_region_is_the_clip_and_the_result_is_as_long(house, tcp, song, new_id, op):
    job_id = new_id()
    keys = ("track", "bass") if op == "layer" else ()
    tcp.done(op, job_id, song, "start_frame", 1001, "end_frame", 9004, *keys)
    assert {soundfile.info(f["path"]).frames for f in house.job(job_id)["files"]} == {8003}
