"""Writes a tiny checkpoint as ACE-Step publishes it: one file of weights, its own names."""

import json
from pathlib import Path

import tiny
import torch
from safetensors.torch import save_file

PREFIX = {
    "transformer": "decoder.",
    "condition_encoder": "encoder.",
    "audio_tokenizer": "tokenizer.",
    "audio_token_detokenizer": "detokenizer.",
}
NAMES = (
    ("to_out.0", "o_proj"),
    ("to_q", "q_proj"),
    ("to_k", "k_proj"),
    ("to_v", "v_proj"),
    ("norm_q", "q_norm"),
    ("norm_k", "k_norm"),
    ("proj_in_conv", "proj_in.1"),
    ("proj_out_conv", "proj_out.1"),
)


def published(component, name):
    """The published name of a weight that diffusers calls `name` in `component`."""
    for ours, theirs in NAMES:
        name = name.replace(ours, theirs)
    return name if name == "null_condition_emb" else PREFIX[component] + name


def config(family, **more):
    """What config.json holds: the sizes of all four modules in one object."""
    return {
        "architectures": ["AceStepConditionGenerationModel"],
        "model_type": "acestep",
        **tiny.COMMON,
        "num_hidden_layers": 4,
        "in_channels": 3 * tiny.CHANNELS,
        "audio_acoustic_hidden_dim": tiny.CHANNELS,
        "patch_size": 2,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "text_hidden_dim": tiny.TEXT_WIDTH,
        "timbre_hidden_dim": tiny.CHANNELS,
        "num_lyric_encoder_hidden_layers": 2,
        "num_timbre_encoder_hidden_layers": 2,
        "pool_window_size": 5,
        "num_attention_pooler_hidden_layers": 2,
        "fsq_dim": tiny.WIDTH,
        "fsq_input_levels": tiny.LEVELS,
        "fsq_input_num_quantizers": 1,
        "is_turbo": family == "turbo",
        "model_version": family,
        **more,
    }


def save(home, family):
    """Write `home`/acestep-v15-`family`, `home`/vae and `home`/Qwen3-Embedding-0.6B."""
    parts = tiny.parts(family, tiny.SEEDS[family])
    parts["vae"].save_pretrained(Path(home) / "vae")
    parts["text_encoder"].save_pretrained(Path(home) / "Qwen3-Embedding-0.6B")
    parts["tokenizer"].save_pretrained(Path(home) / "Qwen3-Embedding-0.6B")
    return _checkpoint(Path(home) / f"acestep-v15-{family}", parts, config(family))


def save_xl(home):
    """Write a checkpoint whose transformer is wider than its encoders, without VAE and text."""
    wide = {"hidden_size": 96, "num_attention_heads": 6, "intermediate_size": 128}
    parts = tiny.parts("turbo", 50, **wide, encoder_hidden_size=tiny.WIDTH)
    narrow = {f"encoder_{key}": tiny.COMMON[key] for key in (*wide, "num_key_value_heads")}
    return _checkpoint(
        Path(home) / "acestep-v15-xl-turbo", parts, config("turbo", **wide, **narrow)
    )


def _checkpoint(folder, parts, told):
    folder.mkdir(parents=True)
    state = {
        published(component, name): tensor.contiguous()
        for component in PREFIX
        for name, tensor in parts[component].state_dict().items()
    }
    silence = state.pop("encoder.silence_latent")
    torch.save(silence.transpose(1, 2).contiguous(), folder / "silence_latent.pt")
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(told), "utf-8")
    return folder
