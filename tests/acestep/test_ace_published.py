"""The architecture at its real sizes holds exactly the numbers that the published files hold.

Sizes of files are facts about the weights that need no weights: what is left of a file beside its
numbers must be a header, which takes 80 to 160 bytes a tensor.
"""

import pytest
import torch
from diffusers import AutoencoderOobleck

from daemon.engines.acestep.loading import _KINDS
from daemon.engines.acestep.models import original

# The published config.json, what matters for sizes.
TWO_B = {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "in_channels": 192,
    "patch_size": 2,
    "fsq_dim": 2048,
    "fsq_input_levels": [8, 8, 8, 5, 5, 5],
    "fsq_input_num_quantizers": 1,
    "audio_acoustic_hidden_dim": 64,
    "num_audio_decoder_hidden_layers": 24,
    "num_lyric_encoder_hidden_layers": 8,
    "num_timbre_encoder_hidden_layers": 4,
    "num_attention_pooler_hidden_layers": 2,
    "text_hidden_dim": 1024,
    "timbre_hidden_dim": 64,
    "pool_window_size": 5,
}
XL = {
    **TWO_B,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "layer_types": ["sliding_attention", "full_attention"] * 16,
    "encoder_hidden_size": 2048,
    "encoder_intermediate_size": 6144,
    "encoder_num_attention_heads": 16,
    "encoder_num_key_value_heads": 8,
}
XL_SHARDS = (4_986_971_456, 4_986_942_776, 4_986_942_808, 4_988_483_464)


def tensors(config):
    """Numbers in each tensor of a published checkpoint; the silence lies in a file of its own."""
    for name, kind in _KINDS.items():
        with torch.device("meta"):
            module = kind(**original.config_of(name, config))
        for key, tensor in module.state_dict().items():
            if key != original.SILENCE:
                yield tensor.numel()


@pytest.mark.parametrize(
    ("config", "width", "size", "count"),
    [(TWO_B, 2, 4_787_825_604, 677), (XL, 4, sum(XL_SHARDS), 829)],
    ids=["2B, bfloat16", "XL, float32"],
)
def test_a_checkpoint_has_as_many_numbers_as_its_file(config, width, size, count):
    numbers = list(tensors(config))
    assert len(numbers) == count
    assert 80 * count < size - width * sum(numbers) < 160 * count


def test_the_vae_has_as_many_numbers_as_its_file():
    with torch.device("meta"):
        vae = AutoencoderOobleck(
            encoder_hidden_size=128,
            downsampling_ratios=[2, 4, 4, 6, 10],
            channel_multiples=[1, 2, 4, 8, 16],
            decoder_channels=128,
            decoder_input_channels=64,
            audio_channels=2,
            sampling_rate=48_000,
        )
    numbers = [tensor.numel() for tensor in vae.state_dict().values()]
    assert 80 * len(numbers) < 337_431_388 - 2 * sum(numbers) < 160 * len(numbers)


def test_a_lora_of_all_attention_has_as_many_numbers_as_a_published_one():
    """One for XL with rank 16 on every projection of both attentions: 20,971,520 numbers."""
    with torch.device("meta"):
        dit = _KINDS["transformer"](**original.config_of("transformer", XL))
    count = 0
    for number in range(XL["num_hidden_layers"]):
        for branch in ("self_attn", "cross_attn"):
            for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
                layer = original.rename(f"layers.{number}.{branch}.{name}")
                count += 16 * sum(dit.get_submodule(layer).weight.shape)
    assert count == 20_971_520
