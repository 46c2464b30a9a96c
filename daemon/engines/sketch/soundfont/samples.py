"""The samples of a SoundFont: 16 or 24 bit, or compressed as Ogg Vorbis (SF3).

Signals are float32 `(frames,)`, nominal peak ±1. Frames of a sample count from its own first one.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile as sf

from daemon.engines.sketch.soundfont.faults import damaged
from daemon.engines.sketch.soundfont.generators import Gen
from daemon.engines.sketch.soundfont.records import Records
from daemon.engines.sketch.soundfont.riff import Bytes, Places

_ROM, _VORBIS = 0x8000, 0x10
_LOWEST_HZ, _HIGHEST_HZ = 100, 400_000
_DECODED_KEPT = 32
_LONGEST_DECODED = 1 << 24  # frames

Array = np.ndarray


@dataclass(frozen=True)
class Head:
    """A sample: its length and loop in frames, rate in Hz, root key, correction in cents."""

    frames: int
    loop_start: int
    loop_end: int
    rate: int
    root: int
    cents: int


@dataclass(frozen=True)
class Samples:
    """All samples of a font: `words` int16 and, with 24 bits, `fine` uint8, both mapped."""

    path: Path
    table: np.ndarray
    raw: Bytes
    words: np.ndarray
    fine: np.ndarray | None
    _decoded: OrderedDict[int, Array] = field(default_factory=OrderedDict)

    def playable(self, sample: int) -> bool:
        """Whether the font itself holds the sample; some are in a sound card's ROM."""
        return not int(self.table["kind"][sample]) & _ROM

    def head(self, sample: int) -> Head:
        """Return a sample's facts. Raises 303 if it can't be decoded."""
        row = self.table[sample]
        if _is_vorbis(row):
            start, frames = 0, len(self._vorbis(sample))
        else:
            start, frames = int(row["start"]), int(row["end"]) - int(row["start"])
        root = int(row["root"])
        return Head(
            frames,
            int(row["loop_start"]) - start,
            int(row["loop_end"]) - start,
            int(row["rate"]),
            root if root <= 127 else 60,
            int(row["cents"]),
        )

    def read(self, sample: int, begin: int, stop: int) -> Array:
        """Return frames `[begin, stop)` of a sample, which must lie inside it."""
        row = self.table[sample]
        if _is_vorbis(row):
            return self._vorbis(sample)[begin:stop]
        a, b = int(row["start"]) + begin, int(row["start"]) + stop
        out = self.words[a:b].astype(np.float32)
        if self.fine is not None:
            out += self.fine[a:b].astype(np.float32) / 256
        out *= np.float32(1 / 32768)
        return out

    def _vorbis(self, sample: int) -> Array:
        if sample not in self._decoded:
            row = self.table[sample]
            packed = self.raw[int(row["start"]) : int(row["end"])].tobytes()
            self._decoded[sample] = _unpacked(packed, self.path)
            if len(self._decoded) > _DECODED_KEPT:
                self._decoded.popitem(last=False)
        return self._decoded[sample]


def open_samples(data: Bytes, places: Places, records: Records, path: Path) -> Samples:
    """Return the samples. Raises 303 if one that is used lies outside or has no rate."""
    if "smpl" not in places:
        raise damaged(path, "holds no samples (they may be in a sound card's ROM)")
    start, size = places["smpl"]
    raw = data[start : start + size]
    words = raw[: size // 2 * 2].view("<i2")
    _check(records, len(words), size, path)
    fine = places.get("sm24", (0, 0))
    has_fine = fine[1] >= len(words) > 0
    return Samples(
        path, records.shdr, raw, words,
        data[fine[0] : fine[0] + len(words)] if has_fine else None,
    )  # fmt: skip


def _check(records: Records, frames: int, size: int, path: Path) -> None:
    """Check every sample that a zone names."""
    gens = records.igen
    used = np.unique(gens["amount"][:-1][gens["kind"][:-1] == Gen.SAMPLE].view("<u2"))
    rows = records.shdr[used]
    rows = rows[(rows["kind"] & _ROM) == 0]
    most = np.where(rows["kind"] & _VORBIS, size, frames)
    outside = (rows["start"] >= rows["end"]) | (rows["end"] > most)
    strange = (rows["rate"] < _LOWEST_HZ) | (rows["rate"] > _HIGHEST_HZ)
    for wrong, what in ((outside, "lies outside its samples"), (strange, "has no usable rate")):
        if wrong.any():
            name = rows["name"][int(np.argmax(wrong))].decode("latin-1")
            raise damaged(path, f"has a sample {name!a} that {what}")


def _is_vorbis(row: np.ndarray) -> bool:
    return bool(int(row["kind"]) & _VORBIS)


def _unpacked(packed: bytes, path: Path) -> Array:
    """Return a compressed sample, `(frames,)`."""
    try:
        with sf.SoundFile(io.BytesIO(packed)) as file:
            found = file.read(_LONGEST_DECODED, "float32", always_2d=True)
    except (sf.LibsndfileError, RuntimeError) as reason:
        raise damaged(path, f"has a compressed sample that can't be decoded ({reason})") from None
    if not len(found):
        raise damaged(path, "has a compressed sample without a frame")
    return np.ascontiguousarray(np.nan_to_num(found[:, 0]))
