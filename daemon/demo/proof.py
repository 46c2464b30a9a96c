"""Proofs on finished files: what was to stay is bit-identical, lengths are exact, stems add up.

Integer samples are compared as int32 `(frames, channels)`, as libsndfile hands them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile


@dataclass(frozen=True)
class Proof:
    """One claim about a result and whether it holds."""

    holds: bool
    claim: str


def _samples(path: Path) -> np.ndarray:
    return np.asarray(soundfile.read(path, dtype="int32", always_2d=True)[0])


def same_outside(source: Path, mix: Path, start_frame: int, end_frame: int) -> Proof:
    """Return whether `mix` equals `source` everywhere but in `[start_frame, end_frame)`."""
    before, after = _samples(source), _samples(mix)
    if before.shape != after.shape:
        return Proof(False, f"{before.shape} samples became {after.shape}")
    differ = np.any(before != after, axis=1)
    inside = int(differ[start_frame:end_frame].sum())
    outside = int(differ.sum()) - inside
    kept = len(differ) - (end_frame - start_frame)
    claim = f"{outside} of {kept:,} samples outside the region differ, {inside:,} inside do"
    return Proof(outside == 0 and inside > 0, claim)


def continues(source: Path, mix: Path, new_frames: int) -> Proof:
    """Return whether `mix` is `source`, sample for sample, and then exactly `new_frames` more."""
    before, after = _samples(source), _samples(mix)
    added = len(after) - len(before)
    differ = (
        int(np.any(before != after[: len(before)], axis=1).sum()) if added >= 0 else len(before)
    )
    claim = f"{differ} of {len(before):,} samples differ, {added:,} are new (asked: {new_frames:,})"
    return Proof(differ == 0 and added == new_frames, claim)


def stems_add_up(mix: Path, stems: Sequence[Path], frames: int) -> Proof:
    """Return whether `mix` has `frames` frames and is the exact sum of its stems."""
    whole = _samples(mix).astype(np.int64)
    total = sum((_samples(stem).astype(np.int64) for stem in stems), np.zeros_like(whole))
    differ = int(np.any(whole != total, axis=1).sum())
    length = "as long as the vocal" if len(whole) == frames else f"{len(whole)} of {frames} frames"
    claim = f"{length}; {differ} samples differ from the sum of {len(stems)} stems"
    return Proof(len(whole) == frames and differ == 0 and len(stems) > 0, claim)


def laid_over(source: Path, backing: Path, path_out: Path) -> None:
    """Write source and backing together, for listening: 24 bit, its peak at −1 dBFS at most."""
    voice, rate = soundfile.read(source, dtype="float64", always_2d=True)
    band, _ = soundfile.read(backing, dtype="float64", always_2d=True)
    frames = min(len(voice), len(band))
    both = band[:frames] + voice[:frames].mean(axis=1, keepdims=True)
    peak = float(np.abs(both).max()) if frames else 0.0
    gain = min(1.0, 10 ** (-1 / 20) / peak) if peak else 1.0
    soundfile.write(path_out, both * gain, rate, subtype="PCM_24")
