"""`retake` of what was made to another clip, from the recipes that `layer`, `bgm`, `edit` leave."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ace_desk import RATE, Desk, asked, music

from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep.ops import passages
from daemon.engines.acestep.ops.again import put
from daemon.engines.acestep.text.prompt import caption_and_lyrics, text_of, with_words
from daemon.engines.base import Span

SECONDS, SPAN = 10.0, (3.0, 7.0)
FAST = {"steps": 2, "prompt": "a quiet trio"}
PLAYED = {
    "layer": ("layer", {"track": "pad", "balance": -3.0}),
    "complete": ("bgm", {"ways": "complete", "stems": "drums,bass"}),
    "by layer": ("bgm", {"ways": "layer", "stems": "drums,bass", "balance": -5.0}),
    "by cover": ("bgm", {"ways": "cover", "stems": "drums,bass"}),
}


@pytest.fixture(scope="module")
def engine(tiny_models):
    made = AceStepEngine()
    made.load(str(tiny_models), Desk())
    return made


@pytest.fixture(scope="module")
def clip():
    return music(SECONDS)


@pytest.fixture
def keep(monkeypatch, tmp_path):
    """Keep a result as the job `first`."""
    monkeypatch.setenv("PUNCHIN_HOME", str(tmp_path))
    folder = tmp_path / "jobs" / "first"
    folder.mkdir(parents=True)

    def write(result):
        (folder / "recipe-1.json").write_text(result.documents["recipe"], "utf-8")

    return write


def run(engine, request):
    desk = Desk()
    result = engine.run(request, desk)
    assert desk.told == sorted(desk.told, key=lambda row: row[0])
    return desk.sounds(), result


def again(mix, origin, strength, seed=30, **keys):
    """A request for a variation of `first`, which sounds as `mix`."""
    seconds = len(mix) / RATE
    plain = asked("retake", mix, (0, seconds), of="first", strength=strength, seed=seed, **keys)
    return replace(plain, origin=origin)


def off(one, two):
    """How far two sets of stems are apart, relative to the first."""
    assert one.keys() == two.keys()
    pairs = [(one[name], two[name]) for name in one]
    return max(float(np.std(a - b) / np.std(a)) for a, b in pairs)


@pytest.mark.parametrize("way", PLAYED)
def test_what_was_played_to_a_clip_is_played_to_it_again(engine, clip, keep, way):
    op, keys = PLAYED[way]
    first, result = run(engine, asked(op, clip, (0, SECONDS), **FAST, **keys))
    keep(result)
    mix = sum(first.values())
    same, _ = run(engine, again(mix, clip, 0.0))
    assert off(first, same) < 1e-4
    near, told = run(engine, again(mix, clip, 0.1))
    far, _ = run(engine, again(mix, clip, 1.0))
    assert 1e-3 < off(first, near) < 0.6 * off(first, far)
    assert not any("varied from how it sounds" in note for note in told.notes)
    keep(told)
    twice, told = run(engine, again(sum(near.values()), clip, 0.0, seed=31))
    assert off(near, twice) < 1e-4
    seeds = json.loads(told.documents["recipe"])["parts"][-1]["seeds"]
    assert [seed for seed, _ in seeds] == [7, 30, 31]


@pytest.mark.parametrize("way", PLAYED)
def test_without_the_clip_it_is_varied_from_its_sound_and_says_so(engine, clip, keep, way):
    op, keys = PLAYED[way]
    first, result = run(engine, asked(op, clip, (0, SECONDS), **FAST, **keys))
    keep(result)
    for origin in (None, clip[:-RATE]):
        found, told = run(engine, again(sum(first.values()), origin, 0.5, steps=2))
        assert set(found) == {"region"}
        assert "gone or has changed" in told.notes[0]


def test_a_long_layer_is_played_again_passage_by_passage(engine, keep, monkeypatch):
    monkeypatch.setattr(passages, "LONGEST", 200)
    monkeypatch.setattr(passages, "LEAST", 100)
    long = music(17.2)
    request = asked("layer", long, (0, 17.2), track="bass", **FAST)
    first, result = run(engine, request)
    assert len(json.loads(result.documents["recipe"])["parts"]) == 2
    keep(result)
    same, _ = run(engine, again(long, long, 0.0))
    assert off(first, same) < 1e-4
    _, told = run(engine, again(long, long, 0.5, lyrics="one line\nand another"))
    parts = json.loads(told.documents["recipe"])["parts"]
    sung = [part["text"]["lyrics"].partition("# Lyric\n")[2] for part in parts]
    assert ["one line" in text for text in sung] == [True, False]
    assert ["and another" in text for text in sung] == [False, True]
    assert any("divided by time" in note for note in told.notes)
    # A clip that falls into other passages is none that the recipe is of.
    monkeypatch.setattr(passages, "LONGEST", 400)
    _, told = run(engine, again(long, long, 0.5, steps=1))
    assert "varied from how it sounds" in told.notes[0]


def test_the_takes_of_a_variation_are_as_if_alone(engine, clip, keep):
    _, result = run(engine, asked("layer", clip, (0, SECONDS), track="bass", **FAST))
    keep(result)
    alone = [run(engine, again(clip, clip, 0.5, seed=seed))[0] for seed in (40, 41)]
    first = replace(again(clip, clip, 0.5, seed=40), later_seeds=(41, 42))
    second = replace(again(clip, clip, 0.5, seed=41), take=2, later_seeds=(42,))
    for request, wanted in zip((first, second), alone, strict=True):
        assert off(wanted, run(engine, request)[0]) < 1e-5


def mended(clip, sound):
    """The clip with what was made in its place, as the worker splices it."""
    out = clip.copy()
    a, b = (round(s * RATE) for s in SPAN)
    put(out, 0, Span(a, b), (a - (len(sound) - (b - a)) // 2, sound))
    return out


@pytest.mark.parametrize("keys", [{"lyrics": "other words"}, {"prompt": "loud metal"}])
def test_an_edit_is_made_again_from_the_clip_as_it_was(engine, clip, keep, keys):
    first, result = run(engine, asked("edit", clip, SPAN, steps=4, **keys))
    keep(result)
    mix = mended(clip, first["region"])
    a, b = (round(s * RATE) for s in SPAN)
    inner = slice(a + RATE // 4, b - RATE // 4)
    made = {}
    for strength in (0.0, 0.2, 1.0):
        found, told = run(engine, again(mix, clip, strength))
        made[strength] = found["region"]
        assert np.array_equal(made[strength][:a], mix[:a])
        assert np.array_equal(made[strength][b:], mix[b:])
        assert not any("varied from how it sounds" in note for note in told.notes)
    apart = {s: float(np.std(x[inner] - mix[inner])) for s, x in made.items()}
    assert apart[0.0] < 0.02 * np.std(mix[inner])
    assert apart[0.0] < apart[0.2] < apart[1.0]
    _, told = run(engine, again(mix, None, 0.5, steps=2))
    assert "gone or has changed" in told.notes[0]


def test_an_edit_by_cover_is_made_again(tiny_turbo, tmp_path, clip, keep):
    models = tmp_path / "models"
    models.mkdir()
    (models / "acestep-v15-turbo").symlink_to(tiny_turbo)
    engine = AceStepEngine()
    engine.load(str(models), Desk())
    first, result = run(engine, asked("edit", clip, SPAN, prompt="metal", steps=4, strength=0.3))
    keep(result)
    mix = mended(clip, first["region"])
    a, b = (round(s * RATE) for s in SPAN)
    found, told = run(engine, again(mix, None, 0.0))
    assert not any("varied from how it sounds" in note for note in told.notes)
    inner = slice(a + RATE // 4, b - RATE // 4)
    assert np.std((found["region"] - mix)[inner]) < 0.02 * np.std(mix[inner])
    assert np.array_equal(found["region"][:a], mix[:a])


def test_new_words_for_a_variation_leave_the_rest_as_told(engine, clip, keep):
    request = asked("layer", clip, (0, SECONDS), track="vocals", lyrics="la la", **FAST)
    _, result = run(engine, request)
    keep(result)
    _, told = run(engine, again(clip, clip, 0.5, prompt="a big choir"))
    old, new = (json.loads(r.documents["recipe"])["parts"][0]["text"] for r in (result, told))
    assert new["prompt"] == old["prompt"].replace("a quiet trio", "a big choir")
    assert new["lyrics"] == old["lyrics"]


def test_words_are_put_in_the_place_of_others():
    from daemon.engines.acestep.text.prompt import Metadata

    def made(caption, lyrics, seconds):
        return text_of("lego", caption, lyrics, Metadata(seconds, 120, "4"), "en", ("drums",))

    old, new = made("one", "la", 30.0), made("two", "lo", 12.0)
    assert with_words(old, new, True, True) == made("two", "lo", 30.0)
    assert with_words(old, new, True, False) == made("two", "la", 30.0)
    assert caption_and_lyrics(with_words(old, new, False, True)) == ("one", "lo")


@pytest.mark.parametrize(("op", "keys"), [("cover", {}), ("layer", {"track": "bass"})])
def test_a_short_part_that_was_heard_with_more_is_made_again(engine, clip, keep, op, keys):
    lead, tail = round(2.4 * RATE) + 1, round(4.0 * RATE)
    part = (lead / RATE, len(clip) / RATE - tail / RATE)
    desk = Desk()
    result = engine.run(asked(op, clip, part, **FAST, **keys), desk)
    keep(result)
    (role,) = desk.sounds()
    before = lead - desk.start(role)
    length = len(clip) - lead - tail
    first = desk.sounds()[role][before : before + length]
    origin = {"origin_lead": lead, "origin_tail": tail} if op == "layer" else {}
    request = replace(again(first, clip if op == "layer" else None, 0.0), **origin)
    desk = Desk()
    told = engine.run(request, desk)
    assert not any("varied from how it sounds" in note for note in told.notes)
    same = desk.sounds()[role][-desk.start(role) :][:length]
    # The frames lie a sample off, as resampling may leave them.
    assert np.std(same[1:] - first[:-1]) < 1e-4 * np.std(first) or off({0: first}, {0: same}) < 1e-4
    starts = [json.loads(d.documents["recipe"])["parts"][0]["start"] for d in (result, told)]
    assert abs(starts[0] - starts[1]) <= 3
    keep(told)
    far = Desk()
    engine.run(replace(request, seed=31, options={**request.options, "strength": 1.0}), far)
    assert np.std(far.sounds()[role][-far.start(role) :][:length] - first) > 0.01 * np.std(first)
