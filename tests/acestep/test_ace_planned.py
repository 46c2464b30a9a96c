"""`generate` with a language model: its tempo, metre and key, and its codes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from ace_desk import Desk, asked

from daemon.audio.grid import Grid
from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep.dit.context import of_codes
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.ops.planning import plan_for
from daemon.engines.base import Cancelled

NOTHING = np.zeros((0, 2), np.float32)
WORDS = {"prompt": "warm piano and drums", "lyrics": "[verse]\nsoft notes"}
FAST = {"steps": 2}


@pytest.fixture(scope="module")
def planner(tiny_models):
    made = AceStepEngine()
    made.load(str(tiny_models), Desk())
    return made


def request_for(seconds=10.0, **keys):
    return asked("generate", NOTHING, (0.0, seconds), **WORDS, **FAST, **keys)


def run(engine, request):
    desk = Desk()
    result = engine.run(request, desk)
    return desk.sounds()["stem:other"], result, desk


def recipe(result):
    return json.loads(result.documents["recipe"])["parts"][0]


def test_a_plan_settles_what_nobody_told(planner):
    heard = planner.listen(NOTHING, 48_000, None, None, WORDS, Desk())
    plan = plan_for(planner._session, WORDS, None, None, None, Desk())
    assert heard.confidence == 1
    assert heard.grid.tempo_at(0) == plan.bpm
    assert heard.grid.metre_at(0) == plan.beats
    other = planner.listen(NOTHING, 48_000, None, None, {"prompt": "metal"}, Desk())
    assert other.grid != heard.grid
    told = planner.listen(NOTHING, 48_000, 97.0, (5, 4), WORDS, Desk())
    assert told.grid.tempo_at(0) == 97
    assert told.grid.metre_at(0) == (5, 4)


def test_a_metre_that_a_plan_cannot_say_stays_open(planner):
    plan = plan_for(planner._session, WORDS, 500.0, (5, 4), "C minor", Desk())
    assert plan.metre is None
    assert plan.bpm is None
    assert plan.key == "C minor"


def test_the_codes_are_what_the_transformer_hears(planner, pipeline, tiny_turbo):
    """The stock pipeline, given the same codes, words and noise, makes the same latents."""
    # With its handle the span fills a whole number of codes.
    request = replace(request_for(10.28), grid=Grid.steady(97.0), key="C minor")
    found, result, _ = run(planner, request)
    made = recipe(result)
    frames = made["frames"]
    assert frames == 260 == 5 * len(made["codes"])
    pipe = pipeline(tiny_turbo)
    noise = window_noise(
        7, frames, [(0, frames)], pipe.transformer.config.audio_acoustic_hidden_dim
    )
    latents = pipe(
        prompt=WORDS["prompt"],
        lyrics=WORDS["lyrics"],
        vocal_language="unknown",
        task_type="cover",
        audio_codes="".join(f"<|audio_code_{code}|>" for code in made["codes"]),
        audio_duration=frames / 25,
        latents=noise[None],
        num_inference_steps=2,
        shift=3.0,
        bpm=97,
        keyscale="C minor",
        timesignature="4",
        output_type="latent",
    ).audios
    with torch.no_grad():
        wanted = pipe.vae.decode(latents.transpose(1, 2)).sample[0].T.numpy()
    wanted = wanted[: len(found)]
    gain = np.abs(found).max() / np.abs(wanted).max()
    assert gain <= 1.0001
    assert np.abs(found - gain * wanted).max() < 1e-4


def test_a_plan_is_told_and_kept_in_the_recipe(planner):
    found, result, desk = run(planner, request_for())
    assert any(note.startswith("planned by acestep-5Hz-lm-0.6B") for note in result.notes)
    assert result.key
    assert "planning" in [stage for _, stage in desk.told]
    made = recipe(result)
    assert made["task"] == "cover"
    assert result.key in made["text"]["prompt"]
    checkpoint = planner._session.checkpoint_for("text2music")
    assert len(of_codes(checkpoint, made["codes"])) >= made["frames"]
    assert np.isfinite(found).all()


def test_seeds_have_codes_of_their_own_and_a_take_can_be_made_alone(planner):
    first, one, _ = run(planner, request_for(seed=40, later=(41,)))
    second, two, _ = run(planner, replace(request_for(seed=41), take=2))
    alone, three, _ = run(planner, request_for(seed=41))
    assert recipe(one)["codes"] != recipe(two)["codes"]
    assert recipe(two)["codes"] == recipe(three)["codes"]
    assert np.abs(second - alone).max() < 1e-5
    assert np.abs(first - second).max() > 1e-3


def test_a_cancel_ends_it_between_two_codes(planner):
    run(planner, request_for())  # what is known from then on needs no checks
    whole = run(planner, request_for())[2].checks
    for at in (2, 20, whole // 2, whole):
        desk = Desk(cancel_at=at)
        with pytest.raises(Cancelled):
            planner.run(request_for(), desk)
        assert desk.checks == at


def test_without_a_language_model_nothing_is_planned(engine):
    assert plan_for(engine._session, WORDS, None, None, None, Desk()) is None
    assert engine.listen(NOTHING, 48_000, None, None, WORDS, Desk()).confidence == 0
    _, result, _ = run(engine, request_for())
    assert not any("planned" in note for note in result.notes)
    assert recipe(result)["codes"] == []
