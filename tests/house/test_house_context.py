"""Section 2 of the wire contract: what the DAW tells, whom it serves, and which word counts."""

import json

import pytest
from house_wire import tell

CONTRACT_KEYS = {
    *("source", "start", "end", "clip_start", "clip_end", "bpm", "meter", "downbeat", "tempomap"),
    *("key", "lyrics", "language", "prompt", "lora", "place", "set", "transport"),
}
RATE = 8000


@pytest.fixture
def song(make_wav):
    return make_wav(seconds=4.0)


def test_the_empty_context_has_every_key(tcp):
    told = tcp.ask("context")
    assert told.keys() >= CONTRACT_KEYS
    assert told["set"] == {}
    assert told["transport"] == {}
    assert all(told[k] is None for k in CONTRACT_KEYS - {"set", "transport"})


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (("tempo", 91.5), {"bpm": 91.5, "meter": None}),
        (("tempo", 91.5, 6), {"bpm": 91.5, "meter": "6/4"}),
        (("tempo", 91.5, 6, 8), {"bpm": 91.5, "meter": "6/8"}),
        (("downbeat", -0.25), {"downbeat": -0.25}),
        (("key", "C# minor"), {"key": "C# minor"}),
        (("lyrics", "la\r\nla"), {"lyrics": "la\r\nla", "language": None}),
        (("lyrics", "la", "de"), {"lyrics": "la", "language": "de"}),
        (("prompt", "rock"), {"prompt": "rock"}),
        (("set", "takes", 2, "format", "wav24"), {"set": {"takes": 2, "format": "wav24"}}),
        (
            ("transport", 1, 8.5, 120.0, 0.5),
            {"transport": {"playing": 1, "beat": 8.5, "bpm": 120, "bar_beat": 0.5}},
        ),
        (("transport/playing", 1), {"transport": {"playing": 1}}),
        (("transport/seconds", 2.5), {"transport": {"seconds": 2.5}}),
        (("transport/bpm", 99.0), {"transport": {"bpm": 99}}),
    ],
    ids=lambda v: " ".join(map(str, v)) if isinstance(v, tuple) else "",
)
def test_what_is_told_is_shown(tcp, message, shown):
    told = tell(tcp, message)
    assert {k: told[k] for k in shown} == shown


def test_a_region_with_and_without_its_clip(tcp, song):
    told = tell(tcp, ("region", song, 1.0, 2.0, 0.5, 3.5))
    edges = [told[k] for k in ("source", "start", "end", "clip_start", "clip_end")]
    assert edges == [song, 1.0, 2.0, 0.5, 3.5]
    told = tell(tcp, ("region", song, 1.5, 2.5))
    edges = [told[k] for k in ("source", "start", "end", "clip_start", "clip_end")]
    assert edges == [song, 1.5, 2.5, None, None]


def test_region_frames_are_shown_in_seconds(tcp, song):
    told = tell(tcp, ("region_frames", song, 801, 1602, 400, 30_000))
    edges = [told[k] * RATE for k in ("start", "end", "clip_start", "clip_end")]
    assert edges == [801, 1602, 400, 30_000]


def test_place_and_tempo_map_are_shown(tcp, song):
    rows = [[0, 90, 4, 4], [2.5, 120, 3, 4, 1], [3.5, 60, 3, 4]]
    told = tell(tcp, ("region", song, 0.0, 1.0), ("place", 10.0, 20.0))
    assert told["place"] == {"seconds": 10.0, "beat": 20.0}
    told = tell(tcp, ("tempomap", json.dumps(rows)))
    assert [row[:4] for row in told["tempomap"]] == [row[:4] for row in rows]
    assert [row[4] for row in told["tempomap"]] == [0, 1, 0]


def test_a_region_reaches_the_job_to_the_frame(house, tcp, song, new_id):
    job_id = new_id()
    tell(tcp, ("region_frames", song, 1001, 2003))
    result = tcp.done("repaint", job_id, "prompt", "x")
    assert (result["region_start_frame"], result["region_end_frame"]) == (1001, 2003)
    # A time becomes a frame by round(t × rate).
    result = tcp.done("repaint", new_id(), song, "start", 0.10007, "end", 0.20006)
    assert (result["region_start_frame"], result["region_end_frame"]) == (801, 1600)


# -- clearing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        (("tempo", 90.0, 3, 4), ("bpm", "meter")),
        (("downbeat", 0.5), ("downbeat",)),
        (("tempomap", "[[0, 90, 4, 4]]"), ("tempomap",)),
        (("lyrics", "la", "en"), ("lyrics",)),
        (("prompt", "p"), ("prompt",)),
        (("key", "D major"), ("key",)),
        (("place", 1.0, 2.0), ("place",)),
    ],
    ids=lambda v: v[0],
)
def test_an_empty_string_clears_one_value(tcp, message, keys):
    before = tell(tcp, ("prompt", "stays"), ("key", "E major"), message)
    assert all(before[k] is not None for k in keys)
    after = tell(tcp, (message[0], ""))
    assert {k for k in before if before[k] != after[k]} - {"language"} == set(keys)
    assert all(after[k] is None for k in keys)


@pytest.mark.parametrize("name", ["region", "region_frames"])
def test_an_empty_string_clears_the_region_and_what_belongs_to_it(tcp, song, name):
    told = tell(tcp, ("region", song, 1.0, 2.0, 0.0, 3.0), ("tempo", 100.0), (name, ""))
    assert [told[k] for k in ("source", "start", "end", "clip_start", "clip_end")] == [None] * 5
    assert told["bpm"] == 100


def test_an_empty_string_clears_one_default(tcp):
    told = tell(tcp, ("set", "takes", 2, "steps", 9), ("set", "takes", ""))
    assert told["set"] == {"steps": 9}


def test_reset_clears_all(tcp, song):
    tell(
        tcp,
        ("region", song, 1.0, 2.0, 0.0, 3.0),
        ("tempo", 100.0, 3, 4),
        ("downbeat", 1.0),
        ("tempomap", "[[0, 90, 4, 4]]"),
        ("key", "A minor"),
        ("lyrics", "la", "en"),
        ("prompt", "p"),
        ("place", 1.0, 1.0),
        ("set", "takes", 2),
        ("transport", 1, 1.0, 90.0),
        ("selection/start", 1.0),
        ("selection/end", 2.0),
    )
    told = tell(tcp, ("reset",))
    assert not any(told[k] for k in CONTRACT_KEYS)


def test_reset_also_forgets_the_selection(tcp, song, request_of):
    tell(tcp, ("region", song, 0.5, 1.0), ("selection/start", 1.0), ("selection/end", 2.0))
    told = tell(tcp, ("reset",), ("region", song, 0.25, 0.5), ("place", 0.0, 0.0))
    assert (told["start"], told["end"]) == (0.25, 0.5)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (("region",), 101),
        (("region", "/a.wav", 0.0), 101),
        (("region", "song.wav", 0.0, 1.0), 101),
        (("region", "/a.wav", "zero", 1.0), 101),
        (("region_frames", "/a.wav", 0.5, 100), 101),
        (("place", 1.0), 101),
        (("tempo",), 101),
        (("tempo", "fast"), 101),
        (("tempo", 19.9), 103),
        (("tempo", 400.5), 103),
        (("tempo", 120.0, 4, 3), 103),
        (("tempo", 120.0, 4, 4, 4), 101),
        (("tempomap", "[]"), 101),
        (("tempomap", "no json"), 101),
        (("tempomap", "[[0, 10, 4, 4]]"), 103),
        (("key", "H minor"), 101),
        (("lyrics",), 101),
        (("lyrics", 5), 101),
        (("prompt", "x" * (256 * 1024 + 1)), 106),
        (("set", "takes"), 101),
        (("set", "takez", 2), 102),
        (("set", "takes", 9), 103),
        (("set", "seed", "x"), 101),
        (("transport", 1), 101),
        (("transport/playing", 2), 103),
        (("transport/bpm", 5.0), 103),
        (("selection/start", "a"), 101),
        (("reset", 1), 101),
        (("context", 1), 101),
    ],
    ids=lambda v: str(v)[:40],
)
def test_wrong_arguments_are_told_and_change_nothing(tcp, message, code):
    before = tell(tcp, ("prompt", "as it was"))
    assert tcp.error(f"/punchin/{message[0]}", *message[1:])[0] == code
    assert tcp.ask("context") == before


def test_context_messages_are_not_answered(tcp, song):
    for name, *args in (("region", song, 0.0, 1.0), ("tempo", 120.0), ("reset",)):
        tcp.send(f"/punchin/{name}", *args)
    assert tcp.quiet() == []
