"""New bars from a clip's own: continuing it, and replacing a part of it."""

from daemon.engines.sketch.reuse.extend import Continuation, continue_from
from daemon.engines.sketch.reuse.replace import replace_bars

__all__ = ["Continuation", "continue_from", "replace_bars"]
