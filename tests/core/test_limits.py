"""What an engine refuses is refused before a job is accepted, wherever the value comes from."""

import asyncio
import json

import pytest

from bridge.protocol.check import JobCall
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.limits import Limits, hold_lyrics, limits_from
from bridge.protocol.lyrics import untimed
from daemon.audio.types import SourceInfo
from daemon.core.admission import Admission
from daemon.core.context import Snapshot

LIMITS = Limits(
    languages=("de", "zh", "yue"),
    lyrics_characters=40,
    shared_s={"bgm": 90.0},
    longest_s={"generate": 60.0},
    some_strength=("repaint", "retake"),
    tracks=("bass",),
    loras=True,
)
LONG = "la la la\n" * 5
TIMED = "".join(f"[00:{s:02}.00]la la la\n" for s in range(9))
RATE = 1000


class Files:
    def probe(self, path):
        return SourceInfo(path, RATE, 2, 100 * RATE, "WAV", "PCM_16", 0, 0)

    def text(self, path):
        return LONG

    def exists(self, path):
        return None

    def lora(self, path):
        raise error(303, f"no LoRA at {path}")


class Results:
    def __getattr__(self, name):
        return lambda reference: {"told_of": {}}.get(name) if name != "name_of" else reference

    def source_of(self, reference):
        return "/a.wav"


def admitted(op, keys, context=None, defaults=None, preset=None, engine="strict"):
    async def limits(name):
        return LIMITS if (name or engine) == "strict" else Limits()

    admission = Admission(Files(), lambda name: preset or {}, Results(), RATE, limits)
    snapshot = Snapshot(None, context or {}, defaults or {})
    source = None if op == "generate" else "/a.wav"
    return asyncio.run(admission.admit(JobCall(op, "x", source, keys), snapshot))


def code(*args, **kwargs):
    with pytest.raises(PunchinError) as caught:
        admitted(*args, **kwargs)
    return caught.value.code


SPAN = {"start": 1.0, "end": 2.0}


@pytest.mark.parametrize(
    ("op", "keys", "expected"),
    [
        ("cover", {"language": "tlh"}, 103),
        ("cover", {"lyrics": LONG}, 103),
        ("cover", {"lyrics_file": "/words.txt"}, 103),
        ("cover", {"lyrics": LONG + TIMED}, 103),
        ("bgm", {"lyrics": LONG, "end": 89.0}, 103),
        ("repaint", {**SPAN, "strength": 0.0}, 103),
        ("retake", {"strength": 0.0}, 103),
        ("layer", {"track": "other"}, 301),
        ("cover", {"lora": "/none.safetensors=1"}, 303),
        ("generate", {"seconds": 61.0}, 103),
        ("generate", {"bars": 31.0, "bpm": 120.0, "meter": "4/4"}, 103),
    ],
)
def test_what_the_engine_would_refuse_is_refused(op, keys, expected):
    assert code(op, keys) == expected
    assert admitted(op, {**keys, "engine": "other"})
    assert admitted(op, keys, engine="other")


@pytest.mark.parametrize(
    ("op", "keys"),
    [
        ("cover", {"language": "DE_at"}),
        ("cover", {"lyrics": TIMED, "strength": 0.0}),
        ("bgm", {"lyrics": LONG}),  # shared by the passages of 100 s
        ("analyze", {}),
        ("retake", {"of": "job", "strength": 0.0}),
        ("generate", {"seconds": 60.0}),
        ("generate", {"bars": 31.0}),  # of a tempo that nobody knows yet
        ("layer", {"track": "bass"}),
        ("cover", {"lora": "/none.safetensors=0"}),
    ],
)
def test_what_it_can_do_or_nobody_knows_yet_is_accepted(op, keys):
    assert admitted(op, keys)


@pytest.mark.parametrize("where", ["context", "defaults", "preset"])
@pytest.mark.parametrize("values", [{"language": "tlh"}, {"lyrics": LONG}])
def test_wherever_the_value_comes_from(where, values):
    keys = {"preset": "mine"} if where == "preset" else {}
    assert code("cover", keys, **{where: values}) == 103
    assert admitted("analyze", keys, **{where: values})


def test_limits_survive_the_channel():
    assert limits_from(json.loads(json.dumps(LIMITS.as_dict()))) == LIMITS
    assert limits_from({}) == Limits()


def test_lyrics_that_are_sung_at_any_time_are_counted_with_their_tags():
    words = "[verse]\nla\n[00:01.00]lo\n[chorus]\nle\n"
    assert untimed(words) == "[verse]\nla\n\n[chorus]\nle"
    exact = Limits(lyrics_characters=len(untimed(words)))
    hold_lyrics(exact, "cover", words, 10.0)
    with pytest.raises(PunchinError):
        hold_lyrics(Limits(lyrics_characters=len(untimed(words)) - 1), "cover", words, 10.0)
