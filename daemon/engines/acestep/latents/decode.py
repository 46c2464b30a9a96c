"""Latents to samples, in chunks that equal the whole.

Latents are float32 `(frames, C)`; samples float32 `(n, 2)` at 48 kHz, 1,920 for every frame. A
sample depends on 8.34 latent frames on each side; with 10 a chunk equals the whole to −100 dB of
the output's RMS in float32.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from daemon.engines.acestep.parts import FRAMES_PER_S

HALO = 10
"""Frames on each side of a chunk that are decoded with it and discarded."""
CHUNK = 4 * FRAMES_PER_S
"""Frames of a chunk, without its halo."""


def decode(vae: Any, latents: torch.Tensor, first: int, last: int) -> np.ndarray:
    """Return the samples of frames `[first, last)`, `((last - first) × 1920, 2)`, as one piece.

    The frames beside them are heard where there are any; at the ends of `latents` the clip ends.
    """
    assert 0 <= first <= last <= len(latents), (first, last, len(latents))
    lead = min(first, HALO)
    heard = latents[first - lead : last + HALO]
    place = vae.decoder.conv1.bias
    with torch.inference_mode():
        wave = _forward(vae.decoder, heard.T[None].to(place))[0]
        hop = wave.shape[-1] // len(heard)
        inside = wave[:, lead * hop : (lead + last - first) * hop]
        return np.ascontiguousarray(inside.T.float().cpu().numpy())


def chunks(
    vae: Any,
    latents: torch.Tensor,
    first: int,
    last: int,
    check: Callable[[], None] = lambda: None,
    size: int = CHUNK,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield `(frame, samples)` from frame `first` on, in order, in chunks of at most `size` frames.

    Each chunk is decoded when it is asked for; `check` is called before and may raise.
    """
    for start in range(first, last, size):
        check()
        yield start, decode(vae, latents, start, min(start + size, last))


def _forward(decoder: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Run the decoder; its output layer may be of another dtype than the rest."""
    hidden = decoder.conv1(hidden)
    for block in decoder.block:
        hidden = block(hidden)
    hidden = hidden.to(next(decoder.conv2.parameters()).dtype)
    return decoder.conv2(decoder.snake1(hidden))
