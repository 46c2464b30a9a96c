"""The same journeys with a socket library installed: messages go as OSC over UDP."""

from __future__ import annotations

import json

import pytest
from desk import Desk
from fake_sockets import Sockets
from test_actions import (  # noqa: F401
    test_a_take_accepted_elsewhere_becomes_the_active_one,
    test_open_jobs_of_the_project_are_cancelled,
    test_takes_are_stepped_through_and_the_daemon_hears_of_ours,
)
from test_context import (  # noqa: F401
    pad,
    test_a_pad_s_repaint_lands_on_the_item,
    test_an_item_that_is_not_its_file_gives_no_region,
    test_the_selection_is_the_context_to_the_sample,
    test_time_alone_is_for_new_music,
)
from test_forms import test_layer_asks_which_instrument  # noqa: F401
from test_import import test_what_was_locked_is_brought_in_later  # noqa: F401
from test_journeys import *  # noqa: F403
from test_panel import gui, test_presets_come_from_the_daemon  # noqa: F401
from test_service import (  # noqa: F401
    test_a_daemon_is_started_and_stopped,
    test_a_running_daemon_is_not_started_again,
    test_status_names_engine_and_jobs,
)
from test_words import (  # noqa: F401
    test_a_cancelled_form_changes_nothing,
    test_an_engine_that_can_t_edit_offers_a_repaint,
    test_edited_words_are_kept_in_the_notes_and_sung,
)
from wire_house import House


@pytest.fixture(params=["lua54"])
def desk(request, tmp_path, reaper_house):
    """REAPER with a socket library, beside a running daemon."""
    made, sockets = Desk(request.param, tmp_path, reaper_house.home), Sockets()
    sockets.install(made.world)
    made.sockets = sockets
    outbox = reaper_house.home / "outbox"
    before = set(outbox.iterdir())
    yield made
    made.world.close()
    sockets.close()
    reaper_house.settle()
    assert not made.world.breaches, made.world.breaches
    assert not sockets.breaches, sockets.breaches
    answers = [json.loads(p.read_text("utf-8")) for p in set(outbox.glob("*.json")) - before]
    if sockets.sent:  # only the question whether anyone is there goes through the mailbox
        assert {m["address"] for rows in answers for m in rows} <= {"/punchin/version.reply"}


@pytest.fixture(params=["lua53", "lua54"])
def lone_desk(request, tmp_path):
    """REAPER with a socket library, without a daemon."""
    made, sockets = Desk(request.param, tmp_path, tmp_path / "home"), Sockets()
    sockets.install(made.world)
    made.sockets = sockets
    yield made
    made.world.close()
    sockets.close()
    assert not made.world.breaches, made.world.breaches


def test_packets_are_what_is_sent(desk):
    assert "is running" in desk.told("Daemon status")
    assert desk.sockets.sent == 1


def test_a_stale_port_is_told(lone_desk):
    """The daemon died without a word: its file is there, but nobody listens."""
    lone_desk.home.mkdir()
    facts = {"pid": 1, "host": "127.0.0.1", "port": 9, "protocol": 1, "version": "0"}
    (lone_desk.home / "daemon.json").write_text(json.dumps(facts))
    lone_desk.item(lone_desk.audio())
    lone_desk.select(0.5, 1.0)
    assert "does not answer" in lone_desk.told("Repaint time selection")
    assert lone_desk.sockets.sent >= 1
    assert ("punchin", "jobs") not in lone_desk.project.ext


def test_a_request_waits_for_a_daemon_that_is_started(lone_desk):
    """A packet to nobody is lost: what was asked goes through the mailbox then."""
    houses = []
    lone_desk.home.mkdir()
    facts = {"pid": 1, "host": "127.0.0.1", "port": 9, "protocol": 1, "version": "0"}
    (lone_desk.home / "daemon.json").write_text(json.dumps(facts))
    lone_desk.world.ext["punchin", "autostart"] = "yes"
    lone_desk.world.on_command = lambda command: houses.append(House(lone_desk.home))
    item = lone_desk.item(lone_desk.audio())
    lone_desk.select(0.5, 1.0)
    try:
        lone_desk.press("Repaint time selection")
        lone_desk.until(lambda: len(item.takes) == 2)
    finally:
        for house in houses:
            house.stop()


def test_what_is_too_big_for_a_packet_goes_through_the_mailbox(lone_desk):
    house = House(lone_desk.home)
    try:
        item = lone_desk.item(lone_desk.audio())
        item.notes = "\n".join(f"line {i} of a very long song" for i in range(400))
        lone_desk.select(0.5, 1.0)
        lone_desk.delivered("Repaint time selection")
        job = json.loads(item.takes[1].ext["punchin"])["job"]
        assert house.job(job)["request"]["lyrics"] == item.notes
    finally:
        house.stop()


@pytest.mark.parametrize("name", ["describe", "presets"])
def test_a_reply_in_pieces_is_joined(desk, name):
    """The reply to describe is longer than any packet."""
    script = desk.folder / "scripts" / "ask.lua"
    script.parent.mkdir()
    script.write_text(f"""
package.path = "{desk.world.scripts}/lib/?.lua;" .. package.path
require("post").send("/punchin/{name}", {{}}, function(told)
  local args = require("post").find(told, "/punchin/{name}.reply")
  reaper.ShowConsoleMsg(args[1])
end)
""")
    before = len(desk.world.console)
    desk.world.run(str(script))
    desk.until(lambda: len(desk.world.console) > before)
    answers = json.loads(desk.world.console[before])
    assert answers["keys" if name == "describe" else "tasks"]


@pytest.mark.parametrize("told", ["mailbox", "udp"])
def test_settings_can_choose_the_link(desk, told):
    desk.world.ext["punchin", "link"] = told
    assert "is running" in desk.told("Daemon status")
    used, desk.sockets.sent = desk.sockets.sent, 0
    assert used == (1 if told == "udp" else 0)
