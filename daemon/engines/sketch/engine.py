"""The engine `sketch` as the worker sees it: which job goes where.

Heavy packages are imported when the engine is loaded, so that asking what it can do is cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridge.places import config
from bridge.protocol.errors import error
from daemon.engines.base import Capabilities, Heard, Port, Request, Result

if TYPE_CHECKING:
    from daemon.audio.clips import Samples
    from daemon.engines.sketch.jobs import Others
    from daemon.engines.sketch.jobs.studio import Studio

VERSION = "1"
OPS = frozenset(
    {
        "generate", "repaint", "extend", "bgm", "layer", "cover", "retake", "stems", "analyze",
    }
)  # fmt: skip
KEYS = frozenset(
    {
        "bpm", "meter", "downbeat", "tempomap", "key", "chords", "prompt", "negative", "lyrics",
        "lyrics_file", "preset", "strength", "stems", "seconds", "bars", "context",
        "ending", "balance", "humanize", "swing", "plan", "melody", "track",
        "reference",
    }
)  # fmt: skip
_OF_GRID = frozenset({"bpm", "meter", "downbeat", "tempomap", "key"})
_OF_ARRANGING = frozenset(
    {"chords", "prompt", "negative", "lyrics", "lyrics_file", "strength", "ending", "swing",
     "reference", "melody"}
)  # fmt: skip
PLAN_SETTLES = {
    "generate": _OF_GRID | _OF_ARRANGING,
    "bgm": _OF_GRID | _OF_ARRANGING,
    "layer": _OF_GRID | _OF_ARRANGING,
    "retake": _OF_GRID | {"chords", "lyrics", "lyrics_file", "ending", "reference"},
}
LOWEST_RATE, HIGHEST_RATE = 22050, 48000
_FALLBACK_RATE = 32000  # for sources below the lowest rate


class SketchEngine:
    """The embedded engine. See `daemon.engines.base.Engine`."""

    def __init__(self) -> None:
        self._studio: Studio | None = None
        self._others: Others | None = None

    def capabilities(self) -> Capabilities:
        """Return what this engine can do."""
        return Capabilities(
            name="sketch",
            version=VERSION,
            summary="Listens, arranges and synthesises on the CPU; nothing to download",
            ops=OPS,
            keys=KEYS,
            in_blocks=OPS,
            plan_settles=PLAN_SETTLES,
            prepares=OPS,
        )

    def load(self, model: str | None, port: Port) -> str:
        """Read the styles and import what the jobs need; `model` names nothing here."""
        from daemon.engines.sketch.plan.caption import read_caption

        # The first caption compiles some hundred patterns: no job shall wait for that.
        read_caption("", "", self._opened(port).styles)
        port.progress(1.0, "ready")
        return "cpu"

    def rate_for(self, source_rate: int) -> int:
        """Return the source's own rate, or a neighbour of it within 22.05–48 kHz."""
        if LOWEST_RATE <= source_rate <= HIGHEST_RATE:
            return source_rate
        if source_rate < LOWEST_RATE:
            return _FALLBACK_RATE
        return 44100 if source_rate % 11025 == 0 else HIGHEST_RATE

    def listen(
        self,
        clip: Samples,
        rate: int,
        bpm: float | None,
        metre: tuple[int, int] | None,
        options: Mapping[str, Any],
        port: Port,
    ) -> Heard:
        """Find tempo and bars of `clip`, or those of a plan in `options`, else of the prompt."""
        from daemon.engines.sketch.jobs.asking import new_piece
        from daemon.engines.sketch.jobs.retaking import plan_at_hand

        given = plan_at_hand(self._opened(port), options, len(clip) / rate)
        if given is not None:
            return Heard(given[0].grid, 1.0, given[0].length_s, is_plan=True)
        if len(clip) == 0:
            grid, length_s = new_piece(self._opened(port), options, bpm, metre)
            return Heard(grid, 1.0, length_s)
        return self._opened(port).grid_of(clip, rate, bpm, metre, port.check)

    def run(self, request: Request, port: Port) -> Result:
        """Make one take."""
        from daemon.engines.sketch import jobs

        if request.op not in OPS:
            raise error(301, f"sketch has no {request.op}; use the engine acestep for it")
        # Nothing is made ahead while what this makes is heard.
        self._others = None
        return jobs.perform(self._opened(port), request, port)

    def prepare(self, request: Request, port: Port) -> None:
        """Listen to the clip, and go as far as the first sound of a job like this one."""
        from daemon.engines.sketch import jobs

        jobs.prepare(self._opened(port), request, port)
        self._others = jobs.Others(request)

    def idle(self, port: Port) -> None:
        """Make the sounds that what was prepared last would want with other seeds."""
        from daemon.engines.sketch import jobs

        if self._others is not None:
            jobs.prepare_others(self._opened(port), self._others, port)
            self._others = None

    def _opened(self, port: Port) -> Studio:
        from daemon.engines.sketch.jobs.studio import open_studio

        port.check()
        if self._studio is None:
            self._studio = open_studio(config() / "presets" / "styles")
        return self._studio

    def unload(self) -> None:
        """Forget styles and sounds."""
        self._studio = self._others = None
