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
    from daemon.engines.sketch.jobs.studio import Studio

VERSION = "1"
OPS = frozenset(
    {
        "generate", "repaint", "extend", "bgm", "layer", "cover", "retake", "stems", "analyze",
    }
)  # fmt: skip
KEYS = frozenset(
    {
        "bpm", "meter", "downbeat", "tempomap", "key", "prompt", "negative", "lyrics",
        "lyrics_file", "preset", "strength", "stems", "seconds", "bars", "context",
        "ending", "balance", "humanize", "swing", "plan", "track",
    }
)  # fmt: skip
LOWEST_RATE, HIGHEST_RATE = 22050, 48000
_FALLBACK_RATE = 32000  # for sources below the lowest rate


class SketchEngine:
    """The embedded engine. See `daemon.engines.base.Engine`."""

    def __init__(self) -> None:
        self._studio: Studio | None = None

    def capabilities(self) -> Capabilities:
        """Return what this engine can do."""
        return Capabilities(
            name="sketch",
            version=VERSION,
            summary="Listens, arranges and synthesises on the CPU; nothing to download",
            ops=OPS,
            keys=KEYS,
            in_blocks=OPS - {"stems"},
        )

    def load(self, model: str | None, port: Port) -> str:
        """Read the styles and import what the jobs need; `model` names nothing here."""
        self._opened(port)
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
        """Find tempo and bars of `clip`; without one, those of the prompt and the style."""
        from daemon.engines.sketch.jobs.asking import grid_for
        from daemon.engines.sketch.jobs.replaying import told_plan

        if len(clip) == 0:
            given = told_plan(self._opened(port), options)
            length_s = given.length_s if given is not None else None
            if given is not None and bpm is None:
                return Heard(given.grid, 1.0, length_s)
            return Heard(grid_for(self._opened(port), options, bpm, metre), 1.0, length_s)
        return Heard(*self._opened(port).grid_of(clip, rate, bpm, metre, port.check))

    def run(self, request: Request, port: Port) -> Result:
        """Make one take."""
        from daemon.engines.sketch import jobs

        if request.op not in OPS:
            raise error(301, f"sketch has no {request.op}; use the engine acestep for it")
        return jobs.perform(self._opened(port), request, port)

    def _opened(self, port: Port) -> Studio:
        from daemon.engines.sketch.jobs.studio import open_studio

        port.check()
        if self._studio is None:
            self._studio = open_studio(config() / "presets" / "styles")
        return self._studio

    def unload(self) -> None:
        """Forget styles and sounds."""
        self._studio = None
