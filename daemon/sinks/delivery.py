"""Copies of results in the folder that a client named, such as a project's media folder.

A copy is whole before it has its name, and never takes the place of another file.

Threads: one worker thread of the control plane per job.
"""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path


def deliver(file: Path, folder: Path, prefix: str) -> Path:
    """Copy `file` into `folder` as `<prefix>-<name>`, numbered if that is taken. Raises OSError."""
    part = folder / f".{prefix}-{file.name}.part"
    try:
        with file.open("rb") as source, part.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        return _take_free_name(part, folder, f"{prefix}-{file.stem}", file.suffix)
    finally:
        part.unlink(missing_ok=True)


def _take_free_name(part: Path, folder: Path, stem: str, suffix: str) -> Path:
    for n in count(1):
        target = folder / (f"{stem}{suffix}" if n == 1 else f"{stem}-{n}{suffix}")
        try:
            os.link(part, target)
        except FileExistsError:
            continue
        except OSError:
            # No hard links here: claim the name with an empty file, then put ours in its place.
            try:
                target.open("xb").close()
            except FileExistsError:
                continue
            part.replace(target)
        return target
    raise AssertionError
