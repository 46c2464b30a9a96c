"""Writing token by token, with a static cache, guidance and an own generator.

One row is what was asked; with guidance a second one is the same without what is to be followed,
and what is written goes to both. Rows of other length are filled up on the left and masked there.
Guided logits are `without + scale · (with − without)`. The draw is made from the model's words on
the CPU's generator: the same seed writes the same, whatever the device draws with.

A token is some 400 small kernels. On CUDA the reading of one token is captured as a graph, checked
once against the plain way, and replayed; where that can't be done the plain way goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from transformers import StaticCache

from bridge.protocol.errors import error
from daemon.engines.acestep.graphs import Capture, Thunk, captured
from daemon.engines.acestep.lm.model import Language

SPARE = 8
"""Entries of the cache behind the last token: a capture takes its step more than once."""
_NEAR = 0.05  # captured and plain steps choose other kernels: alike to half precision, no more
_log = logging.getLogger("punchin.acestep")


@dataclass(frozen=True)
class Taste:
    """How the next token is drawn: `temperature` 0 takes the likeliest; `top_p` 1 keeps all."""

    temperature: float = 0.85
    top_p: float = 0.9
    guidance: float = 1.0


class Pen:
    """A text being written. `room`: how many tokens may be pushed.

    `capture` makes the reading of one token faster; by default that is done on CUDA.
    """

    def __init__(
        self,
        language: Language,
        asked: Sequence[Sequence[int]],
        room: int,
        capture: Capture | None = None,
    ) -> None:
        self._language = language
        longest = max(len(row) for row in asked)
        total = longest + room + SPARE
        limit = language.model.config.max_position_embeddings
        if total > limit:
            raise error(
                103, f"the language model reads {limit} tokens, not {total}: make lyrics or length "
                "shorter"
            )  # fmt: skip
        device = language.device
        ids = torch.zeros(len(asked), longest, dtype=torch.long)
        heard = torch.ones(len(asked), total, dtype=torch.bool)
        for row, tokens in enumerate(asked):
            ids[row, longest - len(tokens) :] = torch.tensor(tokens)
            heard[row, : longest - len(tokens)] = False
        self._heard = heard.to(device)[:, None, None]
        self._places = (self._heard[:, 0, 0].long().cumsum(1) - 1).clamp(min=0)
        self._span = torch.arange(total, device=device)
        self._cache = StaticCache(config=language.model.config, max_cache_len=total)
        self._capture = capture or (captured(device) if device.type == "cuda" else None)
        self._one = _One.of(len(asked), device)
        self._again: Thunk | None = None
        self._seen = 0
        self._waiting: list[int] = []
        self._state = self._read(ids.to(device))

    def push(self, token: int) -> None:
        """Write a token; it is read with the next one that has to be drawn."""
        self._waiting.append(token)

    def logits(self, rows: slice, guidance: float) -> torch.Tensor:
        """Return float32 logits of the words `rows` for what comes next, `(n,)`."""
        if self._waiting:
            tokens = torch.tensor(self._waiting, device=self._language.device)
            alone, self._waiting = len(self._waiting) == 1, []
            ids = tokens.expand(len(self._places), -1)
            self._state = self._read_one(ids) if alone and self._capture else self._read(ids)
        head = self._language.model.get_output_embeddings().weight[rows]
        said = (self._state @ head.T).float()
        if len(said) == 1:
            return said[0]
        return said[1] + guidance * (said[0] - said[1])

    def _read(self, ids: torch.Tensor) -> torch.Tensor:
        """Read `ids` `(rows, n)` and return the last state, `(rows, width)`."""
        start, self._seen = self._seen, self._seen + ids.shape[1]
        return self._forward(
            ids, self._places[:, start : self._seen], self._span[start : self._seen]
        )

    @torch.inference_mode()
    def _forward(self, ids: torch.Tensor, places: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """Read `ids` `(rows, n)` at `places` `(rows, n)` into the cache's entries `at` `(n,)`."""
        # What fills up a row hears itself, so that nothing is divided by nothing.
        mask = self._heard & (self._span <= at[:, None]) | (self._span == at[:, None])
        out = self._language.model.model(
            input_ids=ids,
            attention_mask={"full_attention": mask},
            position_ids=places,
            past_key_values=self._cache,
            use_cache=True,
        )
        state: torch.Tensor = out.last_hidden_state[:, -1]
        return state

    # -- one token, captured -----------------------------------------------------------------------

    def _read_one(self, ids: torch.Tensor) -> torch.Tensor:
        """Read one token a row, by the captured step once there is one."""
        self._one.put(ids, self._places[:, self._seen, None], self._seen)
        if self._again is not None:
            self._seen += 1
            return self._again().clone()
        state = self._read(ids)
        self._again = self._captured(state)
        return state

    def _captured(self, state: torch.Tensor) -> Thunk | None:
        """Return the step that was just taken as one that is captured; None where that fails.

        A capture takes the step some times over; the cache is wound back after it.
        """
        assert self._capture is not None
        capture, self._capture = self._capture, None
        try:
            again = capture(lambda: self._forward(*self._one))
            self._wind(self._seen - 1)
            same = torch.allclose(again(), state, rtol=_NEAR, atol=_NEAR * float(state.abs().max()))
        except RuntimeError as reason:
            _log.warning("no captured step for the language model: %s", str(reason).splitlines()[0])
            self._wind(self._seen)
            return None
        self._wind(self._seen)
        if not same:
            _log.warning("the captured step of the language model differs: not used")
            return None
        self._capture = capture
        return again

    @torch.inference_mode()  # on a device, the cache's counters were made in it
    def _wind(self, seen: int) -> None:
        """Have the cache hold the first `seen` tokens; what lies behind them is written over."""
        layers: list[Any] = self._cache.layers
        for layer in layers:
            layer.cumulative_length.fill_(seen)


class _One(NamedTuple):
    """Where the inputs of one token lie: ids and places `(rows, 1)`, the cache's entry `(1,)`."""

    ids: torch.Tensor
    places: torch.Tensor
    at: torch.Tensor

    @classmethod
    def of(cls, rows: int, device: torch.device) -> _One:
        """Return room for `rows` rows."""
        ids, places = (torch.zeros(rows, 1, dtype=torch.long, device=device) for _ in range(2))
        return cls(ids, places, torch.zeros(1, dtype=torch.long, device=device))

    def put(self, ids: torch.Tensor, places: torch.Tensor, at: int) -> None:
        """Fill it."""
        self.ids.copy_(ids)
        self.places.copy_(places)
        self.at.fill_(at)


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
