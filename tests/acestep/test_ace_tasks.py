"""Which checkpoint does what, and what to fetch where none can."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import Desk, asked, music  # noqa: E402

from bridge.protocol.errors import PunchinError  # noqa: E402
from daemon.engines.acestep import AceStepEngine  # noqa: E402
from daemon.engines.acestep.models.folders import Found  # noqa: E402
from daemon.engines.acestep.tasks import ABLE, able, needed  # noqa: E402


def _found(*families):
    nothing = Path()
    return [
        Found(f"acestep-v15-{f}", nothing, "diffusers", f, False, {}, None, None, None)
        for f in families
    ]


@pytest.mark.parametrize(
    ("task", "have", "chosen"),
    [
        ("repaint", ("base", "turbo"), "turbo"),
        ("repaint", ("base",), "base"),
        ("text2music", ("base", "sft"), "sft"),
        ("lego", ("turbo", "sft", "base"), "base"),
        ("complete", ("turbo", "sft"), None),
        ("extract", ("turbo",), None),
        ("flow-edit", ("turbo", "sft"), "sft"),
        ("flow-edit", ("turbo",), None),
    ],
)
def test_the_family_that_can_do_it_is_chosen(task, have, chosen):
    found = able(task, _found(*have))
    assert (found and found.family) == chosen


@pytest.mark.parametrize("task", ABLE)
def test_a_refusal_names_what_to_fetch(task):
    with pytest.raises(PunchinError) as refused:
        needed(task, [])
    assert refused.value.code == 301
    assert f"punchin models pull {ABLE[task][0]}" in refused.value.message


@pytest.fixture(scope="module")
def turbo_alone(tiny_turbo):
    made = AceStepEngine()
    made.load(str(tiny_turbo), Desk())
    return made


def test_turbo_alone_adds_no_layer_and_says_what_would(turbo_alone):
    clip = music(10.0)
    with pytest.raises(PunchinError) as refused:
        turbo_alone.run(asked("layer", clip, (0, 10), track="bass"), Desk())
    assert refused.value.code == 301
    assert "punchin models pull base" in refused.value.message


def test_base_alone_does_what_turbo_does(tiny_base):
    engine = AceStepEngine()
    engine.load(str(tiny_base), Desk())
    port = Desk()
    result = engine.run(asked("repaint", music(10.0), (4, 7), steps=2, guidance=3.0), port)
    assert port.sounds()["region"].any()
    assert not any("guidance" in note for note in result.notes)


def test_without_a_model_nothing_runs():
    with pytest.raises(PunchinError) as refused:
        AceStepEngine().run(asked("repaint", music(1.0), (0, 1)), Desk())
    assert refused.value.code == 302
