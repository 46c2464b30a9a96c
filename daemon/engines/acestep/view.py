"""Which latent frames of a request the transformer sees, and which of them it makes.

Frames are latent frames of 1,920 samples at 48 kHz. Frame 0 begins at the clip's first sample; a
view may begin before the clip and end after it. It begins on a multiple of GRAIN frames of what was
handed over, which itself begins on one of the clip, and has an even number of frames.

The encoder smears a cut into the last 6 frames beside it. So where the clip goes on beyond what was
handed over, GRAIN frames are heard and not used; and where music is to go on beyond the clip's end,
the last GRAIN frames before it are made anew as well.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from daemon.engines.acestep.dit.windows import LEAST, bucket_for, span_of
from daemon.engines.acestep.latents.encode import frames_of
from daemon.engines.acestep.parts import CONTEXT_S, FRAMES_PER_S, GRAIN, HOP
from daemon.engines.base import Request, Span

_SLACK = 2  # samples by which resampling may lengthen or shorten a window

Frames = tuple[int, int]


@dataclass(frozen=True)
class View:
    """Frames `[start, start + frames)` of the clip's time line.

    In frames of the view: `heard` are the clip's own and there to be relied on; `new` are to be
    made, the asked region first. `spare` are frames at the end that nobody asked for: the clip is
    shorter than what the model was made for.
    """

    start: int
    frames: int
    heard: Frames
    new: tuple[Frames, ...]
    spare: int = 0

    @property
    def region(self) -> Frames:
        """The asked region, in frames of the view."""
        return self.new[0]

    @property
    def duration_s(self) -> float:
        """Length of all that the model sees, in seconds."""
        return self.frames / FRAMES_PER_S

    def sample(self, frame: int) -> int:
        """Return the clip's sample at which a frame of the view begins."""
        return (self.start + frame) * HOP

    def samples(self) -> Frames:
        """Return the clip's samples `[start, end)` that the view covers."""
        return self.sample(0), self.sample(self.frames)


def inside(request: Request, span: Span) -> View:
    """Return the view of a region inside the clip."""
    first, last = _usable(request)
    region = span_of(span.start, span.end)
    first, last = min(first, region[0]), max(last, region[1])
    last += (last - first) % 2
    return _long_enough(first, last, (first, last), region)


def beside(request: Request, span: Span) -> View:
    """Return the view of a region before the clip's first sample or after its last.

    It holds the key `context` of the clip, 16 s when not told and all of it for 0, and as much more
    as fills the bucket.
    """
    first, last = _usable(request)
    if span.end <= 0:
        start = (span.start - request.handle) // HOP // GRAIN * GRAIN
        region = (start, min(GRAIN, last))
        last = min(last, start + _with_context(request, region))
        last += (last - start) % 2
        return _long_enough(start, last, (region[1], last), region)
    end = frames_of(span.end + request.handle)
    region = (max(first, len(request.clip) // HOP - GRAIN), end)
    wanted = end - _with_context(request, region)
    first = max(first, -(-wanted // GRAIN) * GRAIN)
    end += (end - first) % 2
    return _long_enough(first, end, (first, region[0]), (region[0], end))


def _with_context(request: Request, region: Frames) -> int:
    """Return how many frames a view of a region and its context on one side may have."""
    context_s = float(request.options.get("context", CONTEXT_S)) or math.inf
    least = region[1] - region[0] + context_s * FRAMES_PER_S
    return sys.maxsize if least == math.inf else bucket_for(math.ceil(least))


def whole(request: Request) -> View:
    """Return the view of a clip that is made anew, or of nothing but a span to fill."""
    last = frames_of(len(request.clip) or request.spans[0].end + request.handle)
    last += last % 2
    heard = (0, frames_of(len(request.clip)))
    return _long_enough(0, last, heard, (0, last))


def _usable(request: Request) -> Frames:
    """Return the frames of what was handed over that may be relied on."""
    samples = len(request.clip)
    first = GRAIN if request.cut[0] else 0
    if not request.cut[1]:
        return first, frames_of(samples)
    return first, (samples + _SLACK) // HOP - GRAIN


def _long_enough(first: int, last: int, heard: Frames, region: Frames) -> View:
    """Return the view, filled up to the least length with music that is thrown away."""
    spare = max(0, LEAST - (last - first))
    new = [(region[0] - first, region[1] - first)]
    if spare:
        # A clip that ends here was not meant to: what follows is made, and its smeared end too.
        begin = max(0, last - GRAIN - first)
        new.append((begin, last + spare - first))
        heard = (heard[0], min(heard[1], begin + first))
    return View(
        first, last - first + spare, (heard[0] - first, heard[1] - first), tuple(new), spare
    )
