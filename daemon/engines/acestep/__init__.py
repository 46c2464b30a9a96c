"""The model engine: ACE-Step 1.5 resident on a device, doing the DAW's edits.

Importing this package loads neither torch nor diffusers; `AceStepEngine.load` does.
"""

from __future__ import annotations

from daemon.engines.acestep.engine import AceStepEngine

__all__ = ["AceStepEngine"]
