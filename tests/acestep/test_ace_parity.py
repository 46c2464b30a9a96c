"""The own sampler against diffusers' pipeline: final latents of all six tasks."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
import torch

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep.dit.conditions import LYRIC_TOKENS, PROMPT_TOKENS, encode_text
from daemon.engines.acestep.dit.context import codes_of, of_codes, silence, through_codes
from daemon.engines.acestep.dit.timbre import excerpt
from daemon.engines.acestep.text.prompt import metadata, text_of

NEAR = 1e-5


@pytest.fixture(scope="module")
def models(tiny_turbo, tiny_base, pipeline):
    pipes = {"turbo": pipeline(tiny_turbo), "base": pipeline(tiny_base)}
    return {family: (pipe, *oracle.parts_of(pipe, family)) for family, pipe in pipes.items()}


@pytest.mark.parametrize("family", ["turbo", "base"])
@pytest.mark.parametrize("task", list(oracle.TASKS))
def test_final_latents_are_those_of_the_stock_pipeline(models, family, task):
    pipe, shared, checkpoint = models[family]
    seconds, takes = 6.2, 2  # 155 frames: an odd number, no multiple of a pool
    source = None if task == "text2music" else oracle.audio(seconds)
    noise = oracle.noise_for(pipe, takes, 155)
    latents = noise[0] if source is None else oracle.latents_of(pipe, source)
    want = oracle.stock(pipe, checkpoint, task, seconds, noise, source)
    got = oracle.own(shared, checkpoint, task, seconds, noise, latents)
    error = oracle.apart(got, want)
    print(f"{task}, {family}: {error:.1e} of the RMS")
    assert error <= NEAR
    still = oracle.apart(noise, want)
    assert still > 0.1, "the model did nothing"


def test_the_text_tells_tasks_apart(models):
    """So that the parity above could fail for a wrong instruction."""
    _, shared, checkpoint = models["base"]
    states = [
        oracle.conditions_for(shared, checkpoint, task, 6.2, None, oracle.tracks_of(task)).states
        for task in oracle.TASKS
    ]
    for i, one in enumerate(states):
        for other in states[:i]:
            assert one.shape != other.shape or not torch.allclose(one, other)


class Loudness:
    """In place of the VAE, which takes long for 30 s: a frame's latents are samples of it."""

    def __init__(self, samples):
        self.mean = 10 * samples.unflatten(-1, (-1, 1920))[:, 0, :, :8].transpose(1, 2)
        self.latent_dist = self

    def sample(self, generator=None):
        return self.mean


def test_a_reference_is_heard_as_the_stock_pipeline_hears_it(models, monkeypatch):
    pipe, shared, checkpoint = models["turbo"]
    monkeypatch.setattr(pipe.vae, "encode", Loudness)
    for seconds in (12.0, 47.0):
        reference = oracle.audio(seconds, seed=8)
        noise = oracle.noise_for(pipe, 1, 50)
        want = oracle.stock(pipe, checkpoint, "text2music", 2.0, noise, reference_audio=reference)
        timbre = oracle.latents_of(pipe, excerpt(reference.T.numpy()).T)
        got = oracle.own(shared, checkpoint, "text2music", 2.0, noise, noise[0], timbre)
        assert oracle.apart(got, want) <= NEAR
        without = oracle.own(shared, checkpoint, "text2music", 2.0, noise, noise[0])
        assert oracle.apart(without, want) > 1e-3


@pytest.mark.parametrize("samples", [np.zeros((48_000, 2)), np.zeros((0, 2))])
def test_a_silent_reference_is_refused(samples):
    with pytest.raises(PunchinError, match="silent") as caught:
        excerpt(samples.astype(np.float32))
    assert caught.value.code == 201


def test_codes_stand_for_the_latents_they_came_from(models):
    pipe, _, checkpoint = models["turbo"]
    latents = 4 * oracle.noise_for(pipe, 1, 48)[0]
    codes = codes_of(checkpoint, latents)
    assert len(codes) == 10
    assert len(set(codes)) > 3
    made = of_codes(checkpoint, codes)
    assert torch.allclose(made[:48], through_codes(checkpoint, latents), atol=1e-5)
    filled = torch.cat((latents, silence(checkpoint, 2)))
    assert torch.allclose(made, through_codes(checkpoint, filled), atol=1e-5)
    text = "".join(f"<|audio_code_{code}|>" for code in codes)
    want, _ = pipe.prepare_src_latents("cpu", torch.float32, audio_codes=text)
    assert torch.allclose(made, want[0], atol=1e-6)


def test_a_long_prompt_loses_its_caption_and_not_its_metadata(models):
    _, shared, _ = models["turbo"]
    told, _ = metadata(30, 120, (4, 4), "C major")
    short = encode_text(shared, text_of("repaint", "warm", "la", told))
    assert short.notes == ()
    read = []
    plain = shared.text_encoder.forward

    class Reader:
        device = torch.device("cpu")
        get_input_embeddings = shared.text_encoder.get_input_embeddings

        def __call__(self, input_ids):
            read.append(shared.tokenizer.decode(input_ids[0]))
            return plain(input_ids=input_ids)

    long = replace(shared, text_encoder=Reader())
    states = encode_text(long, text_of("repaint", "warm " * 900, "la " * 3000, told))
    assert states.prompt.shape[1] == PROMPT_TOKENS
    assert states.lyrics.shape[1] == LYRIC_TOKENS
    assert read[0].endswith("- duration: 30 seconds\n<|endoftext|>\n")
    assert read[0].startswith("# Instruction\nRepaint")
    prompt, lyrics = states.notes
    assert "prompt" in prompt
    assert "lyrics" in lyrics
