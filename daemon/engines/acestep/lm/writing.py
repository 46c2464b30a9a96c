"""Writing token by token, with a static cache, guidance and an own generator.

One row is what was asked; with guidance a second one is the same without what is to be followed,
and what is written goes to both. Rows of other length are filled up on the left and masked there.
Guided logits are `without + scale · (with − without)`. The draw is made from the model's words on
the CPU's generator: the same seed writes the same, whatever the device draws with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import StaticCache

from bridge.protocol.errors import error
from daemon.engines.acestep.lm.model import Language


@dataclass(frozen=True)
class Taste:
    """How the next token is drawn: `temperature` 0 takes the likeliest; `top_p` 1 keeps all."""

    temperature: float = 0.85
    top_p: float = 0.9
    guidance: float = 1.0


class Pen:
    """A text being written. `room`: how many tokens may be pushed."""

    def __init__(self, language: Language, asked: Sequence[Sequence[int]], room: int) -> None:
        self._language = language
        longest = max(len(row) for row in asked)
        total = longest + room
        limit = language.model.config.max_position_embeddings
        if total > limit:
            raise error(
                103, f"the language model reads {limit} tokens, not {total}: make lyrics or length "
                "shorter"
            )  # fmt: skip
        ids = torch.zeros(len(asked), longest, dtype=torch.long)
        self._mask = torch.ones(len(asked), total, dtype=torch.long)
        for row, tokens in enumerate(asked):
            ids[row, longest - len(tokens) :] = torch.tensor(tokens)
            self._mask[row, : longest - len(tokens)] = 0
        self._mask = self._mask.to(language.device)
        self._places = (self._mask.cumsum(1) - 1).clamp(min=0)
        self._cache = StaticCache(config=language.model.config, max_cache_len=total)
        self._seen = 0
        self._waiting: list[int] = []
        self._state = self._forward(ids.to(language.device))

    def push(self, token: int) -> None:
        """Write a token; it is read with the next one that has to be drawn."""
        self._waiting.append(token)

    def logits(self, rows: slice, guidance: float) -> torch.Tensor:
        """Return float32 logits of the words `rows` for what comes next, `(n,)`."""
        if self._waiting:
            tokens = torch.tensor(self._waiting, device=self._language.device)
            self._waiting = []
            self._state = self._forward(tokens.expand(len(self._mask), -1))
        head = self._language.model.get_output_embeddings().weight[rows]
        said = (self._state @ head.T).float()
        if len(said) == 1:
            return said[0]
        return said[1] + guidance * (said[0] - said[1])

    def _forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Read `ids` `(rows, n)` and return the last state, `(rows, width)`."""
        start, self._seen = self._seen, self._seen + ids.shape[1]
        with torch.inference_mode():
            out = self._language.model.model(
                input_ids=ids,
                attention_mask=self._mask[:, : self._seen],
                position_ids=self._places[:, start : self._seen],
                past_key_values=self._cache,
                use_cache=True,
            )
        state: torch.Tensor = out.last_hidden_state[:, -1]
        return state


def draw(logits: torch.Tensor, taste: Taste, generator: torch.Generator) -> int:
    """Draw an index of `logits` `(n,)`, −inf never; from the likeliest that make up `top_p`."""
    if not bool(torch.isfinite(logits.max())):
        raise error(307, "the language model gave no finite numbers: use its float32 precision")
    if taste.temperature <= 0:
        return int(logits.argmax())
    shares, order = torch.softmax(logits / taste.temperature, 0).sort(descending=True, stable=True)
    reached = shares.cumsum(0)
    # The first one that reaches the limit still belongs to them.
    keep = (reached - shares < taste.top_p) & (shares > 0)
    reached = torch.where(keep, reached, reached[keep][-1])
    at = torch.rand(1, generator=generator, dtype=torch.float64).item() * float(reached[-1])
    return int(order[min(int((reached <= at).sum()), int(keep.sum()) - 1)])
