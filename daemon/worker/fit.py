"""Takes an engine's material back to the source: rate, channels, level, seams, exact lengths.

Stems at the source's own rate go on as they arrive; all else is gathered per take, because a splice
needs both seams and a resampler needs its neighbours.

The stems of `stems` have the source's channels, and so have those that sound over a clip (`layer`),
where the source has more than two; all other stems are stereo. What the way to stereo and back
loses of a clip is in the stem `other` of `stems`, so that the stems still sum to the clip.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bridge.protocol.errors import error
from daemon.audio import resample
from daemon.audio.splice import CONTEXT_S, HANDLE_S, splice
from daemon.core.planner import Layout, Work
from daemon.engines.base import Chunk, Request
from daemon.worker.clip import Clip
from daemon.worker.port import JobPort

_REST = "stem:other"


class Fitter:
    """Gathers one take's chunks and sends what becomes of them."""

    def __init__(
        self,
        work: Work,
        clip: Clip,
        place: Layout,
        request: Request,
        take: int,
        port: JobPort,
    ) -> None:
        self._work, self._clip, self._place = work, clip, place
        self._request, self._take, self._port = request, take, port
        self._spliced_in = work.in_place or work.op == "extend"
        self._same_rate = clip.rate == clip.engine_rate
        self._material: dict[tuple[str, int], np.ndarray] = {}
        self._covered: dict[tuple[str, int], int] = {}
        self._upto: dict[tuple[str, int], int] = {}
        self._sent: dict[tuple[str, int], int] = {}

    def chunk(self, chunk: Chunk) -> None:
        """Take one chunk. Raises 307 for samples that are not finite or lie nowhere."""
        if not np.isfinite(chunk.samples).all():
            raise _bad("holds NaN or infinite samples")
        index = self._span_of(chunk)
        if chunk.role.startswith("stem:") and self._same_rate:
            self._stem(chunk)
            return
        self._gather(chunk, index)

    def finish(self) -> Iterator[str]:
        """Send what was gathered; yields sentences for the musician. Raises 307."""
        if not self._material and not self._covered:
            raise _bad("is empty")
        for role, index in self._covered.keys() - self._material.keys():
            self._check_covered(role, index)
        for (role, index), material in self._material.items():
            self._check_covered(role, index)
            if role.startswith("stem:"):
                self._resampled_stem(role, material)
            elif self._work.parts:  # of one material, which is the clip's
                for number in range(len(self._place.spans)):
                    yield from self._spliced(number, index, material)
            elif self._spliced_in:
                yield from self._spliced(index, index, material)
            else:
                self._whole(material)
        if self._spliced_in and len(self._material) < len(self._request.spans):
            raise _bad("lacks a part of what was asked for")

    # -- gathering ---------------------------------------------------------------------------------

    def _span_of(self, chunk: Chunk) -> int:
        handle = self._request.handle
        for i, span in enumerate(self._request.spans):
            inside = chunk.start >= span.start - handle
            if inside and chunk.start + len(chunk.samples) <= span.end + handle:
                return i
        raise _bad("lies outside the region")

    def _gather(self, chunk: Chunk, index: int) -> None:
        span, handle = self._request.spans[index], self._request.handle
        key = (chunk.role, index)
        if key not in self._material:
            self._material[key] = np.zeros((span.frames + 2 * handle, 2), np.float32)
            self._covered[key] = 0
        at = chunk.start - span.start + handle
        self._material[key][at : at + len(chunk.samples)] = chunk.samples
        if not chunk.provisional:
            # Handles are never heard and can't make up for a hole in the span.
            first, last = (
                max(chunk.start, span.start),
                min(chunk.start + len(chunk.samples), span.end),
            )
            self._covered[key] += max(0, last - first)
        if self._work.heard and self._take == 1:
            self._send_rough(chunk, index)

    def _send_rough(self, chunk: Chunk, index: int) -> None:
        """Let what follows on from the last chunk be heard before it is fitted to the source."""
        key, clip = (chunk.role, index), self._clip
        first = self._request.spans[index].start - self._request.handle
        upto = self._upto.get(key, first)
        if not chunk.start <= upto < chunk.start + len(chunk.samples):
            return
        self._upto[key] = upto = chunk.start + len(chunk.samples)
        margin = 0 if self._same_rate else resample.handle_frames(clip.engine_rate)
        start, end = self._place.spans[index]
        known = resample.at_or_before(
            upto - margin + clip.engine_start, clip.engine_rate, clip.rate
        )
        a, b = self._sent.get(key, start), min(known, end)
        if a >= b:
            return
        self._sent[key] = b
        samples = self._at_source_rate(index, self._material[key], a, b)
        if chunk.role.startswith("stem:"):
            samples = samples / np.float32(clip.fold.gain)
            self._port.audio(chunk.role, 1, a - start, samples, kind="rough")
        else:
            self._port.audio(
                "region", 1, a - start, clip.fold.back(samples), kind="rough", span=index
            )

    def _check_covered(self, role: str, index: int) -> None:
        needed = self._request.spans[index].frames
        if self._covered[(role, index)] < needed:
            raise _bad("is shorter than what was asked for")

    # -- stems -------------------------------------------------------------------------------------

    def _stem(self, chunk: Chunk) -> None:
        """Send what lies inside the clip, at once; a final chunk overwrites a provisional one."""
        span, start = self._request.spans[0], chunk.start
        first, last = max(start, span.start), min(start + len(chunk.samples), span.end)
        covered = self._covered.setdefault((chunk.role, 0), 0)
        if first < last:
            self._covered[(chunk.role, 0)] = covered + (last - first) * (not chunk.provisional)
            inside = chunk.samples[first - start : last - start]
            self._send_stem(chunk.role, first - span.start, inside)

    def _resampled_stem(self, role: str, material: np.ndarray) -> None:
        start, end = self._place.spans[0]
        self._send_stem(role, 0, self._at_source_rate(0, material, start, end))

    def _send_stem(self, role: str, at: int, stereo: np.ndarray) -> None:
        """Send `stereo`, which begins at frame `at` of the stem, in the stem's channels."""
        fold, op = self._clip.fold, self._work.op
        surround = fold.channels > 2
        if op == "stems" or (self._work.over_clip and surround):
            samples = fold.back_linear(stereo)
        else:
            samples = stereo / np.float32(fold.gain)
        if op == "stems" and surround and role == _REST:
            first = self._place.spans[0][0] - self._clip.start + at
            samples += fold.missed(self._clip.source[first : first + len(stereo)])
        self._port.audio(role, self._take, at, samples)

    # -- regions -----------------------------------------------------------------------------------

    def _whole(self, material: np.ndarray) -> None:
        """A clip that is new from end to end has no seams."""
        start, end = self._place.spans[0]
        samples = self._clip.fold.back(self._at_source_rate(0, material, start, end))
        self._port.audio("region", self._take, 0, samples, span=0)

    def _spliced(self, number: int, index: int, material: np.ndarray) -> Iterator[str]:
        """Put the layout's span `number` in, from the material of the request's span `index`."""
        start, end = self._place.spans[number]
        rate, clip = self._clip.rate, self._clip
        handle = round(HANDLE_S * rate)
        stereo = self._at_source_rate(index, material, start - handle, end + handle)
        here = slice(start - clip.start, end - clip.start)
        over = clip.source[here] if self._work.op != "extend" else None
        new = clip.fold.back(stereo, None)
        before, after = self._beside(start, end)
        done = splice(before, over, after, new, handle, rate, clip.fold.kept)
        self._port.audio("region", self._take, 0, done.samples, span=number)
        yield from _seam_notes(done.report)

    def _beside(self, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """The kept audio before and after a span, empty at the clip's ends."""
        clip = self._clip
        reach = round(CONTEXT_S * clip.rate)
        first, last = start - clip.start, end - clip.start
        none = clip.source[:0]
        before = clip.source[max(0, first - reach) : first] if first > 0 else none
        after = clip.source[max(0, last) : max(0, last) + reach] if last >= 0 else none
        return before, after

    def _at_source_rate(self, index: int, material: np.ndarray, start: int, end: int) -> np.ndarray:
        """Frames `[start, end)` of the source's time line, stereo, from a span's material."""
        clip = self._clip
        first = self._request.spans[index].start - self._request.handle + clip.engine_start
        return resample.cut(material, first, clip.engine_rate, clip.rate, start, end)


def _seam_notes(report: Any) -> Iterator[str]:
    if report.limiter_db < -6:
        yield f"the new material was loud: its peaks were lowered by {-report.limiter_db:.0f} dB"


def _bad(what: str) -> Exception:
    return error(307, f"the engine's result {what}: try another seed, and report it")
