"""From words and a reference to the tokens that the transformer's cross-attention reads.

The prompt goes through the text encoder; lyrics only through its table of embeddings, since the
condition encoder has an encoder of its own for them. Order of the tokens: lyrics, timbre, prompt.
One prompt at a time, so nothing here is padded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from daemon.engines.acestep.parts import FRAMES_PER_S, Checkpoint, Shared
from daemon.engines.acestep.text.prompt import END, METADATA, Text

PROMPT_TOKENS = 256
LYRIC_TOKENS = 2048
"""What the model was trained with; longer texts are cut."""
TIMBRE_FRAMES = 30 * FRAMES_PER_S


@dataclass(frozen=True, eq=False)
class TextStates:
    """Encoded words: `prompt (1, N1, W)` and `lyrics (1, N2, W)` of the text encoder's width W.

    `prompt_cut` and `lyrics_cut` count the tokens that were too many.
    """

    prompt: torch.Tensor
    lyrics: torch.Tensor
    prompt_cut: int = 0
    lyrics_cut: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What the musician should know of texts that were too long."""
        rows = (
            ("prompt", self.prompt_cut, PROMPT_TOKENS),
            ("lyrics", self.lyrics_cut, LYRIC_TOKENS),
        )
        return tuple(
            f"the end of the {name} was not read: {cut} tokens more than the model's {most}"
            for name, cut, most in rows
            if cut
        )


@dataclass(frozen=True, eq=False)
class Conditions:
    """What cross-attention reads: `states (1, N, C)`; `keep (1, N)` is False where padded."""

    states: torch.Tensor
    keep: torch.Tensor


@torch.no_grad()
def encode_text(shared: Shared, text: Text) -> TextStates:
    """Encode a prompt and its lyrics.

    Of a prompt that is too long the caption is shortened, not the metadata behind it.
    """
    encoder = shared.text_encoder
    table = encoder.get_input_embeddings()
    prompt, prompt_cut = _tokens(shared.tokenizer, text.prompt, METADATA, PROMPT_TOKENS)
    lyrics, lyrics_cut = _tokens(shared.tokenizer, text.lyrics, END, LYRIC_TOKENS)
    return TextStates(
        encoder(input_ids=prompt.to(encoder.device)).last_hidden_state,
        table(lyrics.to(table.weight.device)),
        prompt_cut,
        lyrics_cut,
    )


@torch.no_grad()
def encode(
    checkpoint: Checkpoint, states: TextStates, timbre: torch.Tensor | None = None
) -> Conditions:
    """Join words and timbre `(TIMBRE_FRAMES, 64)` latents of a reference, None: no reference.

    Without one the timbre is that of silence, as in training.
    """
    encoder = checkpoint.condition_encoder
    place = encoder.null_condition_emb
    if timbre is None:
        timbre = encoder.silence_latent[0, :TIMBRE_FRAMES]
    words = [part.to(place) for part in (states.prompt, states.lyrics)]
    known = [torch.ones(w.shape[:2], dtype=torch.bool, device=place.device) for w in words]
    joined, keep = encoder(
        text_hidden_states=words[0],
        text_attention_mask=known[0],
        lyric_hidden_states=words[1],
        lyric_attention_mask=known[1],
        refer_audio_acoustic_hidden_states_packed=timbre[None].to(place),
        refer_audio_order_mask=torch.zeros(1, dtype=torch.long, device=place.device),
    )
    return Conditions(joined, keep)


def _tokens(tokenizer: Any, text: str, tail: str, most: int) -> tuple[torch.Tensor, int]:
    """Return token numbers `(1, N ≤ most)`, and how many were cut off before the last `tail`."""
    ids = tokenizer(text).input_ids
    cut = len(ids) - most
    if cut > 0:
        at = text.rindex(tail)
        end = tokenizer(text[at:]).input_ids
        head = tokenizer(text[:at], add_special_tokens=False).input_ids
        ids = head[: most - len(end)] + end
    return torch.tensor([ids], dtype=torch.long), max(0, cut)
