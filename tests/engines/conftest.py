import sys
from pathlib import Path

# A stranger's plug-in, found by its entry points like an installed one.
PLUGIN = str(Path(__file__).resolve().parents[1] / "plugin")
if PLUGIN not in sys.path:
    sys.path.append(PLUGIN)
