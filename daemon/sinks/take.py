"""The files of one take: kept audio in its own samples, new material quantised once, mixes summed.

Native arrays are `(n, channels)` as `Writer.write` takes them. Dither is drawn anew from the take's
seed for each role and span, so a region's own file and its place in the mix hold the same samples.

Threads: one worker thread of the control plane per job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daemon.audio.formats import bits, container_for, suffix, written_dtype
from daemon.audio.quantise import quantise, recast
from daemon.audio.reading import blocks
from daemon.audio.types import OutputFormat, SourceInfo
from daemon.audio.writer import Writer
from daemon.sinks.tape import Tape

Blocks = Iterator[np.ndarray]
_HIGHEST_SUM = 0.998  # of full scale: what dither and rounding of all stems can't push over it


@dataclass
class TakeWriter:
    """Writes a take's files into `folder`; `check` raises when the job was cancelled."""

    folder: Path
    take: int
    fmt: OutputFormat
    seed: int
    metadata: Mapping[str, str]
    check: Callable[[], None]
    clipped: int = 0

    # -- where samples come from -------------------------------------------------------------------

    def kept(self, source: SourceInfo, start: int, end: int) -> Blocks:
        """Yield the source's own samples, exact where the format can hold them."""
        same = source.subtype == self.fmt.subtype
        for native in blocks(source, start, end):
            self.check()
            samples, clipped = (native, 0) if same else recast(native, self.fmt)
            self.clipped += clipped
            yield samples

    def fresh(self, tape: Tape, frames: int, salt: int, gain: float = 1.0) -> Blocks:
        """Yield new material, quantised; `salt` tells apart what is dithered for itself."""
        rng = np.random.Generator(np.random.PCG64([self.seed, salt]))
        for block in tape.blocks(frames):
            self.check()
            samples, clipped = quantise(block * np.float32(gain), self.fmt, rng)
            self.clipped += clipped
            yield samples

    # -- files -------------------------------------------------------------------------------------

    def write(self, role: str, frames: int, parts: Sequence[Blocks]) -> Path:
        """Write one file from its parts in order and return it, whole on disk."""
        with self._writer(role, frames) as writer:
            for part in parts:
                for block in part:
                    writer.write(block)
            return writer.commit()

    def stems(
        self,
        tapes: Mapping[str, Tape],
        frames: int,
        mix_with: Callable[[], Iterator[np.ndarray]] | None = None,
        mix: bool = True,
    ) -> dict[str, Path]:
        """Write stems and, in the same pass, their exact sum as `mix`.

        `mix_with` yields kept audio that the mix contains besides, native, block by block.
        """
        gain = self._headroom(tapes, frames) if mix and mix_with is None else 1.0
        sources = [self.fresh(t, frames, i + 1, gain) for i, t in enumerate(tapes.values())]
        kept = mix_with() if mix_with else None
        writers = [self._writer(role, frames) for role in tapes]
        if mix:
            writers.append(self._writer("mix", frames))
        try:
            for pieces in zip(*sources, strict=True):
                under = [next(kept)] if kept else []
                self._write_all(writers, pieces, under, mix)
            return {role: w.commit() for role, w in zip([*tapes, "mix"], writers, strict=False)}
        finally:
            for writer in writers:
                writer.__exit__(None, None, None)

    def _write_all(
        self,
        writers: Sequence[Writer],
        pieces: Sequence[np.ndarray],
        under: Sequence[np.ndarray],
        mix: bool,
    ) -> None:
        for writer, piece in zip(writers, pieces, strict=False):
            writer.write(piece)
        if mix:
            writers[-1].write(self._sum([*pieces, *under]))

    def _sum(self, pieces: Sequence[np.ndarray]) -> np.ndarray:
        """Sum native samples: integers as integers, floats in float64."""
        dtype = np.dtype(written_dtype(self.fmt))
        if dtype.kind == "f":
            return np.asarray(np.sum(pieces, axis=0, dtype=np.float64)).astype(dtype)
        whole = np.asarray(np.sum(pieces, axis=0, dtype=np.int64))
        limits = np.iinfo(dtype)
        self.clipped += int(np.count_nonzero((whole > limits.max) | (whole < limits.min)))
        return np.clip(whole, limits.min, limits.max).astype(dtype)

    def _headroom(self, tapes: Mapping[str, Tape], frames: int) -> float:
        """Return the common gain with which the sum of integer stems does not clip."""
        most = sum(t.peak for t in tapes.values())
        if bits(self.fmt.subtype) is None or most <= _HIGHEST_SUM:
            return 1.0
        peak = 0.0
        for pieces in zip(*(t.blocks(frames) for t in tapes.values()), strict=True):
            self.check()
            peak = max(peak, float(np.abs(np.sum(pieces, axis=0)).max(initial=0.0)))
        alone = max(t.peak for t in tapes.values())
        return min(1.0, _HIGHEST_SUM / max(peak, alone, 1e-9))

    def _writer(self, role: str, frames: int) -> Writer:
        fmt = container_for(self.fmt, frames)
        name = f"{role.replace(':', '-')}-{self.take}{suffix(fmt)}"
        return Writer(self.folder / name, fmt, self.metadata)


def to_stereo(native: np.ndarray, fmt: OutputFormat) -> np.ndarray:
    """Return a mono source's native samples for a stereo mix, others as they are."""
    samples, _ = recast(native, fmt)
    return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 < fmt.channels else samples
