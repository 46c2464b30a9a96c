"""Copies of results in the folder that a client named, such as a project's media folder.

A copy is whole before it has its name, and never takes the place of another file.

Threads: one worker thread of the control plane per job.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from itertools import count
from pathlib import Path

from daemon.disk import flush_folder


def deliver(file: Path, folder: Path, prefix: str) -> Path:
    """Copy `file` into `folder` as `<prefix>-<name>`, numbered if that is taken. Raises OSError.

    A copy that is there already, from a run that a crash cut off, is the result.
    """
    part = folder / f".{prefix}-{file.name}.part"
    try:
        with file.open("rb") as source, part.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        return _take_name(part, folder, f"{prefix}-{file.stem}", file.suffix)
    finally:
        part.unlink(missing_ok=True)


def _take_name(part: Path, folder: Path, stem: str, suffix: str) -> Path:
    for n in count(1):
        target = folder / (f"{stem}{suffix}" if n == 1 else f"{stem}-{n}{suffix}")
        if target.is_file() and filecmp.cmp(part, target, shallow=False):
            return target
        try:
            _rename_to_free(part, target)
        except FileExistsError:
            continue
        flush_folder(folder)
        return target
    raise AssertionError


def _rename_to_free(part: Path, target: Path) -> None:
    """Give `part` the name `target` if nobody has it; never shows a file that is not whole."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # no hard links here (FAT, exFAT, some shares)
        if target.exists():
            raise FileExistsError from None
        part.rename(target)
