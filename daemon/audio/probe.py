"""What a path holds: checks that are safe on any path, and the facts of its header.

Nothing is opened before `stat` has said that it is a regular file, so a FIFO or a device can't
block the caller. Lengths are in sample frames, rates in Hz, sizes in bytes.

Threads: any; nothing is shared. MP3 without a length tag is counted by decoding it (about 2,000 ×
real time), all else answers in a few milliseconds.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

import soundfile

from bridge.protocol.errors import error
from daemon.audio.chunks import missing_bytes
from daemon.audio.types import SourceInfo

CHANNELS = range(1, 9)
RATES_HZ = range(8_000, 192_001)
CONTAINERS = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "FLAC", "MP3", "OGG"})
ACCEPTED = "WAV, RF64, W64, AIFF, CAF, FLAC, MP3 and OGG of 1 to 8 channels at 8 to 192 kHz"

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DEVICE_PREFIXES = ("\\\\.\\", "//./", "\\\\?\\GLOBALROOT")
_COMPRESSED = frozenset({"FLAC", "MP3"})  # no chunk says how many bytes there should be
_COUNT_BLOCK = 1 << 16
_TRAILING_TAGS_BYTES = 4096


def probe(path: str, roots: Sequence[str] = ()) -> SourceInfo:
    """Return what the header of `path` says; with `roots` only below one of these folders.

    Errors: 101 not an absolute path, 200 nothing there, 201 not readable as audio, 204 a device,
    a pipe, a URL or outside `roots`.
    """
    _check_form(path)
    found = _stat(path)
    _check_kind(path, found)
    allowed(path, roots)
    _check_whole(path, found.st_size)
    rate, channels, frames, container, subtype = _header(path)
    info = SourceInfo(
        path=path,
        rate=rate,
        channels=channels,
        frames=frames,
        container=container,
        subtype=subtype,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
    )
    _check_accepted(info)
    return info


def regular_file(path: str, roots: Sequence[str] = ()) -> None:
    """Raise as `probe` for a path that can't be opened; what is in the file does not matter."""
    _check_form(path)
    _check_kind(path, _stat(path))
    allowed(path, roots)


def unchanged(info: SourceInfo) -> None:
    """Raise 200 when the file of `info` is gone, 202 when its size or modification time differ."""
    found = _stat(info.path)
    if (found.st_size, found.st_mtime_ns) != (info.size, info.mtime_ns):
        raise error(202, f"{info.path} has changed since it was asked for; send the request again")


def _check_form(path: str) -> None:
    if "\0" in path:
        raise error(101, "the source path holds a NUL character; send a plain path")
    if _URL.match(path) or path.startswith(_DEVICE_PREFIXES):
        raise error(204, f"{path} is no local file; copy the audio to disk and send its path")
    if not Path(path).is_absolute():
        raise error(101, f"{path!r} is not an absolute path; send the whole path")


def _stat(path: str) -> os.stat_result:
    try:
        return Path(path).stat()
    except PermissionError:
        raise error(201, f"no permission to read {path}; allow it or copy the file") from None
    except UnicodeEncodeError:
        raise error(101, f"{path!r} can't be a path on this system; send it as UTF-8") from None
    except OSError:
        raise error(200, f"there is no file at {path}; check the path") from None


def _check_kind(path: str, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise error(201, f"{path} is a folder; name an audio file in it")
    if not stat.S_ISREG(found.st_mode):
        raise error(204, f"{path} is a device, pipe or socket; name an audio file")
    if found.st_size == 0:
        raise error(201, f"{path} is empty; render it again")


def allowed(path: str, roots: Sequence[str]) -> None:
    """Raise 204 for a path outside `roots`, where there are any."""
    if not roots:
        return
    real = Path(path).resolve()
    if not any(real.is_relative_to(Path(root).resolve()) for root in roots):
        raise error(
            204, f"{path} lies outside the folders of the setting roots; move it or add one"
        )


def _check_whole(path: str, size: int) -> None:
    try:
        with Path(path).open("rb") as file:
            lacking = missing_bytes(file, size)
    except PermissionError:
        raise error(201, f"no permission to read {path}; allow it or copy the file") from None
    except OSError as reason:
        raise error(201, f"{path} can't be read ({reason.strerror}); check the disk") from None
    if lacking:
        raise error(201, f"{path} is truncated: {lacking} bytes are missing; render it again")


def _header(path: str) -> tuple[int, int, int, str, str]:
    try:
        with soundfile.SoundFile(path) as file:
            frames = file.frames
            if file.format == "MP3" and not _has_length_tag(path):
                frames = _counted_frames(path)
            elif file.format in _COMPRESSED and frames > 0:
                _check_last_frame(file, path)
            return file.samplerate, file.channels, frames, file.format, file.subtype
    except (soundfile.SoundFileError, OSError, RuntimeError):
        raise error(201, f"{path} is not audio that can be read; send {ACCEPTED}") from None


def _check_last_frame(file: soundfile.SoundFile, path: str) -> None:
    """Raise 201 where the header promises more than can be decoded; a seek takes milliseconds."""
    try:
        file.seek(file.frames - 1)
        found = len(file.read(1, dtype="int16"))
    except soundfile.SoundFileError:
        found = 0
    if not found:
        raise error(201, f"{path} is truncated: its end can't be decoded; render it again")


def _has_length_tag(path: str) -> bool:
    """Whether the first MP3 frame tells the length; without it libsndfile guesses."""
    with Path(path).open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            tag = (head[6] << 21) | (head[7] << 14) | (head[8] << 7) | head[9]
            file.seek(10 + tag)
        else:
            file.seek(0)
        frame = file.read(1024)
    return any(mark in frame for mark in (b"Xing", b"Info", b"VBRI"))


def _counted_frames(path: str) -> int:
    """Decode an MP3 to the end: libsndfile's guess is too long, or too short and then final."""
    with Path(path).open("rb", buffering=0) as raw, soundfile.SoundFile(raw) as file:
        total = 0
        while got := len(file.read(_COUNT_BLOCK, dtype="int16")):
            total += got
        unread = Path(path).stat().st_size - raw.tell()
    if unread > _TRAILING_TAGS_BYTES:
        raise error(201, f"{path} is an MP3 of unknown length; convert it to WAV or FLAC")
    return total


def _check_accepted(info: SourceInfo) -> None:
    problem = _problem(info)
    if problem:
        raise error(201, f"{info.path} {problem}; send {ACCEPTED}")


def _problem(info: SourceInfo) -> str | None:
    if info.container not in CONTAINERS:
        return f"is {info.container}"
    if info.frames <= 0:
        return "holds no samples (a recording that is still running has to be stopped first)"
    if info.channels not in CHANNELS:
        return f"has {info.channels} channels"
    if info.rate not in RATES_HZ:
        return f"runs at {info.rate} Hz"
    return None
