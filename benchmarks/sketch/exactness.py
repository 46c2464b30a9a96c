"""Gates that must hold to the bit, through a real daemon and the files that it writes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf

from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.performer import Performer
from benchmarks.sketch.table import Figure, at_least, at_most
from bridge import Client
from bridge.places import read_daemon

_CLIPS = 4
_START_S = 20.0


def figures(clips: Sequence[Clip], player: Performer) -> list[Figure]:
    """Repaint, extend and accompany some clips of a set; compare the files."""
    mixes = [c for c in clips if c.group in ("fluid", "given", "loop") and c.downbeat is not None]
    voice = next(c for c in clips if c.group == "sung")
    with tempfile.TemporaryDirectory() as scratch, _daemon(Path(scratch)) as client:
        chosen = mixes[:: max(1, len(mixes) // _CLIPS)]
        same = {f"repaint {c.name}": _outside(client, c) for c in chosen}
        same |= {f"extend {c.name}": _kept(client, c) for c in chosen}
        job = client.bgm(voice.file, bpm=voice.bpm, downbeat=voice.downbeat, seed=4).wait()
        made = client.generate(bars=8, bpm=110.0, format="wav32f", seed=4).wait()
        split = client.stems(mixes[0].file, seed=4, format="wav32f").wait()
        errors = [_sum_error(job.files), _sum_error(made.files)]
        rough = _split_error(mixes[0].file, split.files)
    return [
        at_least(
            "repaint outside the region, and extend's clip, bit-identical",
            100 * float(np.mean(list(same.values()))),
            100,
            " % of jobs",
            0,
            worst=[name for name, exact in same.items() if not exact],
        ),
        at_most("stems sum to the mix (bgm, generate), largest error", max(errors), 1e-6, "", 9),
        at_most("rough stems sum to the clip, largest error", rough, 1e-6, "", 9),
    ]


@contextmanager
def _daemon(home: Path) -> Iterator[Client]:
    command = [sys.executable, "-m", "bridge", "serve", "--port", "0"]
    env = {**os.environ, "PUNCHIN_HOME": str(home)}
    root = Path(__file__).resolve().parents[2]
    with (home / "serve.log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=root)
        try:
            began = time.monotonic()
            while read_daemon(home) is None:
                if process.poll() is not None or time.monotonic() - began > _START_S:
                    raise RuntimeError((home / "serve.log").read_text()[-300:])
                time.sleep(0.02)
            with Client(home=home) as client:
                yield client
        finally:
            process.terminate()
            process.wait(10)


def _native(path: str | Path) -> np.ndarray:
    with sf.SoundFile(str(path)) as file:
        return file.read(dtype="float64" if "FLOAT" in file.subtype else "int32", always_2d=True)


def _outside(client: Client, clip: Clip) -> bool:
    start = (clip.downbeat or 0.0) + clip.bar_s
    done = client.repaint(
        clip.file, start=start, end=start + clip.bar_s, bpm=clip.bpm, downbeat=clip.downbeat, seed=4
    ).wait()
    old, new = _native(clip.file), _native(_path(done.files, "mix"))
    a, b = done.result["region_start_frame"], done.result["region_end_frame"]
    same = old.shape == new.shape
    return same and np.array_equal(old[:a], new[:a]) and np.array_equal(old[b:], new[b:])


def _kept(client: Client, clip: Clip) -> bool:
    done = client.extend(
        clip.file, bars=2, side="both", bpm=clip.bpm, downbeat=clip.downbeat, seed=4
    ).wait()
    old, new = _native(clip.file), _native(_path(done.files, "mix"))
    at = done.result["source_frame"]
    return np.array_equal(old, new[at : at + len(old)])


def _path(files: Sequence, role: str) -> Path:
    return Path(next(f.path for f in files if f.role == role))


def _sum_error(files: Sequence) -> float:
    stems = [sf.read(f.path, always_2d=True)[0] for f in files if f.role.startswith("stem:")]
    return float(np.abs(sum(stems) - sf.read(_path(files, "mix"), always_2d=True)[0]).max())


def _split_error(source: str, files: Sequence) -> float:
    stems = [sf.read(f.path, always_2d=True)[0] for f in files if f.role.startswith("stem:")]
    return float(np.abs(sum(stems) - sf.read(source, always_2d=True)[0]).max())
