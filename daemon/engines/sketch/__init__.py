"""The embedded engine: listens, arranges and synthesises; no download, no torch.

Importing this package is quick; NumPy, SciPy and the parts come in with `SketchEngine.load`.
"""

from daemon.engines.sketch.engine import SketchEngine

__all__ = ["SketchEngine"]
