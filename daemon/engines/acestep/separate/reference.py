"""Takes a known vocal out of a mix that holds it again, sung anew: a Wiener mask.

A model that is given a vocal and asked for the whole song sings that vocal again: same words, notes
and time, not the same samples, so that it can't be subtracted. But where in time and frequency it
lies is known from the source. How much of it there is, is a regression of the mix's power on the
vocal's, band by band and over some seconds; it takes away what goes with the vocal from moment to
moment and leaves what merely sounds at the same time.

Tensors are float `(2, samples)` at 48 kHz, both of one length, on any device. Spectra are
`(channels, bins, rows)`; rows are `_HOP` samples apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as nn

from daemon.engines.acestep.parts import RATE

Check = Callable[[], None]
_WINDOW, _HOP = 4096, 1024
_BANDS = 16
_KNEE_HZ = 200.0  # bands are even in hertz below, in octaves above
_REACH = 128  # rows to each side that share one regression: 2.7 s
_SMEAR = 1  # rows by which a vocal that is sung anew may come early or late
_OVER = 2.0  # the new vocal swells where the old one does not: twice its share is taken away
_SURE = 0.1  # share of the variance from which on a regression is believed whole
_CENTS = (0, 20, -20, 40, -40, 60, -60)  # how far the new vocal may be off the old one's pitch
_LED_HZ = (80.0, 6000.0)  # where the pitch is followed
_STEADY = 1  # rows to each side that share a pitch
_TINY = 1e-12
_BLOCK = 20 * RATE // _HOP  # rows; a long mix is worked through in blocks of 20 s
_MARGIN = _REACH + _WINDOW // _HOP + _SMEAR


def backing(mix: torch.Tensor, vocal: torch.Tensor, check: Check) -> tuple[torch.Tensor, float]:
    """Return `mix` without what it has of `vocal`, `(2, samples)`, and the share that this was.

    Wiener's gain a cell and channel: rest / (rest + vocal), with spectral subtraction for the rest.
    """
    assert mix.shape == vocal.shape, (mix.shape, vocal.shape)
    out = torch.empty_like(mix)
    found = _Sums()
    for block in _blocks(mix.shape[-1]):
        check()
        heard = _spectrum(mix, block)
        power = heard.abs().square()
        sung = _sung(power.mean(0), _spectrum(vocal, block))
        found.add(power.mean(0), sung, block)
        rest = (power - _OVER * sung).clamp(min=0)
        sound = _sound(heard * (rest / (rest + _OVER * sung + _TINY)), block)
        skip = block.start - block.first
        out[:, block.start : block.end] = sound[:, skip : skip + block.end - block.start]
    return out, found.share


def vocal_share(mix: torch.Tensor, vocal: torch.Tensor, check: Check) -> float:
    """Return the share of the energy of `mix` that goes with `vocal`, 0…1; 0 for silence."""
    assert mix.shape == vocal.shape, (mix.shape, vocal.shape)
    found = _Sums()
    for block in _blocks(mix.shape[-1]):
        check()
        power = _spectrum(mix, block).abs().square().mean(0)
        found.add(power, _sung(power, _spectrum(vocal, block)), block)
    return found.share


@dataclass
class _Sums:
    """Energy of the vocal, and of all, over the blocks so far."""

    sung: float = 0.0
    all: float = 0.0

    def add(self, power: torch.Tensor, sung: torch.Tensor, block: _Block) -> None:
        """Add what a block has of its own: `power` and `sung` are `(bins, rows)`."""
        rows = slice((block.start - block.first) // _HOP, (block.end - block.first) // _HOP + 1)
        self.sung += float(torch.minimum(sung, power)[:, rows].sum())
        self.all += float(power[:, rows].sum())

    @property
    def share(self) -> float:
        """The vocal's share, 0…1; 0 for silence."""
        return self.sung / self.all if self.all > _TINY else 0.0


@dataclass(frozen=True)
class _Block:
    """Samples `[start, end)` are wanted; `[first, last)` are looked at for them."""

    first: int
    start: int
    end: int
    last: int


def _blocks(samples: int) -> Iterator[_Block]:
    """Cut on multiples of the hop, so that the rows of neighbours are the same rows."""
    for start in range(0, samples, _BLOCK * _HOP):
        end = min(samples, start + _BLOCK * _HOP)
        first = max(0, start - _MARGIN * _HOP)
        yield _Block(first, start, end, min(samples, end + _MARGIN * _HOP))


def _spectrum(x: torch.Tensor, block: _Block) -> torch.Tensor:
    """Spectra `(channels, bins, rows)` of a block, silence before and after it."""
    piece = x[:, block.first : block.last]
    short = max(0, _WINDOW - piece.shape[-1])
    window = torch.hann_window(_WINDOW, device=x.device, dtype=x.dtype)
    return torch.stft(
        nn.pad(piece, (0, short)), _WINDOW, _HOP, window=window, pad_mode="constant",
        return_complex=True,
    )  # fmt: skip


def _sound(spectra: torch.Tensor, block: _Block) -> torch.Tensor:
    window = torch.hann_window(_WINDOW, device=spectra.device, dtype=spectra.real.dtype)
    length = max(_WINDOW, block.last - block.first)
    return torch.istft(spectra, _WINDOW, _HOP, window=window, length=length)


def _sung(power: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Return how much of `power` `(bins, rows)` is the vocal `known`: its power, scaled by band."""
    voice = _followed(power, known.abs().square().mean(0))
    voice = nn.max_pool2d(voice[None, None], (1, 2 * _SMEAR + 1), 1, (0, _SMEAR))[0, 0]
    # Regressions of powers square them: at a common scale they stay within float32.
    scale = power.max().clamp(min=_TINY)
    return _of_bands(_slope(power / scale, voice / scale)) * voice


def _followed(power: torch.Tensor, voice: torch.Tensor) -> torch.Tensor:
    """Return `voice` `(bins, rows)`, each row at that pitch of `_CENTS` which fits `power` best."""
    low, high = (round(hz * _WINDOW / RATE) for hz in _LED_HZ)
    target = power[low:high].sqrt()
    best = torch.full_like(power[0], -1.0)
    found = voice
    for cents in _CENTS:
        moved = _moved(voice, cents)
        level = moved[low:high].sqrt()
        likeness = (target * level).sum(0) / (level.square().sum(0).sqrt() + _TINY)
        likeness = nn.avg_pool1d(likeness[None, None], 2 * _STEADY + 1, 1, _STEADY)[0, 0]
        better = likeness > best
        best = torch.where(better, likeness, best)
        found = torch.where(better, moved, found)
    return found


def _moved(voice: torch.Tensor, cents: int) -> torch.Tensor:
    """Return the spectra `(bins, rows)` with every frequency `cents` higher, interpolated."""
    if not cents:
        return voice
    bins = len(voice)
    at = torch.arange(bins, device=voice.device, dtype=voice.dtype) * 2 ** (-cents / 1200)
    below = at.floor().long().clamp(max=bins - 2)
    part = (at - below).clamp(max=1)[:, None]
    return (1 - part) * voice[below] + part * voice[below + 1]


def _slope(power: torch.Tensor, voice: torch.Tensor) -> torch.Tensor:
    """Least-squares slope of `power` on `voice` around each row, `(bands, rows)`, ≥ 0.

    An accompaniment of its own time has a slope by chance; what explains little is shrunk to zero.
    """
    count = _around(torch.ones_like(power))
    of_power, of_voice = _around(power), _around(voice)
    joint = _around(power * voice) - of_power * of_voice / count
    own = _around(voice.square()) - of_voice.square() / count
    total = _around(power.square()) - of_power.square() / count
    joint, own, total = (x.clamp(min=0) for x in (joint, own, total))
    explained = joint.square() / (own * total + _TINY**2)
    return joint / (own + _TINY) * (explained / _SURE).clamp(max=1)


def _around(cells: torch.Tensor) -> torch.Tensor:
    """Sum of `cells` `(bins, rows)` over each band and `_REACH` rows to both sides."""
    rows = (_matrix(cells) @ cells)[None]
    width = 2 * _REACH + 1
    return nn.avg_pool1d(nn.pad(rows, (_REACH, _REACH)), width, 1)[0] * width


def _of_bands(rows: torch.Tensor) -> torch.Tensor:
    """Give every bin its band's value: `(bands, rows)` to `(bins, rows)`."""
    return rows[_bands(rows)]


def _matrix(like: torch.Tensor) -> torch.Tensor:
    return nn.one_hot(_bands(like), _BANDS).T.to(like.dtype)


def _bands(like: torch.Tensor) -> torch.Tensor:
    """Band of each bin, `(bins,)`."""
    hz = torch.arange(_WINDOW // 2 + 1, device=like.device) * (RATE / _WINDOW)
    place = torch.log1p(hz / _KNEE_HZ)
    return (place / place[-1] * _BANDS).long().clamp(max=_BANDS - 1)
