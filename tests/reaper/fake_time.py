"""REAPER's musical time: a tempo map with ramps and changes of metre, in quarters and measures."""

from __future__ import annotations

from dataclasses import dataclass

from fake_model import Project


@dataclass(frozen=True)
class Stretch:
    """From `at` seconds (`qn` quarters) on; the bpm goes from `bpm` to `to_bpm` until `end`."""

    at: float
    end: float
    qn: float
    bpm: float
    to_bpm: float
    beats: int
    unit: int
    new_measure: bool

    def quarters(self, t: float) -> float:
        dt = t - self.at
        if self.end == float("inf") or self.to_bpm == self.bpm:
            return self.qn + dt * self.bpm / 60
        slope = (self.to_bpm - self.bpm) / (self.end - self.at)
        return self.qn + (self.bpm * dt + slope * dt * dt / 2) / 60

    def bpm_at(self, t: float) -> float:
        if self.end == float("inf"):
            return self.bpm
        return self.bpm + (self.to_bpm - self.bpm) * (t - self.at) / (self.end - self.at)


def stretches(project: Project) -> list[Stretch]:
    """Return the tempo map as stretches from 0 s on."""
    rows = [(0.0, project.bpm, *project.metre, False, True)]
    beats, unit = project.metre
    for m in sorted(project.tempi, key=lambda m: m.at):
        if m.beats:
            beats, unit = m.beats, m.unit
        rows.append((m.at, m.bpm, beats, unit, m.linear, bool(m.beats)))
    if len(rows) > 1 and rows[1][0] <= 0:
        rows.pop(0)
    out: list[Stretch] = []
    qn = 0.0
    for i, (at, bpm, b, u, linear, fresh) in enumerate(rows):
        end = rows[i + 1][0] if i + 1 < len(rows) else float("inf")
        to = rows[i + 1][1] if linear and i + 1 < len(rows) else bpm
        one = Stretch(at, end, qn, bpm, to, b, u, fresh or i == 0)
        out.append(one)
        if end != float("inf"):
            qn = one.quarters(end)
    return out


def _at(project: Project, t: float) -> Stretch:
    found = stretches(project)
    return next((s for s in reversed(found) if t >= s.at), found[0])


def to_qn(project: Project, t: float) -> float:
    return _at(project, t).quarters(t)


def to_time(project: Project, qn: float) -> float:
    found = stretches(project)
    s = next((x for x in reversed(found) if qn >= x.qn), found[0])
    low, high = s.at, s.end
    if high == float("inf"):
        return s.at + (qn - s.qn) * 60 / s.bpm
    for _ in range(80):  # bisection: exact enough, and right for ramps too
        middle = (low + high) / 2
        low, high = (middle, high) if s.quarters(middle) <= qn else (low, middle)
    return low if qn >= s.qn else s.at + (qn - s.qn) * 60 / s.bpm


def signature(project: Project, t: float) -> tuple[int, int, float]:
    s = _at(project, t)
    return s.beats, s.unit, s.bpm_at(t)


def measures(project: Project, until_qn: float) -> list[tuple[float, float, int, int]]:
    """Return `(qn_start, qn_end, beats, unit)` of every measure up to one past `until_qn`."""
    found, out, qn = stretches(project), [], 0.0
    changes = [s for s in found if s.new_measure]
    while not out or out[-1][0] <= until_qn:
        now = next(s for s in reversed(changes) if qn >= s.qn - 1e-9)
        later = next((s.qn for s in changes if s.qn > qn + 1e-9), float("inf"))
        end = min(qn + now.beats * 4 / now.unit, later)
        out.append((qn, end, now.beats, now.unit))
        qn = end
    return out


def to_beats(project: Project, t: float) -> tuple[float, int, int, float, int]:
    """Return beats since the measure began, the measure, its length, all beats, the unit."""
    qn = to_qn(project, t)
    rows = measures(project, qn)
    index = max(i for i, row in enumerate(rows) if row[0] <= qn + 1e-9 or i == 0)
    start, _, beats, unit = rows[index]
    full = sum((b - a) * u / 4 for a, b, _, u in rows[:index]) + (qn - start) * unit / 4
    return (qn - start) * unit / 4, index, beats, full, unit
