"""Which LoRAs a job is made with: those that are told, else for a retake those of its recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.protocol.errors import PunchinError
from bridge.protocol.loras import NONE, parse
from daemon.engines.acestep.recipe import Noted, loras_of
from daemon.loras import Mark, mark_of

_GONE = "The take was made with the LoRA {}, which is not there any more: this one is without it."
_CHANGED = "The LoRA {} has changed since the take was made with it."


def loras_for(op: str, options: Mapping[str, Any]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return scales by path, and notes about LoRAs of a recipe that are not what they were.

    `lora none` tells that there are none.
    """
    if "lora" in options or op != "retake" or not options.get("of"):
        return parse(str(options.get("lora", NONE))), ()
    found = [(lora, _now(lora)) for lora in loras_of(str(options["of"]))]
    there = {lora.path: lora.scale for lora, now in found if now}
    return there, tuple(_notes(found))


def _now(lora: Noted) -> Mark | None:
    try:
        return mark_of(Path(lora.path))
    except PunchinError:
        return None


def _notes(found: list[tuple[Noted, Mark | None]]) -> Iterator[str]:
    for lora, now in found:
        if now is None:
            yield _GONE.format(lora.path)
        elif now != (lora.size, lora.mtime_ns):
            yield _CHANGED.format(lora.path)
