"""Section 4 of the wire contract: every key, its range, and what comes of it."""

import pytest

from bridge.protocol.ops import KEY, OP

TEXT = 256 * 1024


def test_the_table_has_all_of_the_contracts_keys():
    contract = """start end start_frame end_frame start_beat end_beat clip_start clip_end
    clip_start_frame clip_end_frame seconds bars bpm meter downbeat tempomap key prompt negative
    lyrics lyrics_file language preset seed takes strength steps guidance context reference
    track stems plan engine of format sinks folder priority slot tag side"""
    assert set(contract.split()) <= set(KEY)
    ops = "generate repaint extend bgm cover retake edit layer stems analyze"
    assert set(ops.split()) <= set(OP)


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("bpm", (20, 400, 20.0), (19.99, 400.01, float("nan"), float("inf"), -1)),
        ("seed", (0, 2**31 - 1, 5.0), (-1, 2**31)),
        ("takes", (1, 8), (0, 9, -1)),
        ("strength", (0, 1, 0.5), (-0.01, 1.01)),
        ("priority", (0, 1, 2), (-1, 3)),
        ("seconds", (0.001, 60), (0, -1)),
        ("bars", (0.25, 64), (0, -1)),
        ("meter", ("4/4", "1/1", "7/8", "32/32"), ("4/3", "0/4", "33/4")),
        ("format", ("source", "wav16", "wav24", "wav32f", "flac"), ("mp3", "", "WAV16")),
        ("sinks", ("file",), ("loudspeaker", "file,radio")),
        ("track", ("bass", "backing_vocals"), ("kazoo", "")),
        ("stems", ("drums", "drums,bass,other"), ("drums,kazoo",)),
        ("side", ("after", "before", "both"), ("left",)),
        ("tempomap", ("[[0,20,1,1]]", "[[-5,400,4,4,1],[9,20,4,4,0]]"), ("[[0,19,4,4]]",)),
    ],
)
def test_the_edges_of_ranges(verdict, key, good, bad):
    for value in good:
        assert verdict(key, value) == 0, value
    for value in bad:
        assert verdict(key, value) == 103, value


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("seed", (0.5, "1")),
        ("takes", (1.5, "two")),
        ("bpm", ("120",)),
        ("meter", (4, "4", "4/4/4", "a/b")),
        ("key", ("H major", "C sharp", 5)),
        ("tempomap", ("", "{}", "[]", "[1]", "[[0,90]]", "[[0,90,4,4],[0,91,4,4]]", 5)),
        ("prompt", (5,)),
        ("stems", ("", "a,,b", ",")),
        ("slot", ("", "../x", "a b")),
        ("of", ("", "a/b", "id:x")),
        ("start", ("0:30",)),
        ("start_frame", (0.5,)),
    ],
)
def test_wrong_kinds_are_101(verdict, key, values):
    for value in values:
        assert verdict(key, value) == 101, value


@pytest.mark.parametrize("key", ["prompt", "negative", "lyrics"])
def test_texts_hold_256_kib(verdict, key):
    assert verdict(key, "x" * TEXT) == 0
    assert verdict(key, "ä" * (TEXT // 2)) == 0
    assert verdict(key, "x" * (TEXT + 1)) == 106
    assert verdict(key, "ä" * (TEXT // 2) + "x") == 106


def test_a_tag_holds_1_kb(house, tcp, song, new_id, verdict):
    job_id, tag = new_id(), "𝄞ä\n" * 146
    tcp.send("/punchin/stems", job_id, song, "tag", tag)
    assert tcp.until("accepted").args[3] == tag
    assert house.job(job_id)["tag"] == tag
    assert verdict("tag", "x" * 1024) == 0
    assert verdict("tag", "x" * 1025) == 106


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("C#m", "C# minor"),
        ("bb", "Bb major"),
        ("f# MINOR", "F# minor"),
        ("G", "G major"),
        ("Am", "A minor"),
    ],
)
def test_keys_are_written_one_way(house, tcp, song, new_id, given, written):
    job_id = new_id()
    tcp.send("/punchin/stems", job_id, song, "key", given)
    tcp.until("accepted", id=job_id)
    assert house.job(job_id)["request"]["key"] == written


@pytest.mark.parametrize(
    "keys",
    [
        ("start", 0.5, "start_frame", 10, "end", 1.0),
        ("start", 0.5, "end_frame", 8000),
        ("start_beat", 0, "end", 1.0),
        ("clip_start", 0.0, "clip_start_frame", 0),
        ("lyrics", "a", "lyrics_file", "/b"),
        ("seconds", 1.0, "bars", 1),
    ],
)
def test_one_form_of_a_thing(verdict, keys):
    assert verdict(*keys, op="extend") == 101


# -- the region ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (("start", -0.01, "end", 1.0), 203),
        (("start", 1.0, "end", 0.5), 203),
        (("start", 1.0, "end", 1.0), 203),
        (("start", 1.0, "end", 1.009), 203),
        (("start", 1.0, "end", 1.010), 0),
        (("start", 1.0, "end", 2.0), 0),
        (("start", 1.0, "end", 2.010), 0),  # up to 10 ms beyond means the end
        (("start", 1.0, "end", 2.011), 203),
        (("start", 2.5, "end", 3.0), 203),
        (("start_frame", 0, "end_frame", 80), 0),
        (("start_frame", 0, "end_frame", 79), 203),
        (("start_frame", 0, "end_frame", 16_080), 0),
        (("start_frame", 0, "end_frame", 16_081), 203),
        (("start_frame", -1, "end_frame", 800), 203),
        (("bpm", 120, "downbeat", 0.0, "start_beat", 0, "end_beat", 4), 0),
        (("bpm", 120, "downbeat", 0.0, "start_beat", 0, "end_beat", 5), 203),
        (("bpm", 120, "downbeat", 0.5, "start_beat", -1, "end_beat", 1), 0),
        (("bpm", 120, "downbeat", 0.5, "start_beat", -2, "end_beat", 1), 203),
        (("start", 0.5, "end", 1.0, "clip_start", 0.0, "clip_end", 9.0), 0),  # merely a bound
    ],
)
def test_where_a_region_may_lie(verdict, keys, code):
    assert verdict(*keys, op="repaint") == code
    assert verdict(*keys, op="bgm") == code


def test_a_region_in_beats_lies_on_the_grid(tcp, song, new_id):
    keys = ("bpm", 100.0, "downbeat", 0.3, "start_beat", 1, "end_beat", 2.5)
    result = tcp.done("repaint", new_id(), song, *keys)
    frames = [result["region_start_frame"], result["region_end_frame"]]
    assert frames == [round((0.3 + q * 0.6) * 8000) for q in (1, 2.5)]
    assert (result["bpm"], result["downbeat"]) == (100, pytest.approx(0.3))


def test_bpm_counts_quarter_notes_in_every_metre(tcp, song, new_id):
    keys = ("bpm", 120.0, "meter", "6/8", "downbeat", 0.0, "bars", 1)
    result = tcp.done("extend", new_id(), song, *keys)
    assert result["region_end_frame"] - result["region_start_frame"] == round(3 * 0.5 * 8000)


# -- what is ignored -------------------------------------------------------------------------------


def test_keys_that_nobody_uses_are_listed(tcp, song, new_id):
    keys = (
        "bars",
        2,
        "side",
        "after",
        "steps",
        20,
        "guidance",
        3.0,
        "track",
        "bass",
        "strength",
        0.5,
    )
    result = tcp.done("repaint", new_id(), song, "start", 0.5, "end", 1.0, *keys, "tag", "t")
    assert set(result["ignored"]) == {"bars", "side", "steps", "guidance", "track"}


def test_an_ignored_region_of_generate_is_listed(tcp, new_id):
    keys = ("seconds", 0.5, "start", 3.0, "end", 1.0, "of", "never-was", "context", 1.0)
    result = tcp.done("generate", new_id(), *keys)
    assert set(result["ignored"]) == {"start", "end", "of", "context"}


def test_nothing_is_ignored_without_a_reason(tcp, song, new_id):
    keys = ("start", 0.5, "end", 1.0, "seed", 1, "takes", 2, "bpm", 90, "meter", "3/4", "key", "A")
    more = (
        "prompt",
        "p",
        "lyrics",
        "l",
        "format",
        "wav16",
        "priority",
        1,
        "slot",
        "s",
        "context",
        1,
    )
    assert tcp.done("repaint", new_id(), song, *keys, *more)["ignored"] == []


def test_the_contexts_keys_are_not_called_ignored(tcp, song, new_id):
    tcp.send("/punchin/set", "steps", 20)
    assert tcp.done("repaint", new_id(), song, "start", 0.5, "end", 1.0)["ignored"] == []
