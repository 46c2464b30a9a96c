"""Tiny random checkpoints with the real architecture, in both layouts; made in a few seconds.

Real: the modules and their names, patch 2, pool 5, the VAE's strides and so its hop of 1,920
samples and its reach, alternate sliding and full attention, byte-level BPE, grouped heads. Smaller:
widths, layers, 8 latent channels in place of 64 (the VAE encodes at twice that width), the sliding
window (12 tokens, so that a few seconds reach beyond it), 1,000 audio codes, the vocabulary.
Weights are drawn with own seeds; the VAE is scaled so that unit latents decode to about -20 dBFS
and audio of that level encodes to about unit latents.
"""

import math
from pathlib import Path

import torch
from diffusers import (
    AceStepAudioTokenDetokenizer,
    AceStepAudioTokenizer,
    AceStepConditionEncoder,
    AceStepPipeline,
    AceStepTransformer1DModel,
    AutoencoderOobleck,
    FlowMatchEulerDiscreteScheduler,
)
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM, Qwen3Model

WIDTH = 64
CHANNELS = 8
TEXT_WIDTH = 32
SILENCE_FRAMES = 15_000
LEVELS = [8, 5, 5, 5]
CODES = math.prod(LEVELS)
COMMON = {
    "hidden_size": WIDTH,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "rope_theta": 1_000_000.0,
    "attention_bias": False,
    "attention_dropout": 0.0,
    "rms_norm_eps": 1e-6,
    "sliding_window": 12,
}
CORPUS = [
    "# Instruction\nFill the audio semantic mask based on the given conditions:\n\n# Caption\n",
    "Repaint the mask area based on the given conditions: Generate audio semantic tokens based on",
    "# Metas\n- bpm: 120\n- timesignature: 4\n- keyscale: C major\n- duration: 30 seconds\n",
    "# Languages\nen\n\n# Lyric\n[verse] [chorus] soft notes in the morning light, music fills",
    "<think>\nbpm: 90\ncaption: warm piano and drums\nduration: 24\nkeyscale: F# minor\n</think>",
    "Extract the VOCALS track from the audio: Complete the input track with DRUMS | BASS:",
]


def seeded(seed, make):
    """`make()` with torch's global generator set to `seed` and put back after."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make().eval()


def tokenizer(codes=0):
    """A byte-level BPE tokenizer, with `codes` tokens `<|audio_code_N|>` behind its own."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(CORPUS, trainer)
    extra = ["<think>", "</think>", *(f"<|audio_code_{n}|>" for n in range(codes))]
    core.add_tokens([AddedToken(text, normalized=False) for text in extra])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )


CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _qwen(vocabulary, seed, kind):
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=TEXT_WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=4096,
        initializer_range=0.2,
        tie_word_embeddings=True,
    )
    return seeded(seed, lambda: kind(config))


def _scaled_vae():
    vae = seeded(
        1,
        lambda: AutoencoderOobleck(
            encoder_hidden_size=2 * CHANNELS,
            downsampling_ratios=[2, 4, 4, 6, 10],
            channel_multiples=[1, 1, 2, 2, 4],
            decoder_channels=8,
            decoder_input_channels=CHANNELS,
            audio_channels=2,
            sampling_rate=48_000,
        ),
    )
    own = torch.Generator().manual_seed(2)
    with torch.inference_mode(False), torch.no_grad():
        loud = vae.decode(torch.randn(1, CHANNELS, 50, generator=own)).sample.std()
        vae.decoder.conv2.weight_g.mul_(0.1 / loud)
        mean = vae.encode(0.1 * torch.randn(1, 2, 96_000, generator=own)).latent_dist.mean
        vae.encoder.conv2.weight_g[:CHANNELS].mul_(1 / mean.std())
        vae.encoder.conv2.bias[:CHANNELS] = 0
    return vae


def _encoder_config():
    return {**COMMON, "text_hidden_dim": TEXT_WIDTH, "timbre_hidden_dim": CHANNELS}


def _silence(vae):
    """`(1, SILENCE_FRAMES, CHANNELS)`: silence encoded for two seconds and repeated."""
    with torch.no_grad():
        head = vae.encode(torch.zeros(1, 2, 96_000)).latent_dist.mean.transpose(1, 2)
    rest = head[:, 20:30].repeat(1, SILENCE_FRAMES // 10, 1)
    return torch.cat([head[:, :30], rest], dim=1)[:, :SILENCE_FRAMES].contiguous()


def _conditioner(seed, silence):
    encoder = seeded(
        seed,
        lambda: AceStepConditionEncoder(
            **_encoder_config(),
            num_lyric_encoder_hidden_layers=2,
            num_timbre_encoder_hidden_layers=2,
        ),
    )
    encoder.silence_latent.copy_(silence)
    return encoder


def _transformer(seed, family, **sizes):
    dit = seeded(
        seed,
        lambda: AceStepTransformer1DModel(
            **{**COMMON, **sizes},
            num_hidden_layers=4,
            in_channels=3 * CHANNELS,
            audio_acoustic_hidden_dim=CHANNELS,
            patch_size=2,
            is_turbo=family == "turbo",
            model_version=family,
        ),
    )
    # At their usual start, attention and the text would hardly move the output.
    with torch.no_grad():
        for layer in dit.layers:
            layer.cross_attn.to_out[0].weight.mul_(3)
            layer.self_attn.to_out[0].weight.mul_(3)
    return dit


def parts(family, seed, **sizes):
    """The eight components of a checkpoint, float32; `sizes` are other ones of the transformer."""
    vae = _scaled_vae()
    words = tokenizer()
    pooling = {**COMMON, "num_attention_pooler_hidden_layers": 2, "pool_window_size": 5}
    pooling["audio_acoustic_hidden_dim"] = CHANNELS
    quantizer = {"fsq_dim": WIDTH, "fsq_input_levels": LEVELS, "fsq_input_num_quantizers": 1}
    return {
        "vae": vae,
        "text_encoder": _qwen(len(words), 3, Qwen3Model),
        "tokenizer": words,
        "transformer": _transformer(seed, family, **sizes),
        "condition_encoder": _conditioner(seed + 1, _silence(vae)),
        "scheduler": FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
        "audio_tokenizer": seeded(seed + 2, lambda: AceStepAudioTokenizer(**pooling, **quantizer)),
        "audio_token_detokenizer": seeded(
            seed + 3, lambda: AceStepAudioTokenDetokenizer(**pooling)
        ),
    }


SEEDS = {"turbo": 10, "base": 20, "sft": 30}


def save(folder, family):
    """Write a checkpoint in the diffusers layout into `folder`."""
    AceStepPipeline(**parts(family, SEEDS[family])).save_pretrained(folder)
    return Path(folder)


def save_lm(folder):
    """Write a language model of 5 codes a second into `folder`."""
    words = tokenizer(CODES)
    words.chat_template = CHAT
    words.save_pretrained(folder)
    _qwen(len(words), 40, Qwen3ForCausalLM).save_pretrained(folder)
    return Path(folder)


def pipeline(folder):
    """diffusers' own pipeline over `folder`, float32, its posterior patched to the mean."""
    pipe = AceStepPipeline.from_pretrained(folder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    encode = pipe.vae.encode

    def mean_only(*args, **kwargs):
        answer = encode(*args, **kwargs)
        answer.latent_dist.sample = lambda generator=None: answer.latent_dist.mean
        return answer

    pipe.vae.encode = mean_only
    return pipe
