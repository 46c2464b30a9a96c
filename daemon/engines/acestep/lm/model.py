"""The language model itself and its vocabulary; a plain Qwen3 with tokens for audio codes.

One code stands for 0.2 s: five latent frames. Codes are numbered from 0; their tokens follow each
other in the vocabulary, behind the words.

Threads: the worker's main thread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.parts import Placement

CODES_PER_S = 5
_CODE = re.compile(r"<\|audio_code_(\d+)\|>")
# What stands for a special token must not come in with a caption or a line of lyrics.
_SPECIAL = re.compile(r"<\|([^|<>]*)\|>|</?think>")


@dataclass(frozen=True)
class Vocabulary:
    """Ids of the tokens that are no words. Codes are `[first_code, first_code + codes)`."""

    start: int
    end: int
    think: int
    unthink: int
    first_code: int
    codes: int


@dataclass(frozen=True, eq=False, repr=False)
class Language:
    """A loaded language model."""

    name: str
    model: Any
    tokenizer: Any
    vocabulary: Vocabulary
    device: torch.device
    trees: dict[Any, Any] = field(default_factory=dict)
    """Token trees of what a line of a plan may say, made once; see `grammar`."""

    def ids(self, text: str) -> list[int]:
        """Return the tokens of plain words."""
        return [int(i) for i in self.tokenizer.encode(plain(text), add_special_tokens=False)]

    def text(self, ids: Sequence[int]) -> str:
        """Return the words of tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    @cached_property
    def breaks(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Which words may stand inside a line of text, and which of them end it: bool `(V,)` each.

        A word may end a line if its only line break is its last character.
        """
        size = self.model.config.vocab_size
        inside, ends = (torch.zeros(size, dtype=torch.bool) for _ in range(2))
        added = {*self.tokenizer.all_special_ids, *self.tokenizer.get_added_vocab().values()}
        plain_ids = [i for i in range(min(size, len(self.tokenizer))) if i not in added]
        words = self.tokenizer.batch_decode([[i] for i in plain_ids])
        for i, word in zip(plain_ids, words, strict=True):
            inside[i] = "\n" not in word and "\r" not in word and bool(word)
            ends[i] = word.endswith("\n") and word.count("\n") == 1 and "\r" not in word
        return inside.to(self.device), ends.to(self.device)


def plain(text: str) -> str:
    """Return `text` without anything that would be read as a special token."""
    return _SPECIAL.sub(lambda match: match[1] or "", text)


def load(folder: Path, placement: Placement, codes: int) -> Language:
    """Read a language model; `codes` is the size of the code book. Raises 302, 303."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if not folder.is_dir():
        raise error(302, f"no language model at {folder}: punchin models pull lm-0.6b")
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=placement.transformer_dtype,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            attn_implementation="sdpa",
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as reason:
        first = str(reason).splitlines()[0]
        raise error(303, f"{folder} can't be loaded: fetch it again ({first})") from None
    model, told = loaded
    # The head may be tied to the embedding and then has no weights of its own.
    lacks = sorted(set(told["missing_keys"]) - {"lm_head.weight"}) or sorted(
        str(key) for key in told["mismatched_keys"]
    )
    if lacks:
        raise error(303, f"{folder} lacks {lacks[0]}, or has another shape of it: fetch it again")
    model = model.requires_grad_(False).eval().to(placement.device)
    if set(getattr(model.config, "layer_types", ())) - {"full_attention"}:
        raise error(303, f"{folder} is no 5 Hz language model: punchin models pull lm-0.6b")
    known = _vocabulary(tokenizer, codes, folder)
    if known.first_code + known.codes > model.config.vocab_size:
        raise error(303, f"{folder} has fewer words than its tokenizer: fetch it again")
    return Language(folder.name, model, tokenizer, known, placement.device)


def _vocabulary(tokenizer: Any, codes: int, folder: Path) -> Vocabulary:
    """Find the special tokens and the codes. Raises 303 where they are not as they should be."""
    ids = tokenizer.get_vocab()
    found = {int(match[1]): i for word, i in ids.items() if (match := _CODE.fullmatch(word))}
    count = min(codes, len(found))
    in_order = all(found.get(n) == found.get(0, -1) + n for n in range(count))
    names = ("<|im_start|>", "<|im_end|>", "<think>", "</think>")
    if not count or not in_order or any(name not in ids for name in names):
        raise error(303, f"{folder} is no 5 Hz language model: punchin models pull lm-0.6b")
    start, end, think, unthink = (int(ids[name]) for name in names)
    return Vocabulary(start, end, think, unthink, int(found[0]), count)
