"""The asyncio client against the scripted daemon."""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path

import pytest
from fake_daemon import FakeDaemon, events
from patience import PATIENCE_S

from bridge import AsyncClient, Cancelled, Client, NoDaemon, PunchinError

MIX = Path("/r/mix.wav")


def going_well(args):
    return events(args[0], MIX)


def job_reply(args):
    files = [{"role": "mix", "take": 1, "path": str(MIX), "seconds": 4.0}]
    record = {"id": args[0], "state": "done", "result": {"seed": 7}, "files": files}
    return [("/punchin/job.reply", [json.dumps(record)])]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_jobs_run_side_by_side_with_progress(tmp_path, transport):
    seen: list[float] = []

    async def play():
        async with AsyncClient(home=tmp_path, transport=transport) as c:
            jobs = [
                c.repaint("/s.wav", start=1, end=2, on_progress=lambda p: seen.append(p.fraction))
                for _ in range(3)
            ]
            assert len({job.id for job in jobs}) == 3
            return await asyncio.gather(*(job.wait(PATIENCE_S) for job in jobs))

    script = {"/punchin/repaint": going_well, "/punchin/job": job_reply}
    with FakeDaemon(tmp_path, script):
        results = asyncio.run(play())
    assert [r.path("mix") for r in results] == [MIX] * 3
    assert sorted(seen) == [0.25] * 3 + [0.75] * 3


def test_errors_cancel_and_questions(tmp_path):
    script = {
        "/punchin/tempo": lambda _: [
            ("/punchin/error", [103, "out-of-range", "/punchin/tempo", "choose 20 … 400"])
        ],
        "/punchin/cancel": lambda a: [("/punchin/cancelled", [a[0]])],
        "/punchin/status": lambda _: [("/punchin/status.reply", ['{"state": "idle"}'])],
    }

    async def play():
        async with AsyncClient(home=tmp_path) as c:
            with pytest.raises(PunchinError, match="choose 20"):
                await c.tempo(9999)
            assert await c.status() == {"state": "idle"}
            job = c.extend("/s.wav", bars=4)
            with pytest.raises(TimeoutError, match="has not ended"):
                await job.wait(0.01)
            job.cancel()
            with pytest.raises(Cancelled):
                await job.wait(PATIENCE_S)

    with FakeDaemon(tmp_path, script):
        asyncio.run(play())


def test_a_restarted_daemon_is_found_and_the_job_followed(tmp_path):
    first = FakeDaemon(tmp_path)

    async def play():
        async with AsyncClient(home=tmp_path) as c:
            job = c.repaint("/s.wav", start=1, end=2)
            waiting = asyncio.ensure_future(job.wait(PATIENCE_S))
            await asyncio.to_thread(first.wait_heard, "/punchin/repaint")
            await asyncio.to_thread(first.stop)
            with FakeDaemon(tmp_path, {"/punchin/repaint": going_well}):
                return await waiting

    assert asyncio.run(play()).path("mix") == MIX


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_daemon_that_stays_away_ends_in_an_error(tmp_path, transport):
    fake = FakeDaemon(tmp_path)

    async def play():
        async with AsyncClient(home=tmp_path, transport=transport, reconnect=0.0) as c:
            await c.version()
            fake.stop()
            job = c.repaint("/s.wav", start=1, end=2)
            with pytest.raises(NoDaemon, match="punchin start"):
                await job.wait(PATIENCE_S)

    asyncio.run(play())


def test_a_callback_that_raises_does_not_end_the_connection(tmp_path):
    trouble = []

    async def play():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: trouble.append(context["exception"]))
        async with AsyncClient(home=tmp_path) as c:
            job = c.repaint("/s.wav", start=1, end=2, on_progress=lambda _: 1 / 0)
            await job.wait(PATIENCE_S)
            assert await c.version() == (1, "0.0-fake")

    with FakeDaemon(tmp_path, {"/punchin/repaint": going_well}):
        asyncio.run(play())
    assert isinstance(trouble[0], ZeroDivisionError)


def test_both_clients_have_the_same_methods():
    def public(client):
        methods = inspect.getmembers(client, inspect.isfunction)
        return {
            name: [str(p) for p in inspect.signature(f).parameters.values()]
            for name, f in methods
            if not name.startswith("_")
        }

    only_async = public(AsyncClient)
    only_async.pop("connect")
    assert public(Client) == only_async
