"""`edit` by flow-edit, and what it is on a checkpoint that can't."""

import sys

import numpy as np
import pytest
from ace_desk import RATE, Desk, asked, music

from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep.lm.plan import Plan
from daemon.engines.acestep.ops.analyze import Understanding
from daemon.engines.acestep.ops.edit import extent
from daemon.engines.acestep.text.prompt import Metadata, caption_and_lyrics, text_of
from daemon.engines.base import Cancelled

SECONDS, SPAN = 12.0, (4.0, 8.0)
OP = "daemon.engines.acestep.ops.edit"
FAST = {"steps": 4}


@pytest.fixture(scope="module")
def base(tiny_base, tmp_path_factory):
    """An engine with a base checkpoint and nothing beside it."""
    home = tmp_path_factory.mktemp("base")
    (home / "acestep-v15-base").symlink_to(tiny_base)
    made = AceStepEngine()
    made.load(str(home), Desk())
    return made


@pytest.fixture(scope="module")
def turbo(tiny_turbo, tmp_path_factory):
    home = tmp_path_factory.mktemp("turbo")
    (home / "acestep-v15-turbo").symlink_to(tiny_turbo)
    made = AceStepEngine()
    made.load(str(home), Desk())
    return made


@pytest.fixture(scope="module")
def clip():
    return music(SECONDS)


def run(engine, request):
    desk = Desk()
    result = engine.run(request, desk)
    return desk.sounds()["region"], result, desk


def decoded(engine, clip):
    """The clip through the VAE and back."""
    from daemon.engines.acestep.latents import decode, encode

    vae = engine._session.shared.vae
    latents = encode.encode(vae, clip)
    return decode.decode(vae, latents, 0, len(latents))


def inside(found, desk):
    start = desk.start("region")
    a, b = (round(s * RATE) - start for s in SPAN)
    return found[a:b]


def test_the_same_words_change_nothing(base, clip, monkeypatch):
    """What the clip is and what it is to be are one text: both velocities are the same."""
    known = Understanding(Plan(caption="slow and warm"), "la la")
    monkeypatch.setattr(sys.modules[OP], "understood", lambda *rest: known)
    a, b = (round(s * RATE) for s in SPAN)
    wanted = decoded(base, clip)[a:b]
    found, _, desk = run(base, asked("edit", clip, SPAN, lyrics="la la", **FAST))
    gain = np.sqrt(np.square(inside(found, desk)).mean() / np.square(wanted).mean())
    rest = inside(found, desk) / gain - wanted
    assert np.sqrt(np.square(rest).mean() / np.square(wanted).mean()) < 1e-3


@pytest.mark.parametrize("keys", [{"lyrics": "[verse]\nother words"}, {"prompt": "loud metal"}])
def test_other_words_change_the_region(base, clip, keys):
    found, result, desk = run(base, asked("edit", clip, SPAN, **keys, **FAST))
    a, b = (round(s * RATE) for s in SPAN)
    assert np.isfinite(found).all()
    assert np.abs(inside(found, desk) - decoded(base, clip)[a:b]).max() > 0.01
    assert any("Nobody told what the clip was made from" in note for note in result.notes)
    again, _, _ = run(base, asked("edit", clip, SPAN, **keys, **FAST))
    assert np.array_equal(found, again)
    other, _, _ = run(base, asked("edit", clip, SPAN, seed=8, **keys, **FAST))
    assert np.abs(other - found).max() > 1e-3


def test_what_the_clip_is_makes_a_difference(base, clip, monkeypatch):
    request = asked("edit", clip, SPAN, lyrics="new words", **FAST)
    unknown, _, _ = run(base, request)
    known = Understanding(Plan(caption="a choir"), "old words")
    monkeypatch.setattr(sys.modules[OP], "understood", lambda *rest: known)
    guessed, result, _ = run(base, request)
    assert any("a choir" in note for note in result.notes)
    assert np.abs(guessed - unknown).max() > 1e-3


def test_the_words_of_an_own_result_are_its_recipe_s(base, clip, monkeypatch, tmp_path):
    from ace_desk import asked as ask

    from daemon.engines.acestep import recipe as recipes

    made = Desk()
    source = base.run(
        ask("repaint", clip, SPAN, prompt="a choir", lyrics="old words", **FAST), made
    )
    folder = tmp_path / "jobs" / "first"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text("{}")
    (folder / "recipe-1.json").write_text(source.documents["recipe"])
    monkeypatch.setattr(recipes, "home", lambda: tmp_path)
    seen = []
    words = sys.modules[OP].words
    monkeypatch.setattr(
        sys.modules[OP], "words", lambda *rest: seen.append(rest[4:]) or words(*rest)
    )
    _, result, _ = run(base, asked("edit", clip, SPAN, of="first", prompt="metal", **FAST))
    assert seen == [("metal", "old words"), ("a choir", "old words")]
    assert not any("Nobody told" in note for note in result.notes)


@pytest.mark.parametrize(
    ("keys", "said"),
    [({"lyrics": "new words"}, "painted anew"), ({"prompt": "metal"}, "covered in the new style")],
)
def test_on_turbo_it_is_something_else_and_named(turbo, clip, keys, said):
    found, result, desk = run(turbo, asked("edit", clip, SPAN, **keys, **FAST))
    assert said in result.notes[0]
    assert "acestep-v15-turbo" in result.notes[0]
    assert len(inside(found, desk)) == round(4 * RATE)
    assert np.isfinite(found).all()


def test_on_turbo_new_lyrics_are_a_repaint(turbo, clip):
    keys = {"lyrics": "new words", **FAST}
    edited, _, _ = run(turbo, asked("edit", clip, SPAN, **keys))
    painted, _, _ = run(turbo, asked("repaint", clip, SPAN, **keys))
    assert np.array_equal(edited, painted)


@pytest.mark.parametrize(
    ("lyrics", "style", "strength", "wanted"),
    [
        (True, False, None, (0.6, 1.0)),
        (False, True, None, (0.2, 0.4)),
        (True, True, None, (0.2, 0.4)),
        (True, False, 0.25, (0.75, 1.0)),
        (False, True, 0.5, (0.5, 0.7)),
        (False, True, 0.1, (0.9, 1.0)),
    ],
)
def test_how_far_an_edit_goes(lyrics, style, strength, wanted):
    assert extent(lyrics, style, strength) == pytest.approx(wanted)


def test_a_cancel_ends_it_at_any_check(base, clip):
    request = asked("edit", clip, SPAN, lyrics="new words", **FAST)
    run(base, request)  # what is known from then on needs no checks
    whole = run(base, request)[2].checks
    for at in (1, whole // 2, whole):
        desk = Desk(cancel_at=at)
        with pytest.raises(Cancelled):
            base.run(request, desk)
        assert desk.checks == at


@pytest.mark.parametrize(
    ("caption", "lyrics"), [("a choir", "[verse]\nla"), ("", ""), ("a\n\nb", "")]
)
def test_words_are_read_back_from_what_the_model_reads(caption, lyrics):
    text = text_of("repaint", caption, lyrics, Metadata(30.0, 120, "4", "C major"), "en")
    assert caption_and_lyrics(text) == (caption, lyrics)
