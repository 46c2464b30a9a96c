"""From what is selected to the message that asks for a job."""

from __future__ import annotations

import binascii
import os
from typing import Any

from . import grid, lom
from .reading import Reading, Unsuitable

BARS = 4.0  # how much extend and generate make when nothing says it


def new_id() -> str:
    """Return a job id that no other client has."""
    return "live-" + binascii.hexlify(os.urandom(8)).decode()


def on_clip(song: Any, op: str, clip: Reading, keys: dict[str, Any]) -> dict[str, Any]:
    """Return all keys of a job on a clip, `source` included; `keys` given win."""
    start_s, end_s = clip.region_s
    made: dict[str, Any] = {"source": clip.path, "start": start_s, "end": end_s}
    if op in ("repaint", "edit"):
        made["clip_start"], made["clip_end"] = clip.span_s
    made.update(grid.of(song, clip))
    if op == "extend" and "seconds" not in keys:
        made["bars"] = BARS
    made.update(keys)
    return made


def new_music(song: Any, keys: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a job that needs no clip: as long as the arrangement loop, if it is on."""
    metre = grid.metre_of(song)
    bars = BARS
    if lom.get(song, "loop", False):
        bars = lom.number(song, "loop_length") / grid.bar_beats(metre)
    if bars <= 0:
        raise Unsuitable("the arrangement loop is empty: drag it over the bars that shall be made")
    bpm = lom.number(song, "tempo", 120.0)
    return {"bars": bars, "bpm": bpm, "meter": f"{metre[0]}/{metre[1]}", **keys}


def message(op: str, job_id: str, keys: dict[str, Any]) -> tuple[str, list[Any]]:
    """Return address and arguments: `source` first, the other keys in order of their names."""
    args: list[Any] = [job_id]
    if keys.get("source"):
        args.append(keys["source"])
    for name in sorted(keys):
        if name != "source" and keys[name] not in (None, ""):
            args += [name, keys[name]]
    return f"/punchin/{op}", args


def farewell(has_prompt: bool) -> list[tuple[str, list[Any]]]:
    """Return what takes the set's marks out of the context, so that later jobs don't carry them."""
    told: list[tuple[str, list[Any]]] = [("/punchin/set", ["tag", "", "folder", ""])]
    return [*told, ("/punchin/prompt", [""])] if has_prompt else told


def context(
    song: Any, clip: Reading | None, tag: str, folder: str | None
) -> list[tuple[str, list[Any]]]:
    """Return what the daemon is told as the musician works, so that a pad acts on this clip."""
    beats, unit = grid.metre_of(song)
    playing = int(bool(lom.get(song, "is_playing", False)))
    tempo = lom.number(song, "tempo", 120.0)
    beat = lom.number(song, "current_song_time")
    told: list[tuple[str, list[Any]]] = [("/punchin/transport", [playing, beat, tempo])]
    if clip is None:
        return [*told, ("/punchin/tempo", [tempo, beats, unit])]
    keys = grid.of(song, clip)
    told.append(("/punchin/region", [clip.path, *clip.region_s, *clip.span_s]))
    if "tempomap" in keys:
        told.append(("/punchin/tempomap", [keys["tempomap"]]))
    else:
        told.append(("/punchin/tempo", [keys["bpm"], *map(int, keys["meter"].split("/"))]))
        told.append(("/punchin/downbeat", [keys["downbeat"]]))
    return [*told, ("/punchin/set", ["tag", tag, "folder", folder or ""])]
