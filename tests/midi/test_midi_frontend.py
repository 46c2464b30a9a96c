"""The frontend with ports that are a list: words about jobs, lights, floods, clock, trouble."""

import asyncio
from types import SimpleNamespace

import pytest

from bridge.protocol.errors import error
from daemon.core.bus import Bus
from daemon.core.jobs import State
from daemon.core.sections import Midi
from daemon.frontends.midi import MidiFrontend
from daemon.frontends.midi_jobs import HeardJobs
from daemon.player.transport import Line

MAP = """
[[control]]
name = "repaint"
note = 36
send = ["/punchin/do", "repaint"]
led = { idle = 1, busy = 13, failed = 5 }

[[control]]
name = "accept"
note = 37
send = ["/punchin/accept", "$job", "$take"]

[[control]]
name = "next"
note = 38
send = ["/punchin/swap", "$job", "$next"]

[[control]]
name = "cancel"
note = 39
send = ["/punchin/cancel", "$open"]

[[control]]
name = "strength"
cc = 16
send = ["/punchin/set", "strength", "$value"]
"""


class Link:
    """Ports that are a list."""

    def __init__(self, told, deliver, changed):
        self.told, self.deliver, self.changed = told, deliver, changed
        self.sent, self.trouble = [], None

    async def run(self):
        await asyncio.Event().wait()

    def send(self, message, port=""):
        self.sent.append(message.hex())

    def names(self, direction):
        return [f"{direction}-1"]

    def problem(self):
        return self.trouble

    def song(self, *told):
        self.sent.append(told)

    def press(self, *numbers, at_s=None):
        for i, number in enumerate(numbers):
            now_s = asyncio.get_running_loop().time() if at_s is None else at_s + i
            self.deliver("in-1", bytes((0x90, number, 100)), now_s)


class Desk:
    """A dispatcher that notes what it is given; one batch is one bundle."""

    def __init__(self):
        self.bundles, self.clients = [], {}
        self.heard = asyncio.Event()

    def apply(self, messages, client):
        self.bundles.append(list(messages))
        self.clients[messages[0][0]] = client
        self.heard.set()
        return []

    @property
    def said(self):
        return [(a, *args) for bundle in self.bundles for a, args in bundle]


class Stand:
    """A frontend on its own."""

    def __init__(self, tmp_path, jobs=(), **settings):
        path = tmp_path / "m.toml"
        path.write_text(settings.pop("text", MAP))
        values = {"input": ("x",), "output": (), "clock_output": (), "map": (str(path),),
                  "clock": "in", "backend": "auto", **settings}  # fmt: skip
        self.desk = Desk()
        self.bus = Bus(asyncio.get_running_loop().time)
        studio = SimpleNamespace(bus=self.bus, roster=SimpleNamespace(recent=lambda: jobs))
        self.midi = MidiFrontend(self.desk, studio, Midi(**values), lambda: self.line, Link)
        self.line = None
        self.midi.open()

    @property
    def link(self):
        return self.midi.ports

    def tell(self, address, *args):
        """An event as the house sends it to subscribers, and to the control that asked."""
        for listener in self.bus.subscribers().values():
            listener.send(address, *args)

    async def settle(self):
        """Let the loop do what waits."""
        for _ in range(200):
            await asyncio.sleep(0)


def with_stand(tmp_path, work, **settings):
    async def run():
        stand = Stand(tmp_path, **settings)
        try:
            return await work(stand)
        finally:
            await stand.midi.close()

    return asyncio.run(run())


def test_pads_and_knobs_become_commands(tmp_path):
    async def work(stand):
        stand.link.press(36)
        stand.link.deliver("in-1", b"\xb0\x10\x7f", 1.0)
        await stand.settle()
        return stand.desk.said

    assert with_stand(tmp_path, work) == [
        ("/punchin/do", "repaint"),
        ("/punchin/set", "strength", 1.0),
    ]


def test_the_words_mean_the_last_job_and_the_take_heard_last(tmp_path):
    async def work(stand):
        stand.tell("/punchin/accepted", "a", "repaint", 0, "")
        stand.link.press(39)
        await stand.settle()
        for take in (1, 2):
            stand.tell("/punchin/file", "a", "mix", take, "/x.wav", 1.0)
        stand.tell("/punchin/done", "a", "{}")
        for number in (37, 38, 38, 38, 37):
            stand.link.press(number, at_s=10 + number + 100 * len(stand.desk.bundles))
            await stand.settle()
        return stand.desk.said

    assert with_stand(tmp_path, work) == [
        ("/punchin/cancel", "a"),
        ("/punchin/accept", "a", 1),
        ("/punchin/swap", "a", 2),
        ("/punchin/swap", "a", 0),
        ("/punchin/swap", "a", 1),
        ("/punchin/accept", "a", 1),
    ]


def test_without_a_job_the_pad_fails_alone(tmp_path, caplog):
    async def work(stand):
        stand.link.press(37)
        await stand.settle()
        return stand.desk.said

    assert with_stand(tmp_path, work) == []
    assert "no job for $job" in caplog.text


def test_jobs_from_before_the_start_are_known():
    jobs = HeardJobs()
    done = SimpleNamespace(id="old", ended=True, state=State.DONE, files=[SimpleNamespace(take=2)])
    broken = SimpleNamespace(id="bad", ended=True, state=State.FAILED, files=[])
    jobs.recall([SimpleNamespace(id="runs", ended=False), broken, done])
    assert jobs.fill([("/x", ("$open", "$job", "$next"))]) == [("/x", ["runs", "old", 2])]
    jobs.heard("/punchin/cancelled", ("runs",))
    with pytest.raises(Exception, match="nothing is running") as told:
        jobs.fill([("/x", ("$open",))])
    assert told.value.code == 107


def test_lights_follow_the_job_that_the_pad_started(tmp_path):
    async def work(stand):
        stand.link.changed()
        stand.link.press(36)
        await stand.settle()
        ear = stand.desk.clients["/punchin/do"].listener
        ear.send("/punchin/accepted", "j", "repaint", 0, "")
        ear.send("/punchin/progress", "j", 0.5, "x", 1)
        ear.send("/punchin/failed", "j", 305, "worker-died", "m")
        stand.link.press(36, at_s=1e6)
        await stand.settle()
        return stand.link

    link = with_stand(tmp_path, work)
    assert link.sent == ["902401", "90240d", "902405", "902401", "902400"]


def test_a_layer_shows_its_own_lights_and_the_plain_ones_afterwards(tmp_path):
    text = (
        MAP
        + """
[[control]]
name = "other"
layer = "s"
note = 36
send = ["/punchin/stop"]
led = { idle = 99 }

[[control]]
name = "shift"
note = 40
shift = "s"
led = { idle = 2, on = 3 }
"""
    )

    async def work(stand):
        stand.link.changed()
        for value in (100, 0):
            stand.link.deliver("in-1", bytes((0x90, 40, value)), 1.0)
            await stand.settle()
        return list(stand.link.sent)

    sent = with_stand(tmp_path, work, text=text)
    assert sent[:2] == ["902401", "902802"]
    assert sorted(sent[2:4]) == ["902463", "902803"]
    assert sorted(sent[4:]) == ["902401", "902802"]


def test_a_loop_that_stood_still_takes_no_clock_for_silent(tmp_path):
    """Its ticks may be there and not yet read; the next look tells."""

    async def work(stand):
        loop, now_s = stand.midi._loop, 100.0
        stand.midi._loop = SimpleNamespace(
            time=lambda: now_s, call_later=loop.call_later, call_soon=loop.call_soon
        )
        for message in (b"\xfa", *[b"\xf8"] * 48):
            stand.link.deliver("in-1", message, now_s)
            now_s += 60 / 120 / 24
        await stand.settle()
        playing = []
        for passed_s in (0.0, 0.25, 1.0, 0.25):
            now_s += passed_s
            stand.midi._silence()
            playing.append(stand.midi.health()["clock"]["playing"])
        return playing

    assert with_stand(tmp_path, work) == [True, True, True, False]


def test_a_flood_leaves_the_loop_and_the_clock_alive(tmp_path):
    """30,000 notes at once: the clock's ticks go first, and others get their turn meanwhile."""

    async def work(stand):
        turns = 0
        for i in range(30_000):
            stand.link.deliver("in-1", bytes((0x90, i % 30, 1 + i % 100)), 100 + i / 1e4)
        for i in range(200):
            stand.link.deliver("in-1", b"\xf8", 100 + i * 60 / 120 / 24)
        await asyncio.sleep(0)
        bpm_after_one_turn = stand.midi.health()["clock"]["bpm"]
        while stand.midi._played:
            await asyncio.sleep(0)
            turns += 1
        return bpm_after_one_turn, turns, stand.midi.dropped

    bpm, turns, dropped = with_stand(tmp_path, work)
    assert bpm == 120
    assert turns >= 8192 // 200
    assert dropped == 30_000 - 8192


def test_clock_moves_the_transport_of_the_port_that_leads(tmp_path):
    async def work(stand):
        now_s = stand.midi._loop.time()
        for i in range(150):
            for port in ("in-1", "in-2"):
                if i == 100:
                    stand.link.deliver(port, b"\xfa", now_s)
                stand.link.deliver(port, b"\xf8", now_s - (150 - i) * 60 / 120 / 24)
        await stand.settle()
        return stand.desk.said

    said = with_stand(tmp_path, work)
    assert {a for a, *_ in said} == {"/punchin/transport"}
    assert len(said) == 3  # not twice that: the second port is another clock
    assert with_stand(tmp_path, work, clock="off") == []


def test_clock_out_is_told_the_song_when_it_changes(tmp_path):
    async def work(stand):
        for line in (Line(True, 1.0, 2.0, 97.5), Line(True, 1.0, 2.0, 97.5), Line(False, 3.0)):
            stand.line = line
            stand.midi._lead()
        return [told for told in stand.link.sent if isinstance(told, tuple)]

    assert with_stand(tmp_path, work, clock_output=("x",)) == [
        (True, 1.0, 2.0, 97.5), (False, 3.0, 0.0, 120.0)
    ]  # fmt: skip


def test_a_wrong_map_is_told_and_the_others_work(tmp_path, caplog):
    async def work(stand):
        return stand.midi.health()

    row = with_stand(tmp_path, work, text='[[control]]\nname = "x"\nnote = 200\n')
    assert (row["state"], row["code"]) == ("problem", 101)
    assert "line 1: control 1 (x)" in row["message"]
    assert "line 1" in caplog.text


def test_health_says_what_is_missing(tmp_path):
    async def work(stand):
        before = stand.midi.health()
        stand.link.trouble = error(403, "no MIDI input named like 'x': connect it")
        return before, stand.midi.health()

    before, after = with_stand(tmp_path, work)
    assert (before["state"], before["inputs"]) == ("ready", ["in-1"])
    assert (after["state"], after["code"]) == ("problem", 403)


def test_without_ports_in_the_settings_nothing_starts(tmp_path):
    async def work(stand):
        return stand.midi.ports, stand.midi.health()["state"]

    assert with_stand(tmp_path, work, input=()) == (None, "off")
