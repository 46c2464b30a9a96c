"""Engines by entry point; the built-in ones come through the same door as a stranger's.

Names are read from the packages' metadata without importing anything; only a worker imports.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from bridge.protocol.errors import PunchinError, error
from daemon.engines.base import Engine

GROUP = "punchin.engines"
# In a checkout that was never installed there is no metadata to find the built-in engines by.
BUILT_IN = {
    "sketch": "daemon.engines.sketch:SketchEngine",
    "acestep": "daemon.engines.acestep:AceStepEngine",
}


def doors() -> dict[str, EntryPoint]:
    """Return the entry point of each engine by name; a stranger can't take a built-in's name."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    own = {name: EntryPoint(name, value, GROUP) for name, value in BUILT_IN.items()}
    return {**found, **own}


def make(name: str) -> Engine:
    """Import and make an engine. Raises 300 with the reason."""
    point = doors().get(name)
    if point is None:
        raise error(300, f"no engine is called {name}: choose one of {', '.join(doors())}")
    try:
        engine: Engine = point.load()()
        engine.capabilities()
    except PunchinError:
        raise
    except (Exception, SystemExit) as reason:
        what = f"{type(reason).__name__}: {reason}"
        raise error(
            300, f"the engine {name} can't be started ({what}): mend or remove it"
        ) from None
    return engine
