"""What speed costs: the noise of a VAE in less than float32, and memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from benchmarks.acestep.desk import MISSING, Desk
from benchmarks.acestep.table import Row
from daemon.engines.acestep.latents.decode import decode
from daemon.engines.acestep.latents.lean import lean


def vae_rows(desk: Desk) -> list[Row]:
    """What a VAE in less than float32 adds, below the same music decoded in float32."""
    vae = desk.bench.session.shared.vae
    own = torch.Generator().manual_seed(3)
    channels = int(vae.config.decoder_input_channels)
    latents = torch.randn(120, channels, generator=own)
    with _exact_float32():
        exact = decode(vae, latents, 10, 110)
    rows = []
    if desk.device.type == "cuda":
        rows.append(_noise_row("TF32 (as it runs)", decode(vae, latents, 10, 110), exact, True))
    for dtype in (torch.float16, torch.bfloat16):
        small = lean(copy.deepcopy(desk.models.common.vae), dtype)
        name = str(dtype).removeprefix("torch.")
        rows.append(_noise_row(name, decode(small, latents, 10, 110), exact, False))
    return rows


def _noise_row(name: str, samples: np.ndarray, exact: np.ndarray, gated: bool) -> Row:
    level = 20 * np.log10(np.sqrt(np.mean((samples - exact) ** 2) / np.mean(exact**2)) + 1e-12)
    return Row(f"the VAE's noise, {name}", (f"{level:.1f} dB",), "≤ -60 dB" if gated else "")


@contextmanager
def _exact_float32() -> Iterator[None]:
    """Have convolutions and products on CUDA in full float32."""
    held = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = held


def memory_row(desk: Desk, run: Callable[[], object]) -> Row:
    """Most memory of the device that a job takes besides the weights."""
    if desk.device.type != "cuda":
        return Row("most memory besides the weights", (MISSING,), "≤ 1.5 GiB")
    session = desk.bench.session
    session.caches.clear()
    session.kept.clear()
    torch.cuda.empty_cache()
    modules = [session.shared.vae, session.shared.text_encoder]
    for found in session.found:
        modules += session.open(found).modules
    weights = sum(t.nbytes for module in modules for t in (*module.parameters(), *module.buffers()))
    other = torch.cuda.memory_allocated(desk.device) - weights
    torch.cuda.reset_peak_memory_stats(desk.device)
    run()
    peak = torch.cuda.max_memory_allocated(desk.device) - weights - max(0, other)
    figure = f"{peak / 2**30:.2f} GiB (weights {weights / 2**30:.2f} GiB)"
    return Row("most memory besides the weights", (figure,), "≤ 1.5 GiB")
