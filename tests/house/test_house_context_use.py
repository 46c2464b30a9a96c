"""Section 2 of the wire contract: whom the context serves, and which word counts."""

import json
from pathlib import Path

import pytest
from house_wire import tell
from wire_house import House

RATE = 8000


@pytest.fixture
def song(make_wav):
    return make_wav(seconds=4.0)


# -- whom it serves --------------------------------------------------------------------------------


def test_one_clients_context_serves_anothers_job(house, song, tcp, new_id):
    tell(tcp, ("region", song, 1.0, 2.0), ("prompt", "by the script"))
    with house.udp() as pad:
        pad.send("/punchin/do", "repaint", 1.0)
        job_id = pad.until("accepted").args[0]
    request = house.job(job_id)["request"]
    assert request["source"] == song
    assert (request["start"], request["end"], request["prompt"]) == (1.0, 2.0, "by the script")


def test_a_job_keeps_the_context_of_its_acceptance(house, tcp, song, new_id):
    first, second = new_id(), new_id()
    tcp.send("/punchin/bgm", first, song, "prompt", "wait 0.2")
    tell(tcp, ("key", "D minor"))
    tcp.send("/punchin/bgm", second, song)
    tcp.until("accepted", id=second)
    tell(tcp, ("key", "E minor"), ("set", "steps", 3))
    tcp.events(second)
    assert house.job(second)["request"]["key"] == "D minor"
    assert "steps" not in house.job(second)["request"]


def test_what_belongs_to_the_source_serves_only_that_file(tcp, song, make_wav, request_of):
    other = make_wav("other.wav", seconds=4.0)
    tell(
        tcp,
        ("region", song, 1.0, 2.0, 0.5, 3.0),
        ("downbeat", 0.5),
        ("tempomap", "[[0, 90, 4, 4]]"),
        ("tempo", 77.0, 3, 4),
        ("key", "A minor"),
        ("prompt", "p"),
        ("lyrics", "l"),
        ("set", "steps", 7),
    )
    same = request_of("bgm", song)
    assert (same["start"], same["end"]) == (1.0, 2.0)
    assert (same["clip_start"], same["clip_end"], same["downbeat"]) == (0.5, 3.0, 0.5)
    assert json.loads(same["tempomap"])[0][1] == 90
    foreign = request_of("bgm", other, "prompt", "wait 600")
    own = {"start", "end", "clip_start", "clip_end", "tempomap"}
    assert not own & foreign.keys()
    assert foreign["bpm"] == 77
    assert foreign["meter"] == "3/4"
    assert (foreign["key"], foreign["lyrics"], foreign["steps"]) == ("A minor", "l", 7)


def test_another_way_to_the_same_file_is_the_same_file(tcp, song, tmp_path, request_of):
    link = tmp_path / "link.wav"
    link.symlink_to(song)
    tell(tcp, ("region", song, 1.0, 2.0))
    for way in (str(link), str(Path(song).parent / "." / "song.wav")):
        request = request_of("bgm", way)
        assert request["source"] == way
        assert (request["start"], request["end"]) == (1.0, 2.0)


def test_set_serves_every_job_whatever_the_key(tcp, song, request_of):
    tell(tcp, ("set", "downbeat", 0.75, "clip_start", 0.25, "start", 0.5, "end", 1.5))
    request = request_of("bgm", song)
    assert (request["downbeat"], request["clip_start"]) == (0.75, 0.25)
    assert (request["start"], request["end"]) == (0.5, 1.5)


def test_a_new_source_takes_the_old_ones_belongings_away(tcp, song, make_wav):
    other = make_wav("other.wav")
    told = tell(
        tcp,
        ("region", song, 1.0, 2.0),
        ("downbeat", 0.5),
        ("tempomap", "[[0, 90, 4, 4]]"),
        ("place", 1.0, 2.0),
        ("key", "A minor"),
        ("region", other, 0.0, 1.0),
    )
    assert [told[k] for k in ("downbeat", "tempomap", "place")] == [None] * 3
    assert told["key"] == "A minor"


def test_generate_uses_no_region(tcp, song, request_of):
    tell(tcp, ("region", song, 1.0, 2.0), ("tempo", 95.0))
    request = request_of("generate", "seconds", 0.5)
    assert "source" not in request
    assert "start" not in request
    assert request["bpm"] == 95


@pytest.mark.parametrize(
    ("op", "keys"),
    [
        ("extend", ("seconds", 0.5)),
        ("bgm", ()),
        ("cover", ()),
        ("retake", ()),
        ("edit", ("prompt", "p")),
        ("layer", ("track", "bass")),
        ("stems", ()),
        ("analyze", ()),
    ],
)
def test_without_a_source_every_op_takes_the_contexts_region(tcp, song, op, keys, request_of):
    tell(tcp, ("region", song, 1.0, 2.0))
    request = request_of(op, *keys)
    assert (request["source"], request["start"], request["end"]) == (song, 1.0, 2.0)


# -- place and selection ---------------------------------------------------------------------------


def test_with_a_place_a_selection_becomes_a_region(tcp, song, request_of):
    told = tell(
        tcp,
        ("region", song, 0.0, 0.5, 0.0, 3.0),
        ("place", 10.0, 20.0),
        ("selection/start", 11.0),
        ("selection/end", 12.5),
    )
    edges = [told[k] for k in ("source", "start", "end", "clip_start", "clip_end")]
    assert edges == [song, 1.0, 2.5, 0.0, 3.0]
    request = request_of("repaint")
    assert (request["start"], request["end"]) == (1.0, 2.5)


def test_without_a_place_a_selection_is_none(tcp, song):
    told = tell(tcp, ("region", song, 0.0, 0.5), ("selection/start", 1.0), ("selection/end", 2.0))
    assert (told["start"], told["end"]) == (0.0, 0.5)


def test_a_place_after_the_selection_makes_the_region(tcp, song):
    told = tell(
        tcp,
        ("region", song, 0.0, 0.5),
        ("selection/start", 11.0),
        ("selection/end", 12.0),
        ("place", 10.0, 0.0),
    )
    assert (told["start"], told["end"]) == (1.0, 2.0)


def test_a_selection_beyond_the_file_is_held_to_it(tcp, song, new_id):
    tell(
        tcp,
        ("region", song, 0.0, 0.5),
        ("place", 10.0, 0.0),
        ("selection/start", 9.0),
        ("selection/end", 99.0),
    )
    result = tcp.done("repaint", new_id())
    assert (result["region_start_frame"], result["region_end_frame"]) == (0, 4 * RATE)


def test_a_region_told_later_replaces_the_selection(tcp, song):
    told = tell(
        tcp,
        ("region", song, 0.0, 0.5),
        ("place", 10.0, 0.0),
        ("selection/start", 11.0),
        ("selection/end", 12.0),
        ("region", song, 0.25, 0.75),
    )
    assert (told["start"], told["end"]) == (0.25, 0.75)


def test_a_cleared_selection_is_no_region_any_more(tcp, song):
    told = tell(
        tcp,
        ("region", song, 0.0, 0.5),
        ("place", 10.0, 0.0),
        ("selection/start", 11.0),
        ("selection/end", 12.0),
        ("selection/end", ""),
    )
    assert (told["source"], told["start"], told["end"]) == (song, None, None)


# -- precedence ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def preset_house(tmp_path_factory):
    home = tmp_path_factory.mktemp("presets")
    shelf = home / "config" / "presets" / "tasks"
    shelf.mkdir(parents=True)
    for name, steps, guidance in (("strong", 30, 3.0), ("weak", 40, 4.0)):
        values = (
            f"steps = {steps}\nguidance = {guidance}\nstrength = 0.{steps}\nlanguage = '{name}'"
        )
        (shelf / f"{name}.toml").write_text(
            f"description = '{name}'\nops = ['bgm']\n[values]\n{values}\n"
        )
    house = House(home)
    yield house
    house.stop()


def test_every_layer_yields_to_the_one_above(preset_house, make_wav):
    song = make_wav()
    with preset_house.tcp() as client:
        client.send("/punchin/set", "preset", "weak", "steps", 20, "guidance", 2.0)
        client.send("/punchin/lyrics", "la", "told")
        client.send("/punchin/bgm", "all", song, "preset", "strong", "steps", 10)
        client.until("accepted", id="all")
        request = preset_house.job("all")["request"]
        assert request["steps"] == 10  # the job's own key
        assert request["guidance"] == 3.0  # the preset that the job names
        assert request["language"] == "strong"
        client.send("/punchin/bgm", "set", song)
        client.until("accepted", id="set")
        request = preset_house.job("set")["request"]
        assert (request["steps"], request["guidance"]) == (20, 2.0)  # set
        assert request["language"] == "told"  # the context
        assert request["strength"] == 0.4  # the preset that set names
        client.send("/punchin/reset")
        client.send("/punchin/bgm", "none", song)
        client.until("accepted", id="none")
        assert not {"steps", "guidance", "language"} & preset_house.job("none")["request"].keys()


@pytest.mark.parametrize(
    ("told", "asked", "wanted", "hidden"),
    [
        (("region", 1.0, 2.0), ("start_frame", 80, "end_frame", 800), "start_frame", "start"),
        (("region_frames", 80, 800), ("start", 1.0, "end", 2.0), "start", "start_frame"),
        (("region", 1.0, 2.0), ("start_beat", 1, "end_beat", 2), "start_beat", "start"),
    ],
    ids=["frames", "seconds", "beats"],
)
def test_a_jobs_form_of_the_region_hides_the_contexts(
    tcp, song, request_of, told, asked, wanted, hidden
):
    tell(tcp, (told[0], song, *told[1:]))
    request = request_of("repaint", song, *asked)
    assert wanted in request
    assert hidden not in request


def test_the_last_word_on_a_key_counts(tcp, song, request_of):
    tell(tcp, ("set", "bpm", 90.0), ("tempo", 100.0))
    assert request_of("bgm", song)["bpm"] == 100
    tell(tcp, ("set", "bpm", 110.0))
    assert request_of("bgm", song)["bpm"] == 110


def test_the_last_form_of_a_length_counts(tcp, song, request_of):
    tell(tcp, ("set", "bars", 2.0), ("set", "seconds", 0.5))
    request = request_of("extend", song)
    assert request["seconds"] == 0.5
    assert "bars" not in request
