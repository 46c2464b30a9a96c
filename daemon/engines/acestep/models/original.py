"""The original layout's names, and what diffusers calls the same things.

One file of weights holds the transformer (`decoder.`), the condition encoder (`encoder.` and
`null_condition_emb`) and the audio tokenizer and its inverse; diffusers has a folder for each. The
inner modules differ in the names of the attention's projections and of the two patch convolutions.
In XL models the condition encoder and the tokenizers are narrower than the transformer: their sizes
have the prefix `encoder_`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SILENCE = "silence_latent"
_PREFIXES = {
    "decoder.": "transformer",
    "encoder.": "condition_encoder",
    "tokenizer.": "audio_tokenizer",
    "detokenizer.": "audio_token_detokenizer",
}
_RENAMED = (
    (re.compile(r"\b([qkv])_proj\b"), r"to_\1"),
    (re.compile(r"\bo_proj\b"), "to_out.0"),
    (re.compile(r"\b([qk])_norm\b"), r"norm_\1"),
    (re.compile(r"^proj_(in|out)\.1\."), r"proj_\1_conv."),
)
# What follows from the configuration, which some files hold all the same.
_DERIVED = re.compile(r"rotary_emb\.inv_freq$|quantizer\.(scales$|layers\.\d+\._)")
_COMMON = ("head_dim", "rope_theta", "attention_bias", "attention_dropout", "rms_norm_eps")
_SIZES = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
_POOLING = ("audio_acoustic_hidden_dim", "pool_window_size", "num_attention_pooler_hidden_layers")
_OWN = {
    "condition_encoder": (
        "text_hidden_dim",
        "timbre_hidden_dim",
        "num_lyric_encoder_hidden_layers",
        "num_timbre_encoder_hidden_layers",
    ),
    "audio_tokenizer": (
        *_POOLING,
        "fsq_dim",
        "fsq_input_levels",
        "fsq_input_num_quantizers",
    ),
    "audio_token_detokenizer": _POOLING,
}
CLASSES = {
    "transformer": "AceStepTransformer1DModel",
    "condition_encoder": "AceStepConditionEncoder",
    "audio_tokenizer": "AceStepAudioTokenizer",
    "audio_token_detokenizer": "AceStepAudioTokenDetokenizer",
}


def place(key: str) -> tuple[str, str] | None:
    """Return the component and the name in it of the original weight `key`.

    None for what belongs to no component, or follows from the configuration.
    """
    if key == "null_condition_emb":
        return "condition_encoder", key
    for prefix, component in _PREFIXES.items():
        if key.startswith(prefix):
            rest = key.removeprefix(prefix)
            return None if _DERIVED.search(rest) else (component, rename(rest))
    return None


def rename(key: str) -> str:
    """Return diffusers' name of a weight inside a component."""
    for pattern, new in _RENAMED:
        key = pattern.sub(new, key)
    return key


def config_of(component: str, original: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of `component`; what the original leaves out is left out."""
    if component == "transformer":
        return _transformer(original)
    sizes = {key: original.get(f"encoder_{key}", original.get(key)) for key in _SIZES}
    wanted = (*_COMMON, "sliding_window", *_OWN[component])
    config = {**sizes, **{key: original[key] for key in wanted if key in original}}
    return {key: value for key, value in config.items() if value is not None}


def _transformer(original: Mapping[str, Any]) -> dict[str, Any]:
    wanted = (
        *_SIZES,
        *_COMMON,
        "sliding_window",
        "num_hidden_layers",
        "in_channels",
        "audio_acoustic_hidden_dim",
        "patch_size",
        "layer_types",
        "model_version",
    )
    config = {key: original[key] for key in wanted if original.get(key) is not None}
    narrow = original.get("encoder_hidden_size")
    if narrow and narrow != original.get("hidden_size"):
        config["encoder_hidden_size"] = narrow
    return {**config, "is_turbo": bool(original.get("is_turbo", False))}
