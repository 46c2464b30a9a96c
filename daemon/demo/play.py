"""The DAW's part: tell context over OSC, ask for jobs, put the results into folders.

`bgm` on a sung clip, `repaint` of some bars and `extend` on a band. Each job leaves its files, its
`job.json`, what a DAW should show beside them, and `overview.png`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge import Client, Job, Progress, Result
from daemon.demo.clips import Clip
from daemon.demo.picture import Chord, Scene, overview
from daemon.demo.proof import Proof, continues, laid_over, same_outside, stems_add_up

Start = Callable[..., Job]
Show = Callable[[str, Progress], None]
_PATIENCE_S = 600.0
_SEED = 7


@dataclass(frozen=True)
class Played:
    """A job that ended: `took_s` from asking to the answer, `made_s` seconds of new music."""

    name: str
    title: str
    took_s: float
    made_s: float
    folder: Path
    proof: Proof


@dataclass(frozen=True)
class Stage:
    """Where the demo plays: the client, the output folder, who shows progress, with pictures?"""

    client: Client
    out: Path
    show: Show
    pictures: bool


def select(client: Client, clip: Clip, start_s: float, end_s: float) -> None:
    """Tell the daemon what a DAW's script tells when the user selects something."""
    client.reset()
    client.region(clip.path, start_s, end_s)
    client.tempo(clip.bpm, *clip.metre)
    client.tell("downbeat", clip.downbeat)
    client.key(clip.key)


def bgm(stage: Stage, clip: Clip) -> Played:
    """Make a backing for the whole clip."""
    name, title = "1-bgm", f"bgm: a backing for “{clip.title}”"
    select(stage.client, clip, 0.0, clip.seconds)
    result, took_s = _run(stage, name, stage.client.bgm)
    folder = _collect(stage, name, clip, result)
    mix = result.path("mix")
    laid_over(clip.path, mix, folder / "vocal-and-backing.wav")
    stems = [f.path for f in result.files if f.role.startswith("stem:")]
    proof = stems_add_up(mix, stems, clip.frames)
    _picture(stage, folder, Scene(title, mix, clip.path, result_name="backing"), clip)
    return Played(name, title, took_s, clip.seconds, folder, proof)


def repaint(stage: Stage, clip: Clip) -> Played:
    """Make some bars of the clip anew."""
    first, last = clip.repaint_bars
    name, title = "2-repaint", f"repaint: bars {first}–{last} of “{clip.title}”"
    start_s, end_s = clip.bars(first, last)
    select(stage.client, clip, start_s, end_s)
    result, took_s = _run(stage, name, stage.client.repaint)
    folder = _collect(stage, name, clip, result)
    mix, region = result.path("mix"), (round(start_s * clip.rate), round(end_s * clip.rate))
    proof = same_outside(clip.path, mix, *region)
    _picture(stage, folder, Scene(title, mix, clip.path, (start_s, end_s)), clip)
    return Played(name, title, took_s, end_s - start_s, folder, proof)


def extend(stage: Stage, clip: Clip) -> Played:
    """Continue the clip."""
    bars = clip.extend_bars
    name, title = "3-extend", f"extend: “{clip.title}” and {bars} bars more"
    select(stage.client, clip, 0.0, clip.seconds)
    result, took_s = _run(stage, name, stage.client.extend, bars=bars)
    folder = _collect(stage, name, clip, result)
    beats, unit = clip.metre
    frames = round(bars * beats * 4 / unit * 60 / clip.bpm * clip.rate)
    mix, end_s = result.path("mix"), clip.seconds + frames / clip.rate
    proof = continues(clip.path, mix, frames)
    _picture(stage, folder, Scene(title, mix, clip.path, (clip.seconds, end_s)), clip)
    return Played(name, title, took_s, frames / clip.rate, folder, proof)


def _run(stage: Stage, name: str, start: Start, **keys: Any) -> tuple[Result, float]:
    """Run a job on the selection; return its result and how long it took, as the user sees it."""
    began_s = time.monotonic()
    job = start(seed=_SEED, on_progress=lambda now: stage.show(name, now), **keys)
    result = job.wait(_PATIENCE_S)
    return result, time.monotonic() - began_s


def _collect(stage: Stage, name: str, clip: Clip, result: Result) -> Path:
    """Copy source and results into the job's folder, named for people."""
    folder = stage.out / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(clip.path, folder / f"source{clip.path.suffix}")
    for file in result.files:
        kind, _, stem = file.role.partition(":")
        place = folder / ("stems" if stem else "") / f"{stem or kind}{file.path.suffix}"
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(file.path, place)
    _note(result.files[0].path.parent / "job.json", folder / "job.json")
    return folder


def _note(job: Path, path_out: Path) -> None:
    """Keep of `job.json` what stays true when the daemon is gone."""
    told = json.loads(job.read_text("utf-8"))
    kept = {name: told[name] for name in ("op", "engine", "request", "result")}
    path_out.write_text(json.dumps(kept, ensure_ascii=False, indent=2) + "\n", "utf-8")


def _picture(stage: Stage, folder: Path, scene: Scene, clip: Clip) -> None:
    """Draw the job; its chords are what `analyze` hears in the result."""
    if not stage.pictures:
        return
    stage.show(folder.name, Progress(1.0, "drawing", -1.0))
    heard = stage.client.analyze(
        scene.result, bpm=clip.bpm, meter=clip.meter, downbeat=clip.downbeat, key=clip.key
    ).wait(_PATIENCE_S)
    chords = [Chord(c["start"], c["end"], c["name"]) for c in heard.result["chords"]]
    end_s = max((chord.end_s for chord in chords), default=clip.seconds)
    lines = clip.grid.bar_lines(0.0, end_s)
    overview(folder / "overview.png", replace(scene, bar_lines=lines, chords=chords))
