"""The recipe of a take: what it takes to draw its noise and tell the model its words once more.

It is a document in the job's folder, `recipe-<take>.json`, so that `retake … of` can make a nearby
variation of a take long after it was made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from bridge.places import home
from daemon.engines.acestep.dit.noise import mixed, window_noise
from daemon.engines.acestep.text.prompt import Task, Text

Seeds = tuple[tuple[int, float], ...]
"""`(seed, variance)` of each noise that is mixed in, the first with variance 1."""
SeedsOf = Callable[[int], Seeds]
"""What a take with a seed is drawn from."""

ROLE = "recipe"
_FORM = 1
_LARGEST_BYTES = 8 << 20


@dataclass(frozen=True)
class Noted:
    """A LoRA that a take was made with: its `scale`, `size` in bytes and time of change in ns."""

    path: str
    scale: float
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Recipe:
    """How one take was made, or a part of it: a side, a track, a passage.

    - `op`, `task`, `checkpoint`: of which job, by which of the model's tasks, with which weights.
    - `text`: what the model read.
    - `seeds`: of its noise; `draw`: which draw of each.
    - `frames`: length of the view; `region`: its new frames `[start, end)`.
    - `start`: sample at which the view begins, `span` those that were asked for, at 48 kHz, from
      the first sample of the job's mix.
    - `schedule`, `guidance`, `hold`: how it was sampled.
    - `codes`: the 5 Hz codes of a clip that was covered, else empty.
    - `likeness`: share of the velocity that came from these codes, 0…1; the rest from `plain`.
    - `extent`: of a flow-edit, the shares of the steps; there `plain` are the words as they were.
    - `beside`: the music beside the region was held though the task hears none (an edit by cover).
    - `way`: of a candidate of `bgm`; `track`: the stem, of what was played to a clip by tracks.
    - `balance`: loudness against the clip that was asked for, LU.
    """

    op: str
    task: Task
    checkpoint: str
    text: Text
    seeds: Seeds
    frames: int
    region: tuple[int, int]
    start: int
    span: tuple[int, int]
    schedule: tuple[float, ...]
    guidance: float
    hold: float = 1.0
    codes: tuple[int, ...] = ()
    likeness: float = 1.0
    plain: Text | None = None
    draw: int = 0
    extent: tuple[float, float] | None = None
    beside: bool = False
    way: str = ""
    track: str = ""
    balance: float | None = None

    @property
    def of_region(self) -> bool:
        """Whether music beside the region was kept."""
        return self.task == "repaint" or self.extent is not None or self.beside

    @property
    def to_clip(self) -> bool:
        """Whether it was played to a clip that the result does not hold by itself."""
        return bool(self.way or self.track)

    def noise(self, channels: int, further: int = 0) -> torch.Tensor:
        """Return the take's start noise `(frames, channels)`, or that of a `further` draw."""
        draw, region = self.draw + further, [self.region]
        drawn = [window_noise(seed, self.frames, region, channels, draw) for seed, _ in self.seeds]
        out = drawn[0]
        for (_, variance), more in zip(self.seeds[1:], drawn[1:], strict=True):
            out = mixed(out, more, variance)
        return out


def alone(seed: int) -> Seeds:
    """Return what a take is drawn from that varies no other one."""
    return ((seed, 1.0),)


def as_document(recipes: Sequence[Recipe]) -> dict[str, str]:
    """Return the document of a take, by its role."""
    parts = [asdict(recipe) for recipe in recipes]
    return {ROLE: json.dumps({"form": _FORM, "engine": "acestep", "parts": parts}, indent=1)}


def with_loras(documents: Mapping[str, Any], loras: Sequence[Noted]) -> dict[str, Any]:
    """Return a take's documents with its LoRAs noted in the recipe, where there is one."""
    if ROLE not in documents or not loras:
        return dict(documents)
    held = {**json.loads(documents[ROLE]), "loras": [asdict(lora) for lora in loras]}
    return {**documents, ROLE: json.dumps(held, indent=1)}


def loras_of(reference: str) -> tuple[Noted, ...]:
    """Return the LoRAs of a result, `job` or `job:take`; none where none can be read."""
    try:
        return tuple(map(_noted, _held(reference).get("loras", ())))
    except (KeyError, TypeError, ValueError):
        return ()


def _noted(held: dict[str, Any]) -> Noted:
    told = str(held["path"]), float(held["scale"]), int(held["size"]), int(held["mtime_ns"])
    return Noted(*told)


def recipes_of(reference: str) -> tuple[Recipe, ...]:
    """Return the recipe of a result, `job` or `job:take`: its parts, none where none can be read.

    Without a take it is that of the chosen one, else of the first.
    """
    try:
        return tuple(map(_recipe, _held(reference)["parts"]))
    except (KeyError, TypeError, ValueError, IndexError):
        return ()


def _held(reference: str) -> dict[str, Any]:
    """Return the document of a result, empty where there is none of this engine's."""
    name, _, take = reference.partition(":")
    folder = home() / "jobs" / name
    number = take or _read(folder / "job.json").get("chosen") or 1
    held = _read(folder / f"{ROLE}-{number}.json")
    own = held.get("form") == _FORM and held.get("engine") == "acestep"
    return held if own else {}


def _recipe(held: dict[str, Any]) -> Recipe:
    return Recipe(**{
        **held,
        "text": Text(**held["text"]),
        "plain": Text(**held["plain"]) if held["plain"] else None,
        "seeds": tuple((int(seed), float(share)) for seed, share in held["seeds"]),
        "region": _pair(held["region"]),
        "span": _pair(held["span"]),
        "schedule": tuple(map(float, held["schedule"])),
        "codes": tuple(map(int, held["codes"])),
        "extent": tuple(map(float, held["extent"])) if held.get("extent") else None,
    })  # fmt: skip


def _pair(held: Sequence[int]) -> tuple[int, int]:
    return int(held[0]), int(held[1])


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return {}
        held = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}
