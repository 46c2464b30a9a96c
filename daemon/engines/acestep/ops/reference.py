"""The key `reference`: the timbre of a file, for the model's timbre encoder.

As in training: 10 s from the front, the middle and the back of the piece, a shorter one repeated.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import torch

from bridge.protocol.errors import error
from daemon.audio import reading, resample
from daemon.audio.channels import Fold
from daemon.audio.probe import probe
from daemon.audio.types import SourceInfo
from daemon.engines.acestep.latents import encode as encoding
from daemon.engines.acestep.parts import RATE
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.base import Request

Timbre = tuple[torch.Tensor | None, Hashable]
"""Latents of a reference and what tells them from others."""
UNTOLD: Timbre = (None, None)
_PIECE_S = 10
_PIECES = 3
_SILENT = 1e-4


def timbre(session: Session, request: Request, share: Share) -> Timbre:
    """Return the latents `(750, C)` of the told reference and their name; None if none is told.

    Raises 200, 201, and 101 for a silent file.
    """
    path = request.options.get("reference")
    if not path:
        return UNTOLD
    info = probe(str(path))
    name = ("reference", info.path, info.mtime_ns, info.size)
    return session.caches.latents.made(name, lambda: _encoded(session, info, share)), name


def _encoded(session: Session, info: SourceInfo, share: Share) -> torch.Tensor:
    samples = three_pieces(info)
    if float(np.abs(samples).max(initial=0.0)) < _SILENT:
        raise error(101, f"the reference {info.path} is silent: choose another file")
    vae = session.shared.vae
    with session.working(vae):
        return encoding.encode(vae, samples, check=share.port.check, tile=session.ways.tile)


def three_pieces(info: SourceInfo) -> np.ndarray:
    """Return 30 s of a file, stereo at 48 kHz, float32 `(1440000, 2)`."""
    whole = -(-_PIECES * _PIECE_S * info.rate)
    if info.frames >= whole:
        length = _PIECE_S * info.rate
        starts = (0, info.frames // _PIECES, info.frames - length)
        native = [reading.window(info, start, start + length) for start in starts]
    else:
        once = reading.window(info, 0, info.frames)
        native = [np.tile(once, (-(-whole // info.frames), 1))]
    out = [resample.resample(Fold.fit(x).stereo(x), info.rate, RATE) for x in native]
    if len(out) > 1:
        return np.concatenate(out)
    length, samples = _PIECE_S * RATE, out[0]
    starts = (0, len(samples) // _PIECES, len(samples) - length)
    return np.concatenate([samples[start : start + length] for start in starts])
