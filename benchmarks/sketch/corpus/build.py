"""Makes all material into a cache folder and remembers what could not be made, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.sketch.corpus import alone, fluid, given, loops, own, voices
from benchmarks.sketch.corpus.clip import SETS, Clip

FLUID_SONGS = 28
_SOURCES = ("daemon/engines/sketch/plan", "daemon/engines/sketch/render", "presets/styles")
_HERE = Path(__file__).parent


def build(folder: Path, set_name: str) -> tuple[list[Clip], list[str]]:
    """Return the set's clips and a line for each part that could not be made."""
    assert set_name in SETS, set_name
    folder = folder.resolve()
    made = _folder(folder, "made", [_HERE, _HERE.parent / "tunes.toml"])
    root = _HERE.parents[2]
    played = _folder(folder, "own", [_HERE, *(root / s for s in _SOURCES)])
    makers: dict[str, Callable[[], list[Clip]]] = {
        "General MIDI mixes": lambda: fluid.make(set_name, made, FLUID_SONGS),
        "players alone": lambda: alone.drums(set_name, made) + alone.lines(set_name, made),
        "given clips": lambda: given.make(set_name),
        "own renders": lambda: own.make(set_name, played),
        "sung lines": lambda: voices.sung(set_name, made),
        "speech": lambda: voices.spoken(set_name, made),
        "recorded loops": lambda: loops.make(set_name, made),
    }
    clips: list[Clip] = []
    missing = []
    for what, maker in makers.items():
        try:
            clips += maker()
        except RuntimeError as reason:
            missing.append(f"{what}: {reason}")
    return clips, missing


def _folder(folder: Path, kind: str, sources: list[Path]) -> Path:
    """Return a folder named after what its clips are made from, so that none is ever stale."""
    mark = hashlib.blake2b(digest_size=5)
    for source in sources:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for file in files:
            if file.suffix in (".py", ".toml"):
                mark.update(file.read_bytes())
    path = folder / f"{kind}-{mark.hexdigest()}"
    path.mkdir(parents=True, exist_ok=True)
    return path
