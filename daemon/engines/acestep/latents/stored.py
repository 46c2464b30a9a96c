"""Latents of own results on the disk, so that another worker finds them: a crash, the next start.

A file in its job's folder holds one piece: `latents (frames, C)`, `samples (frames × 1920, 2)`,
both float32, in safetensors, with their checksum and the mark of the VAE that decoded them. It is
written under another name and renamed; one that is damaged, or whose job is forgotten, is removed.
Together they have at most `most_bytes`, the oldest go first. Nobody waits for them to be written:
see `Own.save`.

Threads: the worker's main thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from daemon.engines.acestep.parts import HOP

_SUFFIX = ".safetensors"
_log = logging.getLogger("punchin.acestep")


@dataclass(frozen=True)
class Store:
    """The pieces in `folder` that the VAE with this mark decoded, of the jobs in `jobs`."""

    folder: Path
    jobs: Path
    vae: str
    most_bytes: int

    def has(self, job: str) -> bool:
        """Whether a job is not forgotten."""
        return bool(job) and (self.jobs / job).is_dir()

    def read(self) -> Iterator[tuple[torch.Tensor, np.ndarray, str]]:
        """Yield latents, samples and job of every piece, the newest first; remove what is damaged.

        What was made for a forgotten job is removed, too.
        """
        for part in self.folder.rglob(".*.part"):
            _remove(part)
        for file in self._files():
            if not self.has(file.parent.name):
                _remove(file)
        for file in reversed(self._files()):
            try:
                found = self._read(file)
            except (SafetensorError, KeyError, ValueError, OSError) as problem:
                _log.warning("%s is damaged and was removed (%s)", file, problem)
                _remove(file)
                continue
            if found is not None:
                yield *found, file.parent.name

    def write(self, latents: torch.Tensor, samples: np.ndarray, job: str) -> None:
        """Write a piece and make room for it.

        Nothing happens where the disk does not take it, or the job is forgotten.
        """
        if not self.has(job):
            return
        tensors = {"latents": latents.numpy(), "samples": samples}
        told = {"vae": self.vae, "crc32": _checksum(**tensors)}
        name = hashlib.blake2b(f"{told}".encode(), digest_size=12).hexdigest()
        folder = self.folder / job
        part, file = folder / f".{name}.{os.getpid()}.part", folder / f"{name}{_SUFFIX}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(save(tensors, told))
            part.replace(file)
        except OSError as problem:
            _log.info("latents were not kept on the disk (%s)", problem)
            _remove(part)
        if not self.has(job):  # forgotten meanwhile
            _remove(file)
        self._make_room()

    def _read(self, file: Path) -> tuple[torch.Tensor, np.ndarray] | None:
        """Return a piece, None for another VAE's."""
        with safe_open(file, "np") as held:
            told = held.metadata() or {}
            if told["vae"] != self.vae:
                return None
            latents, samples = held.get_tensor("latents"), held.get_tensor("samples")
        if samples.shape != (len(latents) * HOP, 2) or _checksum(latents, samples) != told["crc32"]:
            raise ValueError("another checksum")
        return torch.from_numpy(latents), samples

    def _make_room(self) -> None:
        left = self.most_bytes
        for file in reversed(self._files()):
            left -= _size(file)
            if left < 0:
                _remove(file)

    def _files(self) -> list[Path]:
        """Return the files of pieces, the oldest first."""
        files = self.folder.rglob(f"*{_SUFFIX}")
        return [file for _, file in sorted((_time(file), file) for file in files)]


def mark_of(vae: Any) -> str:
    """Return what tells a VAE from others: the weights at its ends, and all shapes."""
    mark = hashlib.blake2b(digest_size=16)
    for name, weight in vae.named_parameters():
        mark.update(f"{name} {tuple(weight.shape)}".encode())
    ends = (vae.encoder.conv1, vae.encoder.conv2, vae.decoder.conv1, vae.decoder.conv2)
    for weight in (weight for end in ends for weight in end.parameters()):
        mark.update(weight.detach().float().cpu().contiguous().numpy().data)
    return mark.hexdigest()


def _checksum(latents: np.ndarray, samples: np.ndarray) -> str:
    one = zlib.crc32(np.ascontiguousarray(latents).data)
    return f"{zlib.crc32(np.ascontiguousarray(samples).data, one):08x}"


def _size(file: Path) -> int:
    with contextlib.suppress(OSError):
        return file.stat().st_size
    return 0


def _time(file: Path) -> int:
    with contextlib.suppress(OSError):
        return file.stat().st_mtime_ns
    return 0


def _remove(file: Path) -> None:
    """Remove a file, and its job's folder with the last one."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
        file.parent.rmdir()
