"""Where a waiting job stands is written, however many changes come before there is time for it."""

import asyncio
from types import SimpleNamespace

from daemon.core.jobs import Job
from daemon.core.telling import Teller


def test_a_later_change_takes_no_earlier_one_away():
    jobs = {name: Job(name, "generate", {}, "sent", {}, 0.0) for name in "ab"}
    written = []

    async def scene():
        done = asyncio.Event()

        async def save_progress(job):
            written.append((job.id, job.position))

        async def save_recent(_):
            done.set()

        journal = SimpleNamespace(save_progress=save_progress, save_recent=save_recent)
        teller = Teller(journal, SimpleNamespace(recent=list), None, lambda: 0.0)
        for name, position in (("a", 2), ("b", 3), ("a", 1)):
            jobs[name].position = position
            teller.moved([jobs[name]])
            teller.moved([])
        writer = asyncio.create_task(teller.keep_recent())
        await done.wait()
        writer.cancel()

    asyncio.run(scene())
    assert sorted(written) == [("a", 1), ("b", 3)]
