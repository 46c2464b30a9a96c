"""The blocking client against a scripted daemon on real sockets, TCP and UDP."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from fake_daemon import FakeDaemon, events
from patience import PATIENCE_S

from bridge import Cancelled, Client, NoDaemon, Progress, PunchinError

MIX = Path("/r/mix.wav")


@pytest.fixture(params=["tcp", "udp"])
def transport(request):
    return request.param


def going_well(args):
    return events(args[0], MIX)


def job_reply(args):
    files = [{"role": "mix", "take": 1, "path": str(MIX), "seconds": 4.0}]
    record = {"id": args[0], "state": "done", "result": {"seed": 7}, "files": files}
    return [("/punchin/job.reply", [json.dumps(record)])]


def test_a_job_runs_with_progress_and_files(tmp_path, transport):
    script = {"/punchin/repaint": going_well, "/punchin/job": job_reply}
    seen: list[Progress] = []
    with FakeDaemon(tmp_path, script) as fake, Client(home=tmp_path, transport=transport) as c:
        source = tmp_path / "take 3 ü.wav"
        job = c.repaint(source, start=1.5, end=4, on_progress=seen.append)
        result = job.wait(PATIENCE_S)
        (sent,) = fake.of("/punchin/repaint")
    assert sent == [job.id, str(source), "start", 1.5, "end", 4]
    assert job.id.startswith("cli-")
    assert (result.id, result.result) == (job.id, {"seed": 7})
    assert result.path("mix") == MIX
    assert [p.fraction for p in seen] == [0.25, 0.75]
    assert (job.state, job.ended) == ("done", True)
    with pytest.raises(KeyError, match="it has mix 1"):
        result.path("region")


def test_a_failure_carries_its_number_and_a_cancel_its_own_exception(tmp_path):
    script = {
        "/punchin/bgm": lambda a: [("/punchin/failed", [a[0], 200, "source-not-found", "give it"])],
        "/punchin/extend": lambda a: [("/punchin/accepted", [a[0], "extend", 0, ""])],
        "/punchin/cancel": lambda a: [("/punchin/cancelled", [a[0]])],
    }
    with FakeDaemon(tmp_path, script), Client(home=tmp_path) as c:
        with pytest.raises(PunchinError, match="give it") as e:
            c.bgm("nothing.wav").wait(PATIENCE_S)
        assert e.value.code == 200
        job = c.extend("a.wav", bars=4)
        with pytest.raises(TimeoutError, match="has not ended within"):
            job.wait(0.01)
        job.cancel()
        with pytest.raises(Cancelled):
            job.wait(PATIENCE_S)
        assert job.state == "cancelled"


def test_context_messages_raise_what_is_wrong_with_them(tmp_path, transport):
    wrong = [("/punchin/error", [103, "out-of-range", "/punchin/tempo", "choose 20 … 400"])]
    script = {"/punchin/tempo": lambda a: wrong if a[0] > 400 else []}
    with FakeDaemon(tmp_path, script) as fake, Client(home=tmp_path, transport=transport) as c:
        c.tempo(96, 3, 4)
        with pytest.raises(PunchinError, match="choose 20"):
            c.tempo(4000)
        c.region(tmp_path / "a.wav", 1.0, 2.0)
        c.lyrics("la", "it")
        c.prompt("warm")
        c.key("C# minor")
        c.set(bpm=100, sinks=["file"], tempomap=[[0, 120, 4, 4]], prompt=None)
        c.reset()
        c.tell("downbeat", 0.25)
    assert [(a, args) for a, args in fake.heard if a != "/punchin/version"] == [
        ("/punchin/tempo", [96, 3, 4]),
        ("/punchin/tempo", [4000]),
        ("/punchin/region", [str(tmp_path / "a.wav"), 1.0, 2.0]),
        ("/punchin/lyrics", ["la", "it"]),
        ("/punchin/prompt", ["warm"]),
        ("/punchin/key", ["C# minor"]),
        ("/punchin/set", ["bpm", 100, "sinks", "file", "tempomap", "[[0, 120, 4, 4]]"]),
        ("/punchin/reset", []),
        ("/punchin/downbeat", [0.25]),
    ]


def test_questions_return_their_replies(tmp_path, transport):
    def reply(name, value):
        return lambda _: [(f"/punchin/{name}.reply", [json.dumps(value)])]

    script = {
        **{f"/punchin/{n}": reply(n, {"of": n}) for n in ("status", "context", "describe")},
        "/punchin/jobs": reply("jobs", [1]),
        "/punchin/presets": reply("presets", []),
        "/punchin/job": lambda a: [("/punchin/job.reply", [json.dumps({"id": a[0]})])],
        "/punchin/accept": lambda a: [("/punchin/chosen", [*a, "tag"])],
        "/punchin/forget": lambda a: [("/punchin/forgotten", a)],
        "/punchin/sync": lambda a: [("/punchin/synced", a)],
    }
    with FakeDaemon(tmp_path, script) as fake, Client(home=tmp_path, transport=transport) as c:
        assert [c.status(), c.context(), c.describe()] == [
            {"of": "status"},
            {"of": "context"},
            {"of": "describe"},
        ]
        assert (c.jobs(), c.presets(), c.job("x1"), c.version()) == (
            [1],
            [],
            {"id": "x1"},
            (1, "0.0-fake"),
        )
        c.accept("x1", 2)
        c.forget("x1")
        c.sync(10)
        assert fake.of("/punchin/accept") == [["x1", 2]]


def test_an_unknown_key_is_refused_before_it_is_sent(tmp_path):
    with FakeDaemon(tmp_path) as fake, Client(home=tmp_path) as c:
        with pytest.raises(PunchinError, match="did you mean 'prompt'") as e:
            c.start("bgm", "a.wav", promt="x")
        assert e.value.code == 102
        with pytest.raises(PunchinError, match="no op"):
            c.start("tempo")
        assert fake.heard == []


def test_events_of_all_jobs_reach_a_subscriber(tmp_path):
    theirs = [("/punchin/started", ["theirs", "sketch"])]
    with FakeDaemon(tmp_path, {"/punchin/notify": lambda a: theirs}) as fake:
        with Client(home=tmp_path) as c:
            seen = []
            c.notify(seen.append)
            c.version()
            c.notify(None)
        assert [e.id for e in seen] == ["theirs"]
        assert fake.of("/punchin/notify") == [[1], [0]]


def test_a_bundle_starts_its_job_with_a_fresh_id(tmp_path):
    with FakeDaemon(tmp_path, {"/punchin/repaint": going_well}) as fake:
        with Client(home=tmp_path) as c:
            (job,) = c.bundle([("tempo", [96]), ("repaint", ["*", "/s.wav"])])
            assert job.wait(PATIENCE_S).id == job.id
        assert fake.heard[:2] == [
            ("/punchin/tempo", [96]),
            ("/punchin/repaint", [job.id, "/s.wav"]),
        ]


def test_a_lost_connection_cancels_nothing_and_the_job_is_followed_again(tmp_path):
    with FakeDaemon(tmp_path) as fake:
        tries = []

        def lose_first(args):
            tries.append(args)
            return fake.drop_all() if len(tries) == 1 else going_well(args)

        fake.script["/punchin/repaint"] = lose_first
        with Client(home=tmp_path) as c:
            assert c.repaint("/s.wav", start=1, end=2).wait(PATIENCE_S).path("mix") == MIX
    assert tries[0] == tries[1]


def test_a_restarted_daemon_is_found_on_its_new_port(tmp_path):
    first = FakeDaemon(tmp_path)
    with Client(home=tmp_path) as c:
        job = c.repaint("/s.wav", start=1, end=2)
        asked = first.wait_heard("/punchin/repaint")
        first.stop()
        with FakeDaemon(tmp_path, {"/punchin/repaint": going_well}) as second:
            assert second.port != first.port
            assert job.wait(PATIENCE_S).path("mix") == MIX
            assert second.of("/punchin/repaint") == [asked]


@pytest.mark.parametrize("way", ["tcp", "udp"])
def test_a_daemon_that_stays_away_ends_in_an_error_with_the_next_step(tmp_path, way):
    fake = FakeDaemon(tmp_path)
    with Client(home=tmp_path, transport=way, reconnect=0.0) as c:
        job = c.repaint("/s.wav", start=1, end=2)
        fake.wait_heard("/punchin/repaint")
        fake.stop()

        def go_on():
            c.repaint("/s.wav", start=1, end=2)
            job.wait(PATIENCE_S)

        with pytest.raises(NoDaemon, match=f"punchin job {job.id}"):
            go_on()


def test_without_a_daemon_the_client_says_how_to_start_one(tmp_path):
    with pytest.raises(NoDaemon, match="punchin start"):
        Client(home=tmp_path)
    fake = FakeDaemon(tmp_path)
    fake.stop()
    with pytest.raises(NoDaemon, match=f":{fake.port} .*punchin start"):
        Client(home=tmp_path)


def test_a_silent_daemon_is_a_timeout_with_the_next_step(tmp_path):
    with FakeDaemon(tmp_path), Client(home=tmp_path) as c:
        c._link.timeout_s = 0.05
        with pytest.raises(TimeoutError, match="did not answer within"):
            c.status()
        c._link.timeout_s = PATIENCE_S
        assert c.version() == (1, "0.0-fake")


def test_something_else_on_the_port_is_told(tmp_path):
    with FakeDaemon(tmp_path) as fake:
        fake.script["/punchin/status"] = lambda _: [("not an address", [])]
        with Client(home=tmp_path) as c, pytest.raises(NoDaemon, match="no Punchin"):
            c.status()


def test_quit_ends_well_when_the_daemon_closes_first(tmp_path):
    with FakeDaemon(tmp_path) as fake:
        fake.script["/punchin/quit"] = lambda _: fake.drop_all()
        c = Client(home=tmp_path)
        c.quit()
        with pytest.raises(NoDaemon, match="closed"):
            c.version()


def test_callbacks_may_use_the_client(tmp_path):
    with FakeDaemon(tmp_path, {"/punchin/repaint": going_well}), Client(home=tmp_path) as c:
        versions = []
        job = c.repaint(
            "/s.wav", start=1, end=2, on_progress=lambda _: versions.append(c.version())
        )
        job.wait(PATIENCE_S)
        assert versions == [(1, "0.0-fake")] * 2


def test_threads_share_a_client(tmp_path):
    held = threading.Event()
    with FakeDaemon(tmp_path) as fake, Client(home=tmp_path) as c:
        fake.script["/punchin/cancel"] = lambda a: [("/punchin/cancelled", [a[0]])]
        job = c.repaint("/s.wav", start=1, end=2)
        ended = []

        def wait():
            held.set()
            try:
                job.wait(PATIENCE_S)
            except Cancelled as e:
                ended.append(e.id)

        waiting = threading.Thread(target=wait)
        waiting.start()
        held.wait(PATIENCE_S)
        assert c.version() == (1, "0.0-fake")
        job.cancel()
        waiting.join(PATIENCE_S)
        assert ended == [job.id]


def test_the_engine_is_changed_in_turn(tmp_path):
    said = [("/punchin/accepted", ["engine", "engine", 0, ""]), ("/punchin/done", ["engine", "{}"])]
    with FakeDaemon(tmp_path, {"/punchin/engine": lambda _: said}) as fake:
        with Client(home=tmp_path) as c:
            assert c.engine("sketch").wait(PATIENCE_S).result == {}
        assert fake.of("/punchin/engine") == [["sketch"]]
