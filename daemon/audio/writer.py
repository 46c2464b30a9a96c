"""Result files that are whole or not there.

Samples go to a hidden name beside the target, `.<name>.part`, and take the target's name once they
are on disk. libsndfile reports a full disk without its reason, or, for small files, not before it
closes; so every step is checked and the reason is asked of the system.

Threads: one writer belongs to one thread.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile

from bridge.protocol.errors import PunchinError, error
from daemon.audio.formats import written_dtype
from daemon.audio.rescue import rescue
from daemon.audio.types import OutputFormat
from daemon.disk import flush_folder

# libsndfile writes longer texts into a WAV file but skips them when it reads: its buffer has 2,048.
LONGEST_TEXT_BYTES = 2_000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PROBE_BYTES = 1 << 20


class Writer:
    """Writes one result file; leaving the context without `commit` or `finish` removes the part.

    `path` is the target, `metadata` maps libsndfile's text names (`software`, `comment`, `title`…)
    to texts of at most `LONGEST_TEXT_BYTES`. Errors: 400 disk full, 401 for all else.
    """

    def __init__(
        self, path: str | Path, fmt: OutputFormat, metadata: Mapping[str, str] | None = None
    ) -> None:
        self.path = Path(path)
        self.part = self.path.with_name(f".{self.path.name}.part")
        self.fmt = fmt
        self.frames = 0
        self._dtype = np.dtype(written_dtype(fmt))
        self._kept = False
        self._file = self._open(metadata or {})

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._kept:
            self.abort()

    def write(self, block: np.ndarray) -> None:
        """Append `(n, channels)` samples of the type that `written_dtype` names."""
        assert block.dtype == self._dtype, (block.dtype, self._dtype)
        assert block.shape[1:] == (self.fmt.channels,), block.shape
        try:
            self._file.write(np.ascontiguousarray(block))
        except (soundfile.SoundFileError, AssertionError, OSError) as reason:
            raise self._failed(reason) from None
        self.frames += len(block)

    def finish(self) -> Path:
        """Close and flush to disk; return the part's path, which the caller then renames."""
        try:
            self._file.close()
            descriptor = os.open(self.part, os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            written = soundfile.info(str(self.part)).frames if self.frames else 0
        except (soundfile.SoundFileError, OSError) as reason:
            raise self._failed(reason) from None
        if written != self.frames:
            raise self._failed(None)
        self._kept = True
        return self.part

    def commit(self) -> Path:
        """Finish and take the target's name; return it. A file of that name is replaced."""
        part = self.finish()
        try:
            part.replace(self.path)
            flush_folder(self.path.parent)
        except OSError as reason:
            self._kept = False
            raise self._failed(reason) from None
        return self.path

    def keep(self) -> int:
        """Give what could be written of a WAV file the target's name; return its frames.

        Where even that fails the part stays.
        """
        self._kept = True
        try:
            with contextlib.suppress(soundfile.SoundFileError):
                self._file.close()
            return rescue(self.part, self.path, self.frames)
        except OSError as reason:
            raise self._failed(reason) from None

    def abort(self) -> None:
        """Remove what was written; harmless when done twice."""
        try:
            self._file.close()
        except soundfile.SoundFileError:
            pass
        finally:
            self.part.unlink(missing_ok=True)

    def _open(self, metadata: Mapping[str, str]) -> soundfile.SoundFile:
        try:
            # Opened here first, because this call says why a file can't be made.
            os.close(os.open(self.part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644))
            file = soundfile.SoundFile(
                str(self.part),
                "w",
                self.fmt.rate,
                self.fmt.channels,
                self.fmt.subtype,
                format=self.fmt.container,
            )
        except (soundfile.SoundFileError, OSError) as reason:
            raise self._failed(reason) from None
        for name, text in metadata.items():
            assert len(text.encode()) <= LONGEST_TEXT_BYTES, name
            setattr(file, name, text)
        return file

    def _failed(self, reason: Exception | None) -> PunchinError:
        number = reason.errno if isinstance(reason, OSError) else _why(self.part)
        if number in _FULL:
            return error(400, f"the disk is full at {self.path.parent}; free some space and retry")
        what = os.strerror(number) if number else "the system gives no reason"
        return error(401, f"can't write {self.path} ({what}); check the folder and retry")


def request_comment(fields: Mapping[str, object]) -> str:
    """Return `fields` as JSON of at most `LONGEST_TEXT_BYTES`, its longest texts cut with `…`."""
    kept = dict(fields)
    text = _json(kept)
    while (excess := len(text.encode()) - LONGEST_TEXT_BYTES) > 0:
        name = max(kept, key=lambda k: len(str(kept[k])))
        old = str(kept[name])
        kept[name] = old[: max(0, len(old) - 1 - max(1, excess // 4))] + "…"
        if len(str(kept[name])) >= len(old):
            del kept[name]
        text = _json(kept)
    return text


def _json(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _why(part: Path) -> int | None:
    """Ask the system why writing failed: append to the part what libsndfile could not."""
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_APPEND)
        try:
            left = _PROBE_BYTES
            while left > 0:
                left -= os.write(descriptor, bytes(left))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as reason:
        return reason.errno
    return None
