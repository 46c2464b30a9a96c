"""What was computed once and may be wanted again: least recently used first to go, by bytes.

Values are tensors, or tuples and dataclasses of them; they are shared, so nobody writes to them.

Threads: the thread that owns the device.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch

Value = TypeVar("Value")
MIB = 1 << 20
MOST_VALUES = 4096
"""Of numbers, which have no bytes to speak of, there are no more than these."""


def bytes_of(value: Any) -> int:
    """Return the bytes of every tensor and array inside `value`."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return int(value.nbytes)
    if isinstance(value, Mapping):
        return sum(map(bytes_of, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(bytes_of, value))
    if is_dataclass(value):
        return sum(bytes_of(getattr(value, f.name)) for f in fields(value))
    return 0


class Cache(Generic[Value]):
    """Values by key, at most MOST_VALUES of `most_bytes`; a larger value is not kept."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        self.hits = 0
        self.misses = 0
        self._held: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._held

    def get(self, key: Hashable) -> Value | None:
        """Return what is held for `key` and mark it as used, None where there is nothing."""
        found = self._held.get(key)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: Value) -> Value:
        """Hold `value`, let go of what was used longest ago, and return `value`."""
        self.drop(key)
        size = bytes_of(value)
        if size > self.most_bytes:
            return value
        self._held[key] = (value, size)
        self.held_bytes += size
        while self.held_bytes > self.most_bytes or len(self._held) > MOST_VALUES:
            self.drop(next(iter(self._held)))
        return value

    def made(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return what is held for `key`, else what `make` returns, which is held from then on."""
        found = self.get(key)
        return self.put(key, make()) if found is None else found

    def drop(self, key: Hashable) -> None:
        """Let go of one value; nothing happens where none is held."""
        found = self._held.pop(key, None)
        if found is not None:
            self.held_bytes -= found[1]

    def clear(self) -> None:
        """Let go of everything."""
        self._held.clear()
        self.held_bytes = 0


@dataclass(frozen=True, eq=False)
class Caches:
    """The caches of a session.

    `texts`: states of the text encoder by the texts. `conditions`: what the condition encoder makes
    of them, by checkpoint, texts and timbre. `cross`: keys and values of cross-attention, by the
    same. `latents`: of tiles of windows, by `window_key`. `layouts`: positions and masks.
    """

    texts: Cache[Any]
    conditions: Cache[Any]
    cross: Cache[Any]
    latents: Cache[torch.Tensor]
    layouts: Cache[Any]

    @property
    def held_bytes(self) -> int:
        """Bytes of all that is held."""
        return sum(cache.held_bytes for cache in self._all())

    def clear(self) -> None:
        """Let go of everything, on the device and off it."""
        for cache in self._all():
            cache.clear()

    def weights_changed(self) -> None:
        """Let go of what a transformer's weights had a part in."""
        self.cross.clear()

    def _all(self) -> tuple[Cache[Any], ...]:
        return (self.texts, self.conditions, self.cross, self.latents, self.layouts)


def caches(most_bytes: int = 512 * MIB) -> Caches:
    """Return empty caches that together hold at most `most_bytes`.

    Keys and values of a long lyric take some 190 MB for a transformer of 24 layers, the rest of a
    job a few MB, so `cross` has half of it.
    """
    share = most_bytes // 8
    return Caches(*(Cache(parts * share) for parts in (1, 1, 4, 1, 1)))


def window_key(samples: np.ndarray, source: str, start: int) -> Hashable:
    """Return the key of `samples` `(n, 2)`, from frame `start` of a source on.

    `source` tells the file by path, time of change and size; the samples' checksum tells apart what
    changed without any of these. Where it is empty, the samples' digest has to do it alone: six
    times slower.
    """
    data = np.ascontiguousarray(samples).data
    if not source:
        return hashlib.blake2b(data, digest_size=16).digest()
    return source, start, len(samples), zlib.crc32(data)
