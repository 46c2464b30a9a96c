"""Progress of a take, in parts: an op tells how far a part is, the musician sees the whole."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.engines.base import Port


@dataclass(frozen=True)
class Share:
    """A part of a take's progress: fractions 0…1 of it become `first` … `last` of the take."""

    port: Port
    first: float
    last: float
    stage: str

    def tell(self, fraction: float) -> None:
        """Report how far this part is; raises Cancelled."""
        self.port.progress(self.first + fraction * (self.last - self.first), self.stage)


@dataclass(frozen=True)
class Part:
    """A part of a job that has parts of its own: `length` of the take from `first` on."""

    port: Port
    first: float
    length: float

    def share(self, first: float, last: float, stage: str) -> Share:
        """Return the share `first` … `last` of this part."""
        begin, end = (self.first + edge * self.length for edge in (first, last))
        return Share(self.port, begin, end, stage)
