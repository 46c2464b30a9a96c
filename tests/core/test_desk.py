"""The control side of the preview, with a player that dies when it is told to."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from bridge.protocol.errors import error
from daemon.core.player import Desk
from daemon.core.song import Song

ITEM = {"id": "a", "take": 1, "role": "mix", "rate": 1000, "frames": 20_000, "start": 6000,
        "loop": [6000, 14_000], "origin_s": 0.0}  # fmt: skip
WHERE = {"state": "playing", "id": "a", "take": 1, "role": "mix", "source_position": 9.0,
         "song_beat": 17.0, "launched": "bar"}  # fmt: skip


class Player:
    """Answers every question well."""

    def __init__(self):
        self.starts, self.running, self.asked, self.told = 0, False, [], []
        self.heard = self.looked = self.died = self.missing = None
        self.answer = {}

    async def start(self):
        was, self.running = self.running, True
        self.starts += not was
        return not was

    def tell(self, fields, payload=b""):
        self.told.append(fields)

    async def ask(self, fields):
        self.asked.append(fields)
        if self.missing:
            raise self.missing
        return self.answer

    def die(self):
        self.running = False
        self.died("exit code -9")


def at_desk(work, **more):
    """Do `work(desk, player, settle)` while the desk runs."""

    async def run():
        player = Player()
        desk = Desk(player, None, ("preview",), True, Song(), **more)
        running = asyncio.create_task(desk.run())

        async def settle():
            for _ in range(20):
                await asyncio.sleep(0)

        await settle()
        try:
            await work(desk, player, settle)
        finally:
            running.cancel()

    asyncio.run(run())


def test_a_new_player_is_told_what_the_old_one_knew_and_plays_on():
    async def work(desk, player, settle):
        begun = []
        desk.begun = lambda: begun.append(len(player.asked))
        desk.loop(True)
        desk.gain(-6.0)
        await desk.play_item(ITEM, ("preview", "jack"))
        player.looked(WHERE)
        player.told.clear()
        player.die()
        await settle()
        assert player.starts == 2
        assert [(f["do"], f.get("on", f.get("db"))) for f in player.told[:2]] == [
            ("loop", True),
            ("gain", -6.0),
        ]
        assert begun == [0, 1], "before what played is asked for again"
        assert player.asked[-1] == {
            "do": "play",
            "item": {**ITEM, "start": 9000},
            "outputs": ["preview", "jack"],
            "begin": {"when": "bar", "beat": 17.0, "later": True},
        }

    at_desk(work)


def test_a_device_that_is_not_there_yet_is_told_until_what_played_goes_on():
    async def work(desk, player, settle):
        await desk.play_item(ITEM, ("preview",))
        player.looked(WHERE)
        player.missing = error(402, "no device: connect one")
        player.die()
        await settle()
        assert desk.health()["message"] == "no device: connect one"
        player.looked({"state": "stopped"})
        assert desk.health()["state"] == "trouble"
        player.looked(WHERE)
        assert desk.health() == {"state": "on", "message": ""}

    at_desk(work)


def test_a_player_that_ends_while_it_is_asked_how_it_is_is_off():
    async def work(desk, player, settle):
        await desk.ready()
        player.missing = error(402, "the player has stopped: send that once more")
        sent = []
        desk.state(SimpleNamespace(send=lambda *message: sent.append(message)))
        await settle()
        ((address, told),) = sent
        assert address == "/punchin/player.reply"
        off = {"state": "off", "position": None, "level": None, "true_peak": None}
        assert json.loads(told).items() >= off.items()

    at_desk(work)


def test_what_was_stopped_is_not_played_again():
    async def work(desk, player, settle):
        await desk.play_item(ITEM, ("preview",))
        player.looked(WHERE)
        desk.stop(lambda problem: pytest.fail(str(problem)))
        await settle()
        player.die()
        await settle()
        assert (player.starts, len(player.asked)) == (1, 1)

    at_desk(work)


@pytest.mark.parametrize("same", [True, False])
def test_what_takes_over_a_launched_position_stops_with_the_transport(same):
    async def work(desk, player, settle):
        told = {"playing": 1, "beat": 0.0, "bpm": 120.0}
        desk.hear("osc", "transport", told, 0.0)
        await desk.play_item(ITEM, ("preview",), when="bar")
        await desk.play_item({**ITEM, "role": "stem:bass"}, ("preview",), same=same, when="now")
        desk.hear("osc", "transport", {**told, "playing": 0}, 1.0)
        await settle()
        assert ({"do": "stop"} in player.told) == same

    at_desk(work)


def test_a_solo_ends_with_what_it_was_of():
    async def work(desk, player, settle):
        await desk.play_item(ITEM, ("preview",))
        desk.manner.solo = "drums"
        await desk.play_item({**ITEM, "take": 2}, ("preview",), same=True)
        assert desk.manner.solo == "drums"
        desk.stop(lambda problem: pytest.fail(str(problem)))
        await settle()
        assert desk.manner.solo == ""

    at_desk(work)


def test_a_player_that_keeps_dying_is_left_alone_until_the_next_play():
    async def work(desk, player, settle):
        await desk.play_item(ITEM, ("preview",))
        for _ in range(4):
            player.looked(WHERE)
            player.die()
            await settle()
        assert player.starts == 4
        assert desk.health()["state"] == "trouble"
        assert "keeps dying" in desk.health()["message"]
        await desk.play_item(ITEM, ("preview",))
        assert player.starts == 5

    at_desk(work)


@pytest.mark.parametrize("resident", [True, False])
def test_a_player_that_hears_the_transport_runs_from_the_start_on(resident):
    async def work(desk, player, settle):
        assert player.starts == resident
        if resident:
            player.die()
            await settle()
            assert player.starts == 2
            assert not player.asked
            told = {"playing": 1, "beat": 8.0, "bpm": 90.0}
            news = {"kind": "song", "source": "link", "name": "transport", "at_s": 1.0}
            player.heard({**news, "told": told})
            assert (desk.song.source, desk.song.line.bpm) == ("link", 90.0)

    at_desk(work, resident=resident)


def test_what_is_wrong_with_a_new_play_is_not_forgotten_with_what_the_old_one_was_owed():
    async def work(desk, player, settle):
        await desk.play_item(ITEM, ("preview",))
        player.looked(WHERE)
        player.die()
        await settle()
        player.answer = {"trouble": "no destination: name one"}
        await desk.play_item({**ITEM, "id": "b"}, ("preview", "reastream"))
        player.looked({**WHERE, "id": "b"})
        assert desk.manner.trouble == "no destination: name one"

    at_desk(work)
