"""The files of this machine, as the core asks for them. Every call may block.

Errors: 101 a path that is not absolute, 106 a text over 256 KiB, 200 nothing there, 201 unreadable,
202 changed, 204 forbidden, 303 no LoRA, 401 a folder that can't be written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bridge.protocol.errors import error
from bridge.protocol.kinds import TEXT_BYTES
from daemon import loras
from daemon.audio import probe
from daemon.audio.types import SourceInfo


class LocalFiles:
    """Files below `roots`, or anywhere when there are none."""

    def __init__(self, roots: Sequence[str] = ()) -> None:
        self._roots = tuple(roots)

    def probe(self, path: str) -> SourceInfo:
        """Return a source's header."""
        return probe.probe(path, self._roots)

    def unchanged(self, info: SourceInfo) -> None:
        """Raise 200 or 202 when the file is not what it was."""
        probe.unchanged(info)

    def exists(self, path: str) -> None:
        """Raise when a named file can't be used."""
        probe.regular_file(path, self._roots)

    def text(self, path: str) -> str:
        """Return a UTF-8 text, byte for byte."""
        self.exists(path)
        try:
            with Path(path).open("rb") as file:
                data = file.read(TEXT_BYTES + 1)
        except OSError as reason:
            raise error(
                201, f"{path} can't be read ({reason.strerror}): check its rights"
            ) from None
        if len(data) > TEXT_BYTES:
            raise error(106, f"{path} is over 256 KiB: shorten the text")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise error(201, f"{path} is no UTF-8 text: save it as UTF-8") from None

    def lora(self, path: str) -> None:
        """Raise 303 for a file, or a folder of one, that holds no LoRA by its header."""
        probe.allowed(path, self._roots)
        loras.parts_of(loras.file_of(Path(path)))

    def folder(self, path: str) -> None:
        """Make sure that results can be put into a folder, making it if need be."""
        folder = Path(path)
        if not folder.is_absolute() or "\0" in path:
            raise error(101, f"folder {path} is not absolute: send the whole path")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise error(401, f"{path} can't be made ({reason.strerror}): choose another") from None
        if not os.access(folder, os.W_OK):
            raise error(401, f"{path} can't be written: choose another folder")
