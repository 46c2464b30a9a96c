"""Files of a repository over HTTP, in Hugging Face's manner: a listing, and bytes that can resume.

`{mirror}/api/models/{repository}/tree/{revision}/{folder}` lists files with sizes and sums;
`{mirror}/{repository}/resolve/{revision}/{path}` gives one. Large files are told by their SHA-256,
small ones by the SHA-1 that git gives them (of `blob {size}\\0` and the bytes).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from bridge.protocol.errors import PunchinError, error
from daemon.engines.acestep.models.catalog import Source

_BLOCK = 1 << 20
_TIMEOUT_S = 30.0
_TRIES = 5
_MOST_LISTING_BYTES = 16 << 20  # a listing has some 300 bytes a file
_WANTED = frozenset({".safetensors", ".json", ".txt", ".jinja", ".yaml"})
_SILENCE = "silence_latent.pt"  # the one file that is not safetensors; it is loaded as weights only
_BROKEN = (OSError, http.client.HTTPException)
_BUSY = frozenset({408, 425, 429})
"""Statuses below 500 of a host that may well give the file when it is asked again."""

Tell = Callable[[int], None]
"""Hears how many bytes have come since the last time."""


@dataclass(frozen=True)
class Remote:
    """A file there: `path` in the repository, `name` in the folder, bytes, and a sum of them."""

    path: str
    name: str
    size: int
    sha256: str | None
    git_sha1: str

    def matches(self, digest: Digest) -> bool:
        """Whether a file with these sums is this one."""
        if digest.size != self.size:
            return False
        if self.sha256:
            return digest.sha256.hexdigest() == self.sha256
        return digest.git_sha1(self.size) == self.git_sha1


class Digest:
    """The sums of a file that comes in pieces."""

    def __init__(self, size: int) -> None:
        self._whole = size
        self.restart()

    def restart(self) -> None:
        """Forget what came."""
        self.size = 0
        self.sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % self._whole, usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.size += len(piece)
        self.sha256.update(piece)
        self._git.update(piece)

    def git_sha1(self, size: int) -> str:
        """Return the sum that git gives a file of `size` bytes."""
        assert size == self.size, (size, self.size)
        return self._git.hexdigest()


def digest_of(file: Path, size: int, tell: Tell = lambda count: None) -> Digest:
    """Return the sums of a file that should have `size` bytes."""
    digest = Digest(size)
    with file.open("rb") as stream:
        while piece := stream.read(_BLOCK):
            digest.update(piece)
            tell(len(piece))
    return digest


def listing(
    mirror: str, source: Source, wait: Callable[[float], None] = time.sleep
) -> tuple[Remote, ...]:
    """Return the files wanted of a repository's folder. Raises 302 if it can't be had, 303."""
    inside = f"/{source.inside}" if source.inside else ""
    where = f"api/models/{source.repository}/tree/{source.revision}{inside}?recursive=true"
    try:
        rows = json.loads(_listed(f"{mirror}/{where}", wait))
        files = [_remote(row, source.inside) for row in rows if row["type"] == "file"]
    except _BROKEN as e:
        raise _unreachable(f"{mirror}/{source.repository}", e) from None
    except (ValueError, KeyError, TypeError) as e:
        raise error(
            303, f"{mirror} answers with something else than a list of files ({e}): set another "
            "models.mirror"
        ) from None  # fmt: skip
    return tuple(f for f in files if PurePosixPath(f.name).suffix in _WANTED or f.name == _SILENCE)


def _listed(url: str, wait: Callable[[float], None]) -> bytes:
    """Return what is listed; a host that is busy is asked again."""
    idle = 0
    while True:
        try:
            with _open(url) as answer:
                return bytes(answer.read(_MOST_LISTING_BYTES))
        except urllib.error.HTTPError as e:
            idle += 1
            if idle == _TRIES or not _is_busy(e):
                raise
        wait(idle)


def _is_busy(answer: urllib.error.HTTPError) -> bool:
    """Whether the host may well give the file when it is asked again."""
    return answer.code >= 500 or answer.code in _BUSY


def _remote(row: dict[str, Any], inside: str) -> Remote:
    path = str(row["path"])
    name = path.removeprefix(f"{inside}/") if inside else path
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
        raise ValueError(f"a file called {name}")
    large = row.get("lfs") or {}
    return Remote(path, name, int(row["size"]), large.get("oid"), str(row["oid"]))


def fetch(
    mirror: str,
    source: Source,
    remote: Remote,
    to: Path,
    tell: Tell,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch a file to `to`, going on where an earlier try stopped, and check its sums.

    A line that breaks is taken up again as long as something comes. Raises 302, 303, 400, 401.
    """
    url = (
        f"{mirror}/{source.repository}/resolve/{source.revision}/{urllib.parse.quote(remote.path)}"
    )
    digest, idle = _begun(to, remote, tell), 0
    while digest.size < remote.size:
        before = digest.size
        try:
            _more(url, remote, to, digest, tell)
        except _BROKEN as e:
            idle = 0 if digest.size > before else idle + 1
            if idle == _TRIES or (isinstance(e, urllib.error.HTTPError) and not _is_busy(e)):
                raise _unreachable(url, e) from None
            wait(idle)
    if not remote.matches(digest):
        to.unlink(missing_ok=True)
        raise error(
            303, f"{url} gave other bytes than were published: pull again, or set another "
            "models.mirror"
        )  # fmt: skip


def _begun(to: Path, remote: Remote, tell: Tell) -> Digest:
    """Return the sums of what is there already; too much of it is none."""
    if to.is_file() and to.stat().st_size <= remote.size:
        return digest_of(to, remote.size, tell)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(b"")
    return Digest(remote.size)


def _more(url: str, remote: Remote, to: Path, digest: Digest, tell: Tell) -> None:
    """Take what comes of the rest of a file; a line that breaks raises."""
    with _open(url, digest.size) as answer:
        if digest.size and answer.status != 206:  # it begins again: so do we
            tell(-digest.size)
            digest.restart()
        with _disk(to):
            stream = to.open("r+b", buffering=0)
        with stream:
            with _disk(to):
                stream.truncate(digest.size)
                stream.seek(digest.size)
            while piece := answer.read(_BLOCK):
                if digest.size + len(piece) > remote.size:
                    raise error(303, f"{url} gives more than was published: set another mirror")
                with _disk(to):
                    _write(stream, piece)
                digest.update(piece)
                tell(len(piece))
    if digest.size < remote.size:
        raise http.client.IncompleteRead(b"", remote.size - digest.size)


def _write(stream: IO[bytes], piece: bytes) -> None:
    """Write all of `piece`; unbuffered, so that a digest never knows more than the disk."""
    rest = memoryview(piece)
    while rest:
        rest = rest[stream.write(rest) :]


@contextlib.contextmanager
def _disk(to: Path) -> Iterator[None]:
    """Tell trouble with the disk from a line that breaks. Raises 400, 401."""
    try:
        yield
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise error(
                400, f"no space is left for {to}: make room and pull again, it goes on where it "
                "stopped"
            ) from None  # fmt: skip
        raise error(401, f"{to} can't be written ({e}): mend it, or set models.folder") from None


def _open(url: str, start: int = 0) -> Any:
    headers = {"User-Agent": "punchin"}
    if start:
        headers["Range"] = f"bytes={start}-"
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S)


def _unreachable(url: str, why: Exception) -> PunchinError:
    return error(
        302, f"{url} can't be fetched ({why}): check the connection and pull again, it goes on "
        "where it stopped"
    )  # fmt: skip
