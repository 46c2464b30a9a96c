"""Section 7 of the wire contract: preview through the wire, on a device that only keeps time."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
import soundfile
from patience import PATIENCE_S, in_time
from wire_house import House, wait_for

RATE = 8000


@pytest.fixture(scope="module")
def sounding_house(tmp_path_factory):
    house = House(
        tmp_path_factory.mktemp("sounding"),
        PUNCHIN_AUDIO_DEVICE="none",
        PUNCHIN_AUDIO_DEVICE_RATE="48000",
        PUNCHIN_AUDIO_PREROLL_S="0.05",
    )
    yield house
    house.stop()


@pytest.fixture
def house(sounding_house):
    with sounding_house.tcp() as client:
        for message in (("stop",), ("loop", 0), ("gain", 0.0), ("launch", "now"), ("cancel", "*")):
            client.send(f"/punchin/{message[0]}", *message[1:])
        client.send("/punchin/reset")
        client.quiet()
        player(client, lambda p: p["state"] in ("off", "stopped"))
    return sounding_house


def player(client, wanted=lambda _told: True):
    """What the player tells as soon as it is as wanted."""

    def look():
        told = client.ask("player")
        return told if wanted(told) else None

    return wait_for(look, "the player never got there")


def playing(job_id, **more):
    wanted = {"id": job_id, "state": "playing", **more}
    return lambda told: wanted.items() <= told.items() and told["position"] > 0


@pytest.fixture
def song(make_wav):
    return make_wav(seconds=20.0)


@pytest.fixture
def repainted(tcp, song, new_id):
    """A finished repaint of 8…12 s with two takes."""
    job_id = new_id("paint")
    tcp.send("/punchin/tempo", 120.0, 4, 4)
    tcp.send("/punchin/downbeat", 0.0)
    tcp.send("/punchin/region", song, 8.0, 12.0)
    tcp.done("repaint", job_id, "takes", 2)
    return job_id


# -- play ------------------------------------------------------------------------------------------


def test_play_begins_a_bar_before_the_region_and_tells_where_it_is(tcp, repainted):
    late = tcp.ask("player")["underruns"]  # of tests before

    def attempt(_number):
        begin = time.monotonic()
        tcp.send("/punchin/play", repainted)
        told = player(tcp, playing(repainted))
        assert 6.0 <= told["position"] <= 6.0 + time.monotonic() - begin
        assert told["underruns"] == late
        return told

    told = in_time(attempt)
    assert (told["take"], told["role"], told["seconds"]) == (1, "mix", 20.0)
    assert told["loop"] == [6.0, 14.0]
    assert (told["device"], told["outputs"][0]["device"]) == ("none", "none")
    assert -40 < told["level"] <= told["true_peak"] + 1e-9
    later = player(tcp, lambda p: p["position"] > told["position"])
    assert later["state"] == "playing"
    tcp.send("/punchin/stop")
    assert player(tcp, lambda p: p["state"] == "stopped")["position"] is None


def test_take_0_is_the_source_and_the_chosen_take_is_the_default(tcp, repainted):
    tcp.send("/punchin/play", repainted, 0)
    told = player(tcp, playing(repainted, take=0))
    assert (told["seconds"], told["loop"]) == (20.0, [6.0, 14.0])
    tcp.send("/punchin/accept", repainted, 2)
    tcp.send("/punchin/play", repainted)
    assert player(tcp, playing(repainted, take=2))


def test_a_role_plays_alone_from_its_own_beginning(tcp, repainted):
    tcp.send("/punchin/loop", 1)  # it is still there however late the look
    tcp.send("/punchin/play", repainted, 1, "region")
    told = player(tcp, playing(repainted, role="region"))
    assert told["seconds"] == 4.0
    assert 8.0 <= told["source_position"] < 12.0


def test_the_players_rate_is_its_own(tcp, repainted):
    tcp.send("/punchin/play", repainted)
    told = player(tcp, playing(repainted))
    output = next(row for row in told["outputs"] if row["name"] == "preview")
    assert (output["rate"], output["state"]) == (48_000, "open")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (("play", "no-such-job"), 108),
        (("play", "JOB", 7), 108),
        (("play", "JOB", 1, "stem:kazoo"), 101),
        (("swap", "no-such-job", 1), 108),
        (("swap", "JOB", 5), 108),
        (("play", "JOB", 9), 103),
        (("play", "-bad"), 104),
        (("gain", 40.0), 103),
        (("launch", "later"), 103),
        (("solo", "bass"), 101),
        (("loop",), 101),
    ],
)
def test_what_can_t_be_is_told_with_a_number(tcp, repainted, message, code):
    tcp.send("/punchin/stop")
    words = [repainted if word == "JOB" else word for word in message[1:]]
    assert tcp.error(f"/punchin/{message[0]}", *words)[0] in (code, *([101] if code == 103 else []))


def test_a_result_that_is_gone_is_told(house, tcp, repainted):
    Path(house.path(repainted)).unlink()
    tcp.send("/punchin/play", repainted)
    assert tcp.until("error").args[0] == 200


def test_analysis_has_nothing_to_play(tcp, song, new_id):
    job_id = new_id()
    tcp.done("analyze", job_id, song)
    assert tcp.error("/punchin/play", job_id)[0] == 108
    tcp.send("/punchin/play", job_id, 0)
    assert player(tcp, playing(job_id, take=0))


def test_a_new_play_takes_over(tcp, repainted, song, new_id):
    other = new_id()
    tcp.done("bgm", other, song)
    tcp.send("/punchin/play", repainted)
    player(tcp, playing(repainted))
    begin = time.monotonic()
    tcp.send("/punchin/play", other)
    told = player(tcp, playing(other))
    assert told["position"] <= time.monotonic() - begin


# -- manners ---------------------------------------------------------------------------------------


def test_swap_keeps_the_position_and_loop_goes_round(tcp, repainted):
    tcp.send("/punchin/play", repainted, 1)
    begin = time.monotonic()
    before = player(tcp, playing(repainted))
    tcp.send("/punchin/swap", repainted, 2)
    after = player(tcp, playing(repainted, take=2))
    passed_s = time.monotonic() - begin
    assert before["position"] < after["position"] < before["position"] + passed_s
    tcp.send("/punchin/swap", repainted, 0)
    assert player(tcp, playing(repainted, take=0))["position"] > after["position"]


def test_swap_goes_on_in_the_role_that_plays(tcp, song, new_id):
    job_id = new_id("long")
    tcp.done("repaint", job_id, song, "start", 8.0, "end", 20.0, "takes", 2)
    tcp.send("/punchin/play", job_id, 1, "region")
    before = player(tcp, playing(job_id, role="region"))
    tcp.send("/punchin/swap", job_id, 2)
    after = player(tcp, playing(job_id, take=2))
    assert after["role"] == "region"
    assert before["position"] < after["position"] <= 12.0
    tcp.send("/punchin/swap", job_id, 0)
    assert player(tcp, playing(job_id, take=0))["position"] > 8.0 + after["position"]


def test_a_stem_has_one_name_however_it_is_asked_for(tcp, song, new_id):
    job_id = new_id()
    tcp.done("bgm", job_id, song)
    tcp.send("/punchin/play", job_id, 1, "bass")
    assert player(tcp, playing(job_id))["role"] == "stem:bass"


def test_a_short_loop_goes_round(tcp, song, new_id):
    job_id = new_id()
    tcp.done("generate", job_id, "seconds", 0.25)
    tcp.send("/punchin/loop", 1)
    tcp.send("/punchin/play", job_id)
    told = player(tcp, lambda p: p.get("loops", 0) >= 2)
    assert told["looping"] is True
    tcp.send("/punchin/loop", 0)
    assert player(tcp, lambda p: p["state"] == "stopped")["looping"] is False


def test_gain_is_heard_in_the_level(tcp, repainted):
    tcp.send("/punchin/play", repainted)
    loud = player(tcp, playing(repainted))["true_peak"]
    tcp.send("/punchin/gain", -60.0)
    told = player(tcp, lambda p: p["level"] < -60)
    assert told["gain_db"] == -60.0
    assert loud > -15


def test_solo_plays_one_stem_alone_and_again_the_mix(tcp, song, new_id):
    job_id = new_id()
    tcp.done("bgm", job_id, song)
    tcp.send("/punchin/play", job_id)
    player(tcp, playing(job_id, role="mix"))
    tcp.send("/punchin/solo", "bass")
    told = player(tcp, playing(job_id, role="stem:bass"))
    assert told["solo"] == "bass"
    tcp.send("/punchin/solo", "bass")
    assert player(tcp, playing(job_id, role="mix"))["solo"] == ""
    assert tcp.error("/punchin/solo", "kazoo")[0] == 101


def test_with_no_running_transport_a_bar_is_now(tcp, repainted):
    tcp.send("/punchin/launch", "bar")
    tcp.send("/punchin/play", repainted)
    assert player(tcp, playing(repainted))["launch"] == "bar"


def test_a_launch_waits_for_the_bar_and_stops_with_the_transport(tcp, repainted):
    tcp.send("/punchin/launch", "bar")
    tcp.send("/punchin/transport", 1, 0.1, 20.0, 0.1)
    tcp.send("/punchin/play", repainted)
    told = player(tcp, lambda p: p["state"] == "cued")
    assert told["transport"]["playing"]
    tcp.send("/punchin/transport", 1, 3.99, 120.0, 3.99)
    assert player(tcp, playing(repainted))
    tcp.send("/punchin/transport", 0, 8.0, 120.0)
    assert player(tcp, lambda p: p["state"] == "stopped")


def test_clearing_the_transport_lets_a_bar_be_now(tcp, repainted):
    tcp.send("/punchin/launch", "bar")
    tcp.send("/punchin/transport", 1, 0.1, 20.0)
    tcp.send("/punchin/play", repainted)
    tcp.send("/punchin/transport", "")
    assert player(tcp, playing(repainted))


# -- jobs that are heard while they work -----------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "keys", "seconds"),
    [
        ("repaint", ("start", 8.0, "end", 12.0), 20.0),
        ("extend", ("seconds", 3.0), 23.0),
        ("bgm", (), 20.0),
        ("cover", (), 20.0),
        ("layer", ("track", "bass"), 20.0),
        ("stems", ("stems", "vocals,other"), 20.0),
        ("generate", ("seconds", 20.0), 20.0),
    ],
)
def test_a_job_with_a_preview_sounds_by_itself(tcp, song, new_id, op, keys, seconds):
    job_id = new_id()
    source = () if op == "generate" else (song,)
    tcp.send("/punchin/loop", 1)  # it is still there however late the look
    result = tcp.done(op, job_id, *source, *keys, "takes", 2, "sinks", "file,preview")
    told = player(tcp, playing(job_id))
    assert (told["take"], told["seconds"]) == (1, seconds)
    assert told["level"] > -60
    assert not [n for n in result["notes"] if "not heard" in n]


def test_a_job_sounds_before_it_is_done_and_plays_its_file_afterwards(tcp, song, new_id, tmp_path):
    """The second take waits for its cancel; the first is heard meanwhile."""
    job_id, later = new_id(), ("seed", 9, "prompt", f"hold {tmp_path / 'go'} after 9")
    tcp.send("/punchin/loop", 1)
    tcp.send("/punchin/bgm", job_id, song, "takes", 2, "sinks", "preview", *later)
    tcp.until("file", id=job_id)
    assert player(tcp, playing(job_id))
    tcp.send("/punchin/cancel", job_id)
    assert tcp.until("cancelled", id=job_id)
    # Its first take is whole and goes on.
    assert player(tcp, playing(job_id))


def test_a_running_job_that_nobody_hears_can_t_be_played(tcp, song, new_id, tmp_path):
    job_id = new_id()
    tcp.send("/punchin/bgm", job_id, song, "prompt", f"hold {tmp_path / 'go'}")
    tcp.until("started", id=job_id)
    assert tcp.error("/punchin/play", job_id)[0] == 108
    tcp.send("/punchin/cancel", job_id)


def test_a_job_that_fails_falls_silent_and_fails_as_ever(tcp, song, new_id):
    job_id = new_id()
    tcp.send("/punchin/bgm", job_id, song, "sinks", "preview", "prompt", "nan")
    assert tcp.until("failed", id=job_id).args[1] == 307
    assert player(tcp, lambda p: p["state"] in ("off", "stopped"))


def test_stop_is_not_undone_by_the_next_chunk(tcp, song, new_id):
    job_id = new_id()
    tcp.done("bgm", job_id, song, "sinks", "preview")
    player(tcp, playing(job_id))
    tcp.send("/punchin/stop")
    assert player(tcp, lambda p: p["state"] == "stopped")


# -- the player's process --------------------------------------------------------------------------


def child(house):
    """The player's pid."""
    for process in psutil.Process(house.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if "daemon.player" in process.cmdline():
                return process.pid
    return None


def kill_player(house):
    """Kill it and wait until there is another."""
    pid = child(house)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: child(house) not in (None, pid) or None, "no new player")


def test_a_player_that_is_killed_comes_back_and_plays_on(house, tcp, new_id):
    job_id = new_id()
    tcp.done("generate", job_id, "seconds", 3.0)
    tcp.send("/punchin/loop", 1)
    tcp.send("/punchin/play", job_id)
    before = player(tcp, lambda p: p["state"] == "playing" and p["position"] > 1.0)
    kill_player(house)
    after = player(tcp, playing(job_id))
    assert "started again" in after["trouble"] or after["trouble"] == ""
    went_on = before["position"] <= after["position"] <= 3.0
    assert went_on or after["loops"], "not from its beginning"
    assert player(tcp, lambda p: p["loops"] >= 1)["looping"]
    assert tcp.done("retake", f"{job_id}-again", "of", job_id)


def test_a_job_at_work_is_heard_on_after_the_player_was_killed(house, tcp, song, new_id):
    """The engine makes its drums, and nothing more until it is cancelled."""
    job_id = new_id()
    tcp.send("/punchin/bgm", job_id, song, "sinks", "preview", "prompt", "pause 600")
    before = player(tcp, lambda p: p.get("id") == job_id and (p["position"] or 0) > 1.0)
    kill_player(house)
    after = player(tcp, playing(job_id))
    assert after["position"] >= before["position"]
    # What the job had sent is still there.
    player(tcp, lambda p: p["id"] == job_id and p["level"] > -60)
    assert house.job(job_id)["state"] == "running"
    tcp.send("/punchin/cancel", job_id)
    assert tcp.until("cancelled", id=job_id)


def test_what_had_stopped_stays_silent_after_the_player_was_killed(house, tcp, repainted):
    tcp.send("/punchin/play", repainted, 1, "region")
    player(tcp, playing(repainted, role="region"))
    tcp.send("/punchin/stop")
    player(tcp, lambda p: p["state"] == "stopped")
    os.kill(child(house), signal.SIGKILL)
    player(tcp, lambda p: p["state"] == "off")
    assert "started again" in tcp.ask("status")["audio"]["message"]
    tcp.send("/punchin/play", repainted, 2)
    assert player(tcp, playing(repainted, take=2))


def test_a_missing_device_is_402_and_costs_no_job(make_house, make_wav):
    house = make_house(PUNCHIN_AUDIO_DEVICE="no such device", JACK_NO_START_SERVER="1")
    song = make_wav(seconds=1.0)
    with house.tcp() as tcp:
        result = tcp.done("bgm", "a", song, "sinks", "preview")
        assert tcp.error("/punchin/play", "a")[0] == 402
        told = tcp.ask("player")
        assert told["state"] in ("off", "stopped")
        assert told["trouble"]
        assert tcp.ask("status")["audio"]["state"] == "trouble"
        assert tcp.done("retake", "b", "of", "a")
        assert isinstance(result["notes"], list)
        tcp.send("/punchin/quit")
        assert tcp.until("done").args[0] == "quit"
    assert house.process.wait(PATIENCE_S) == 0


def test_quit_ends_the_player(make_house, make_wav):
    house = make_house(PUNCHIN_AUDIO_DEVICE="none")
    with house.tcp() as tcp:
        tcp.done("bgm", "a", make_wav(seconds=1.0), "sinks", "preview")
        player(tcp, lambda p: p["state"] != "off")
        pid = child(house)
        tcp.send("/punchin/quit")
        tcp.until("done")
    assert house.process.wait(PATIENCE_S) == 0
    wait_for(lambda: not psutil.pid_exists(pid) or None, "the player lives on")


def test_player_reply_before_anything_played(make_house):
    house = make_house(PUNCHIN_AUDIO_DEVICE="none")
    with house.udp() as udp:
        told = udp.ask("player")
    assert (told["state"], told["position"], told["underruns"]) == ("off", None, 0)
    assert json.dumps(told)


def test_the_file_that_is_played_is_the_result(house, tcp, repainted):
    assert soundfile.info(house.path(repainted)).frames == 20 * RATE


def test_one_output_that_is_missing_does_not_silence_the_other(house, tcp, song, new_id):
    """No ReaStream destination is set."""
    job_id = new_id()
    result = tcp.done("bgm", job_id, song, "sinks", "preview,reastream")
    told = player(tcp, playing(job_id))
    assert told["trouble"]
    assert not [n for n in result["notes"] if "not heard" in n]
    assert tcp.done("bgm", new_id(), song, "sinks", "reastream")
