"""Section 5's mailbox and recent.json: messages as files."""

import json
import os
import time

import pytest
from patience import PATIENCE_S
from wire_house import wait_for

ODD = "Zeile 1\r\nline 2\n\t🎹 𝄞 é \u2028 end\r\n"


class Box:
    """A host without sockets."""

    def __init__(self, home):
        self.inbox, self.outbox = home / "inbox", home / "outbox"

    def put(self, name, message, age_s=0.0):
        self.put_bytes(name, json.dumps(message, ensure_ascii=False).encode(), age_s)

    def put_bytes(self, name, data, age_s=0.0):
        part = self.inbox / f"{name}.part"
        part.write_bytes(data)
        if age_s:
            when = time.time() - age_s
            os.utime(part, (when, when))
        part.rename(self.inbox / f"{name}.json")

    def answers(self, name, enough=lambda _: True):
        """The answers to a file, once they are there."""
        path = self.outbox / f"{name}.json"

        def look():
            found = json.loads(path.read_text("utf-8")) if path.exists() else None
            return found if found is not None and enough(found) else None

        return wait_for(look, f"no answer to {name}")

    def is_free_of(self, name):
        return not [p for p in self.inbox.iterdir() if name in p.name]

    def ask(self, name, address, *args, **more):
        self.put(name, {"address": address, "args": list(args)}, **more)
        return self.answers(name)

    def one(self, name, address, *args, **more):
        (answer,) = self.ask(name, address, *args, **more)
        return answer["address"].removeprefix("/punchin/"), answer["args"]


@pytest.fixture
def box(house):
    return Box(house.home)


@pytest.fixture
def song(make_wav):
    return make_wav()


def test_a_message_is_answered_and_removed(box, new_id):
    name = new_id("v")
    assert box.one(name, "/punchin/version")[0] == "version.reply"
    wait_for(lambda: box.is_free_of(name) or None, "the file was left in the inbox")


def test_replies_are_whole(box, new_id):
    address, args = box.one(new_id(), "/punchin/describe")
    assert address == "describe.reply"
    assert "commands" in json.loads(args[0])


def test_a_job_is_accepted_and_runs(house, box, tcp, song, new_id):
    name, job_id = new_id(), new_id()
    tcp.send("/punchin/notify", 1)
    tcp.quiet()
    answers = box.ask(name, "/punchin/bgm", job_id, song, "tag", "box")
    assert answers[0] == {"address": "/punchin/accepted", "args": [job_id, "bgm", 0, "box"]}
    assert tcp.events(job_id)[-1].name == "done"
    assert house.job(job_id)["state"] == "done"


def test_a_star_gets_an_id(house, box, song, new_id):
    address, args = box.ask(new_id(), "/punchin/bgm", "*", song, "prompt", "wait 600")[0].values()
    assert address == "/punchin/accepted"
    assert house.job(args[0])["op"] == "bgm"


@pytest.mark.parametrize(
    ("address", "args", "told", "code"),
    [
        ("/punchin/bgm", ["m-1", "/nowhere.wav"], "failed", 200),
        ("/punchin/bgm", ["../m", "/nowhere.wav"], "error", 104),
        ("/punchin/nothing", [], "error", 100),
        ("/punchin/*", [], "error", 100),
        ("/punchin/tempo", ["x"], "error", 101),
        ("/punchin/tempo", [5000], "error", 103),
        ("/punchin/job", ["never-was"], "error", 108),
    ],
)
def test_refusals_are_answers_too(box, new_id, address, args, told, code):
    name, found = box.one(new_id(), address, *args)
    assert name == told
    assert found[1 if told == "failed" else 0] == code


def test_the_preview_answers_although_it_takes_its_time(make_house, make_wav):
    house = make_house(PUNCHIN_AUDIO_DEVICE="none", PUNCHIN_LIVE_CAPTURE="no such input")
    box, song = Box(house.home), make_wav(seconds=60.0)
    with house.tcp() as tcp:
        tcp.done("bgm", "a", song)
    asked = [{"address": "/punchin/play", "args": ["a"]}, *[{"address": "/punchin/player"}] * 3]
    box.put("play", asked)
    told = [json.loads(answer["args"][0])["state"] for answer in box.answers("play")]
    assert len(told) == 3
    assert not {"off", "stopped"} & {told[0]}
    assert box.one("again", "/punchin/player")[0] == "player.reply"
    name, args = box.one("sing", "/punchin/capture", 1)
    assert (name, args[0]) == ("error", 402)


def test_an_array_is_a_bundle(house, box, song, new_id):
    first, second = new_id(), new_id()
    name = new_id()
    box.put(
        name,
        [
            {"address": "/punchin/prompt", "args": ["one"]},
            {"address": "/punchin/bgm", "args": [first, song]},
            {"address": "/punchin/prompt", "args": ["two"]},
            {"address": "/punchin/bgm", "args": [second, song]},
            {"address": "/punchin/sync", "args": [3]},
            {"address": "/punchin/version"},
        ],
    )
    synced = {"address": "/punchin/synced", "args": [3]}
    answers = box.answers(name, lambda found: synced in found)
    told = [a["address"].removeprefix("/punchin/") for a in answers]
    assert [t for t in told if t in ("accepted", "version.reply")].count("accepted") == 2
    assert "version.reply" in told
    assert [house.job(i)["request"]["prompt"] for i in (first, second)] == ["one", "two"]
    assert house.job(second)["state"] == "done"


def test_files_are_taken_by_time_and_then_by_name(make_house, tmp_path):
    home = tmp_path / "home"
    box = Box(home)
    box.inbox.mkdir(parents=True)
    now = time.time_ns()
    for name, seconds_ago in (("a", 1), ("b", 3), ("d", 2), ("c", 2)):
        part = box.inbox / f"{name}.part"
        part.write_text(json.dumps({"address": "/punchin/prompt", "args": [name]}))
        os.utime(part, ns=(now, now - seconds_ago * 10**9))
        part.rename(box.inbox / f"{name}.json")
    prompts = []
    for name, seconds_ago in (("b2", 2.5), ("c2", 2), ("d2", 1.5), ("e", 0.5)):
        part = box.inbox / f"{name}.part"
        part.write_text(json.dumps({"address": "/punchin/context"}))
        when = now - round(seconds_ago * 1e9)
        os.utime(part, ns=(when, when))
        part.rename(box.inbox / f"{name}.json")
    make_house()
    for name in ("b2", "c2", "d2", "e"):
        (answer,) = box.answers(name)
        prompts.append(json.loads(answer["args"][0])["prompt"])
    # b | b2 | c, c2 (same time: by name, and d after them) | d2 | a | e
    assert prompts == ["b", "c", "d", "a"]


def test_an_old_file_is_answered_107_and_not_run(house, box, song, new_id):
    name, job_id = new_id(), new_id()
    told, args = box.one(name, "/punchin/bgm", job_id, song, age_s=601)
    assert (told, args[0]) == ("error", 107)
    assert not house.folder(job_id).exists()
    wait_for(lambda: box.is_free_of(name) or None, "the file was left in the inbox")
    assert box.one(new_id(), "/punchin/bgm", job_id, song, age_s=600 - PATIENCE_S)[0] == "accepted"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe", b'"text"', b"5", b"[[]]", b'{"args": []}', b'{"address": 5}', b"[5]"],
)
def test_what_is_no_message_is_101(box, new_id, data):
    name = new_id()
    box.put_bytes(name, data)
    (answer,) = box.answers(name)
    assert answer["args"][:2] == [101, "bad-arguments"]


def test_a_file_without_its_last_name_is_left_alone(box, new_id):
    (box.inbox / "half.tmp").write_text("{")
    (box.inbox / ".hidden.json").write_text("{")
    box.ask(new_id(), "/punchin/version")
    assert (box.inbox / "half.tmp").exists()
    assert (box.inbox / ".hidden.json").exists()


def test_texts_arrive_byte_for_byte(house, box, song, new_id, tmp_path):
    big = ODD * (256 * 1024 // len(ODD.encode()))
    direct, by_file = new_id(), new_id()
    lyrics = tmp_path / "lyrics.txt"
    lyrics.write_bytes(big.encode())
    box.ask(new_id(), "/punchin/bgm", direct, song, "lyrics", big, "prompt", ODD)
    box.ask(new_id(), "/punchin/bgm", by_file, song, "lyrics_file", str(lyrics), "tag", ODD)
    assert house.job(direct)["request"]["lyrics"] == big
    assert house.job(direct)["request"]["prompt"] == ODD
    assert house.job(by_file)["request"]["lyrics"] == big
    assert house.job(by_file)["tag"] == ODD


def test_lyrics_of_256_kib_arrive_over_tcp(house, tcp, song, new_id):
    piece = "ä𝄞\r\n"
    words = piece * (256 * 1024 // len(piece.encode()))
    words += "x" * (256 * 1024 - len(words.encode()))
    job_id = new_id()
    tcp.done("bgm", job_id, song, "lyrics", words)
    assert house.job(job_id)["request"]["lyrics"] == words
    assert tcp.refused("bgm", new_id(), song, "lyrics", words + "x") == 106


def test_numbers_may_be_any_json_number(house, box, song, new_id):
    job_id = new_id()
    box.ask(new_id(), "/punchin/bgm", job_id, song, "seed", 7.0, "bpm", 90, "takes", True)
    request = house.job(job_id)["request"]
    assert (request["seed"], request["bpm"], request["takes"]) == (7, 90, 1)


# -- recent.json -----------------------------------------------------------------------------------


def test_recent_json_lists_open_jobs_and_the_last_fifty(make_house, make_wav):
    house = make_house()
    song = make_wav(seconds=0.1)
    with house.tcp() as tcp:
        for i in range(53):
            tcp.send("/punchin/analyze", f"j-{i}", song, "tag", f"t{i}")
        tcp.send("/punchin/sync", 1)
        tcp.until("synced")
        tcp.send("/punchin/bgm", "runs", song, "prompt", "wait 600")
        tcp.send("/punchin/bgm", "waits", song)
        tcp.until("started", id="runs")
        tcp.until("accepted", id="waits")

        def look():
            listed = json.loads((house.home / "recent.json").read_text())
            states = {r["id"]: r["state"] for r in listed}
            return listed if states.get("runs") == "running" and "waits" in states else None

        listed = wait_for(look, "recent.json lacks the open jobs")
        rows = {r["id"]: r for r in listed}
        assert len(listed) == 52
        assert all({"id", "op", "state", "fraction", "tag"} <= r.keys() for r in listed)
        assert {f"j-{i}" for i in range(3, 53)} == rows.keys() - {"runs", "waits"}
        last = {"id": "j-52", "op": "analyze", "state": "done", "fraction": 1.0, "tag": "t52"}
        assert last.items() <= rows["j-52"].items()
        assert {r["id"] for r in tcp.ask("jobs")} == rows.keys()
