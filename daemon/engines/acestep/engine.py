"""The engine `acestep` as the worker sees it. torch and diffusers are imported by `load`."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridge.protocol.errors import error
from daemon.audio.clips import as_reader
from daemon.audio.grid import Grid
from daemon.engines.acestep import needs
from daemon.engines.acestep.dit.windows import LEAST
from daemon.engines.acestep.limits import LIMITS
from daemon.engines.acestep.models.home import models_at
from daemon.engines.acestep.models.numbers import numbers_in
from daemon.engines.acestep.parts import CONTEXT_S, FRAMES_PER_S, GRAIN, RATE
from daemon.engines.acestep.tasks import needed
from daemon.engines.base import Capabilities, Heard, Port, Request, Result

if TYPE_CHECKING:
    from daemon.audio.clips import Samples
    from daemon.engines.acestep.session import Session

VERSION = "1"
OPS = frozenset(
    {
        "generate", "repaint", "extend", "bgm", "cover", "retake", "edit", "layer", "stems",
        "analyze",
    }
)  # fmt: skip
KEYS = frozenset(
    {
        "bpm", "meter", "downbeat", "tempomap", "key", "prompt", "lyrics", "lyrics_file",
        "language", "strength", "steps", "guidance", "context", "seconds", "bars", "hold",
        "grid", "matching_eq", "allow_degrade",
        "reference", "track", "stems", "balance", "ways", "lora",
    }
)  # fmt: skip
PREPARES = frozenset({"repaint", "extend", "cover", "retake"})
HEARS_BESIDE = frozenset({"cover", "layer", "stems"})
WINDOW_STEP_S = GRAIN / FRAMES_PER_S
"""A multiple of the transformer's patch and of the pool of the 5 Hz codes: 10 latent frames."""
WINDOW_LENGTHS_S = (16.0, 24.0, 40.0, 64.0, 96.0)
_CLIPS_KEPT = 8


class AceStepEngine:
    """ACE-Step 1.5, resident. See `daemon.engines.base.Engine`."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._listened: OrderedDict[tuple[Any, ...], Heard] = OrderedDict()

    def capabilities(self) -> Capabilities:
        """Return what this engine can do with a full set of models."""
        return Capabilities(
            name="acestep",
            version=VERSION,
            summary="ACE-Step 1.5, a music model with vocals; wants a GPU and some 10 GB of models",
            ops=OPS,
            keys=KEYS,
            needs_model=True,
            context_s=CONTEXT_S,
            window_step_s=WINDOW_STEP_S,
            window_lengths_s=WINDOW_LENGTHS_S,
            window_border_s=WINDOW_STEP_S,
            prepares=PREPARES,
            window_least_s=LEAST / FRAMES_PER_S,
            hears_beside=HEARS_BESIDE,
            limits=LIMITS,
        )

    def load(self, model: str | None, port: Port) -> str:
        """Load the checkpoint or the folder of checkpoints `model`. Raises 300, 301, 302, 303, 304.

        Returns device and precisions: `cuda:0, bfloat16, VAE float32`.
        """
        needs.check()
        # A folder that is no model is named before torch, whose import takes seconds.
        numbers_in(needed("repaint", models_at(model, os.environ).checkpoints))
        # What the first job will want is imported before anyone waits for it.
        import daemon.engines.acestep.performing
        import daemon.engines.sketch.listen  # noqa: F401
        from daemon.engines.acestep.opening import open_session
        from daemon.engines.acestep.placement import describe

        self._session = open_session(model, port)
        return describe(self._session.placement)

    def rate_for(self, source_rate: int) -> int:
        """Return the model's own rate, 48 kHz."""
        return RATE

    def listen(
        self,
        clip: Samples,
        rate: int,
        bpm: float | None,
        metre: tuple[int, int] | None,
        options: Mapping[str, Any],
        port: Port,
    ) -> Heard:
        """Find tempo and bars as the embedded engine does; without a clip, think them out.

        Without a language model nothing is found then.
        """
        if len(clip) == 0:
            return self._thought(bpm, metre, options, port)
        from daemon.engines.sketch.listen import hear_bars

        reader = as_reader(clip, rate)
        key = (reader.digest, rate, bpm, metre)
        if key not in self._listened:
            bars = hear_bars(reader, rate, bpm, metre, port.check)
            both = bars.downbeat_confidence
            heard = Heard(bars.grid, both, None, False, bars.tempo_confidence, both)
            self._listened[key] = heard
            while len(self._listened) > _CLIPS_KEPT:
                self._listened.popitem(last=False)
        return self._listened[key]

    def _thought(
        self,
        bpm: float | None,
        metre: tuple[int, int] | None,
        options: Mapping[str, Any],
        port: Port,
    ) -> Heard:
        plan = None
        if self._session is not None:
            from daemon.engines.acestep.ops.planning import plan_for

            plan = plan_for(self._session, options, bpm, metre, None, port)
        if plan is None:
            return Heard(Grid.steady(bpm or 120.0, *(metre or (4, 4))), 0.0 if bpm is None else 1.0)
        tempo, beats = bpm or plan.bpm or 120.0, metre or plan.beats or (4, 4)
        return Heard(Grid.steady(float(tempo), *beats), 1.0)

    def run(self, request: Request, port: Port) -> Result:
        """Make one take. Raises 103, 301, 302, 303, 304, 307."""
        if request.op not in OPS:
            raise error(301, f"acestep does no {request.op}: use the engine sketch for it")
        if self._session is None:
            raise error(302, "no model is loaded: punchin engine acestep MODEL")
        from daemon.engines.acestep.performing import perform

        return perform(self._session, request, port)

    def prepare(self, request: Request, port: Port) -> None:
        """Compute ahead what a take of this request will want. See `base.Ahead`."""
        if self._session is not None:
            from daemon.engines.acestep.performing import prepare

            prepare(self._session, request, port)

    def idle(self, port: Port) -> None:
        """Use spare time. See `base.Ahead`."""
        if self._session is not None:
            from daemon.engines.acestep.performing import idle

            idle(self._session, port)

    def unload(self) -> None:
        """Free what `load` took; what was made is kept on the disk first."""
        if self._session is not None:
            self._session.own.save()
        self._session = None
