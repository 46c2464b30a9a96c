"""Codes and latents are those of diffusers' own tokenizer."""

from dataclasses import replace

import pytest
import torch

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep.dit import context
from daemon.engines.acestep.loading import load_checkpoint
from daemon.engines.acestep.models.folders import recognise
from daemon.engines.acestep.parts import Placement

CPU = Placement(torch.device("cpu"), torch.float32, torch.float32)


@pytest.fixture(scope="module")
def checkpoint(tiny_turbo):
    return load_checkpoint(recognise(tiny_turbo), CPU)


def test_codes_stand_for_the_latents_that_diffusers_takes_them_for(
    checkpoint, pipeline, tiny_turbo
):
    numbers = [0, 7, 999, 123, 500]
    words = "".join(f"<|audio_code_{n}|>" for n in numbers)
    wanted, frames = pipeline(tiny_turbo).prepare_src_latents(
        torch.device("cpu"), torch.float32, audio_codes=words
    )
    found = context.of_codes(checkpoint, numbers)
    assert found.shape == (frames, wanted.shape[-1]) == (25, wanted.shape[-1])
    assert torch.equal(found, wanted[0])


def test_a_number_outside_the_book_counts_as_its_last(checkpoint):
    assert torch.equal(
        context.of_codes(checkpoint, [5, 64_000]), context.of_codes(checkpoint, [5, 999])
    )


@pytest.mark.parametrize("frames", [25, 23, 1])
def test_codes_of_latents_give_what_cover_hears(checkpoint, pipeline, tiny_turbo, frames):
    """The way through the codes is the tokenizer's own, with silence behind an odd end."""
    pipe = pipeline(tiny_turbo)
    own = torch.Generator().manual_seed(3)
    latents = torch.randn(
        frames, checkpoint.transformer.config.audio_acoustic_hidden_dim, generator=own
    )
    quantized, _ = pipe.audio_tokenizer.tokenize(
        latents[None], pipe.condition_encoder.silence_latent
    )
    wanted = pipe.audio_token_detokenizer(quantized)[0]
    found = context.codes_of(checkpoint, latents)
    assert len(found) == -(-frames // 5)
    assert torch.allclose(context.of_codes(checkpoint, found), wanted, atol=1e-5)


def test_a_checkpoint_without_tokenizer_is_303(checkpoint):
    lone = replace(checkpoint, audio_tokenizer=None)
    with pytest.raises(PunchinError) as caught:
        context.codes_of(lone, torch.zeros(5, 8))
    assert caught.value.code == 303
    with pytest.raises(PunchinError):
        context.of_codes(replace(checkpoint, audio_detokenizer=None), [1])
