"""A job, its states and its transitions.

    queued ──► running ──► done
      │  ▲        │ └────► failed
      │  └────────┤
      └───────────┴──────► cancelled

`running → queued` is a stop of the daemon, or a worker's death with tries left. A transition that
is not in the table is a defect and raises.

Threads: the control loop's thread only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

ENGINE_JOB = "engine"  # id and op of a change of engine, which waits in line with the jobs


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})
TRANSITIONS = {
    State.QUEUED: frozenset({State.RUNNING, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset({State.QUEUED, *ENDED}),
    State.DONE: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}


@dataclass(frozen=True)
class ResultFile:
    """One file of a job, whole on disk. `path` is absolute, `seconds` its length."""

    role: str
    take: int
    path: str
    seconds: float
    rate: int
    channels: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Return what `job.json` holds of it."""
        return dict(self.__dict__)


@dataclass
class Job:
    """One job from `accepted` to its end.

    `request` is flat, in wire form: `source` and every key as resolved; with `facts` (the source's
    header, what the planner needs besides) it is enough to run the job again after a crash. `sent`
    tells a resend from a conflict. `runs` counts how often a worker was given the job.
    """

    id: str
    op: str
    request: dict[str, Any]
    sent: str
    facts: dict[str, Any]
    created: float
    engine: str = ""
    tag: str = ""
    priority: int = 1
    slot: str = ""
    order: int = 0
    state: State = State.QUEUED
    runs: int = 0
    position: int = 0
    fraction: float = 0.0
    stage: str = ""
    eta_s: float = -1.0
    started: float | None = None
    finished: float | None = None
    chosen: int | None = None
    files: list[ResultFile] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether the job has had its terminal event."""
        return self.state in ENDED

    @property
    def audience(self) -> str:
        """The name under which its followers are kept: changes of engine share one id."""
        return f"{self.id} {self.order}" if self.op == ENGINE_JOB else self.id

    def move(self, state: State) -> None:
        """Change the state along the table."""
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"job {self.id}: {self.state} can't become {state}")
        self.state = state

    def advance(self, fraction: float, stage: str, eta_s: float) -> None:
        """Take progress; the fraction never goes down, and reaches 1 only when done."""
        self.fraction = max(self.fraction, min(fraction, 0.999))
        self.stage, self.eta_s = stage, eta_s

    def as_dict(self) -> dict[str, Any]:
        """Return `job.json`; the state comes early so that a recovery can read just the head."""
        return {
            "id": self.id,
            "op": self.op,
            "state": str(self.state),
            "position": self.position,
            "fraction": self.fraction,
            "stage": self.stage,
            "eta_s": self.eta_s,
            "tag": self.tag,
            "request": self.request,
            "engine": self.engine,
            "created": self.created,
            "started": self.started,
            "finished": self.finished,
            "chosen": self.chosen,
            "files": [f.as_dict() for f in self.files],
            "result": self.result,
            "error": self.error,
            "_sent": self.sent,
            "_facts": self.facts,
            "_order": self.order,
            "_runs": self.runs,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Job:
        """Read `job.json` back. Raises KeyError or ValueError for a file that is not ours."""
        return cls(
            id=data["id"],
            op=data["op"],
            request=dict(data["request"]),
            sent=data["_sent"],
            facts=dict(data["_facts"]),
            created=data["created"],
            engine=data["engine"],
            tag=data["tag"],
            priority=int(data["request"].get("priority", 1)),
            slot=data["request"].get("slot", "").lower(),
            order=data["_order"],
            state=State(data["state"]),
            runs=data["_runs"],
            position=data["position"],
            fraction=data["fraction"],
            stage=data["stage"],
            eta_s=data["eta_s"],
            started=data["started"],
            finished=data["finished"],
            chosen=data["chosen"],
            files=[ResultFile(**f) for f in data["files"]],
            result=dict(data["result"]),
            error=data["error"],
        )

    def public(self) -> dict[str, Any]:
        """Return what clients are shown: all but the daemon's own fields."""
        return {k: v for k, v in self.as_dict().items() if not k.startswith("_")}

    def brief(self) -> dict[str, Any]:
        """Return the row of `recent.json`."""
        whole = self.as_dict()
        return {k: whole[k] for k in ("id", "op", "state", "fraction", "tag")}
