"""Values that describe audio without holding any; standard library only.

Frames are ints counted from the first sample of the source, seconds are floats.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class SourceInfo:
    """What the header of a source file says, and which file it was.

    `frames` is the length in sample frames, `rate` in Hz, `container` and `subtype` are
    libsndfile's names (`WAV`, `PCM_24`). `size` (bytes) and `mtime_ns` tell later whether the file
    has changed.
    """

    path: str
    rate: int
    channels: int
    frames: int
    container: str
    subtype: str
    size: int
    mtime_ns: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate

    def as_dict(self) -> dict[str, object]:
        """Return plain data, as it crosses to the worker."""
        return asdict(self)


@dataclass(frozen=True)
class OutputFormat:
    """How a result file is written: libsndfile's container and subtype, rate in Hz, channels."""

    container: str
    subtype: str
    rate: int
    channels: int
