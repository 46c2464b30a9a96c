"""Samples to latents, in tiles whose edges nobody hears.

Samples are float32 `(n, 2)` at 48 kHz; latents float32 `(frames, C)` on the CPU, one frame for
every 1,920 samples, the mean of the VAE's posterior. A frame depends on at most 7 frames of samples
on each side, so a tile with 8 frames of discarded halo gives what the whole clip would.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from daemon.audio.clips import Samples
from daemon.engines.acestep.parts import FRAMES_PER_S, HOP

HALO = 8
"""Frames of samples on each side of a tile that are heard and whose latents are discarded."""
TILE = 8 * FRAMES_PER_S
"""Frames of a tile, its halo included."""


def frames_of(samples: int) -> int:
    """Return how many latent frames hold `samples` samples; the last one may be filled up."""
    return -(-samples // HOP)


def encode(
    vae: Any,
    samples: Samples,
    first: int = 0,
    last: int | None = None,
    check: Callable[[], None] = lambda: None,
    tile: int = TILE,
) -> torch.Tensor:
    """Return the latents of frames `[first, last)`, `(last - first, C)` float32 on the CPU.

    Frame 0 begins at the first sample. Samples beyond the frames are heard where there are any, and
    silence where there are none, so that `last` may lie beyond the end. `tile` is in frames, halo
    included. `check` is called before each tile and may raise.
    """
    last = frames_of(len(samples)) if last is None else last
    assert 0 <= first <= last, (first, last)
    done = [torch.empty(0, int(vae.config.decoder_input_channels))]
    for start, end in tiles(first, last, tile):
        check()
        done.append(encode_tile(vae, heard_for(samples, start, end), start, end))
    return torch.cat(done)


def tiles(first: int, last: int, tile: int = TILE, origin: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the frames `[start, end)` that each tile of at most `tile` frames settles.

    They are cut where frames counted from `origin` frames earlier are multiples of a tile's core,
    so that windows of one source that overlap have tiles in common.
    """
    core = max(1, tile - 2 * HALO)
    start = first
    while start < last:
        end = min(last, start + core - (start + origin) % core)
        yield start, end
        start = end


def heard_for(samples: Samples, start: int, end: int) -> np.ndarray:
    """Return the samples `(n, 2)` that settle frames `[start, end)`: theirs and the halo's."""
    after = min(HALO, max(0, frames_of(len(samples)) - end))
    return _stretch(samples, start - min(start, HALO), end + after)


def encode_tile(vae: Any, heard: np.ndarray, start: int, end: int) -> torch.Tensor:
    """Return the latents of frames `[start, end)` from what `heard_for` gave, the halo cut off."""
    lead = min(start, HALO)
    place = vae.encoder.conv1.bias
    wave = torch.from_numpy(heard.T.copy())[None].to(place)
    with torch.inference_mode():
        mean = vae.encoder(wave).chunk(2, dim=1)[0][0]
    return mean[:, lead : lead + end - start].T.float().cpu()


def _stretch(samples: Samples, start: int, end: int) -> np.ndarray:
    """Return the samples of frames `[start, end)`, `(n, 2)`, silence beyond the clip's end."""
    held = np.asarray(samples[start * HOP : end * HOP], np.float32)
    missing = (end - start) * HOP - len(held)
    return np.pad(held, ((0, missing), (0, 0))) if missing else held
