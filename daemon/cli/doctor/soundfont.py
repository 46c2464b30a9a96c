"""The musician's own SoundFont; it is read in a process of its own."""

from __future__ import annotations

import json

from daemon.cli.doctor.finding import Finding, Run, hint, ok, problem, run, run_python
from daemon.cli.doctor.house import settings_or_none

_READ_S = 60.0
_READ = """
import json
from pathlib import Path
from bridge.protocol.errors import PunchinError
from daemon.engines.sketch.plan.instruments import GM_PROGRAMS
from daemon.engines.sketch.soundfont.font import open_font
from daemon.engines.sketch.soundfont.player import Player
try:
    player = Player(open_font(Path({path!r})))
    lacking = [name for name in GM_PROGRAMS if not player.plays(name)]
    told = [player.font.name, len(player.font.presets), len(GM_PROGRAMS), lacking]
    print(json.dumps(told))
except PunchinError as e:
    print(json.dumps(e.message))
"""


def soundfont(runner: Run = run) -> list[Finding]:
    """Check that the file of `engine.soundfont`, if one is set, can be used, and what it lacks."""
    right = settings_or_none()
    path = right.engine.soundfont if right else None
    if path is None:
        return []
    outcome = run_python(_READ.format(path=str(path)), _READ_S, runner)
    if outcome.code != 0:
        mend = "set engine.soundfont to another file (docs/settings.md)"
        return [problem("SoundFont", f"{path} can't be read: {outcome.last}", mend)]
    told = json.loads(outcome.out.splitlines()[-1])
    if isinstance(told, str):
        text, _, mend = told.rpartition(": ")
        return [problem("SoundFont", text, mend)]
    name, presets, count, lacking = told
    text = f"{name}: {presets} presets, for {count - len(lacking)} of {count} instruments"
    if lacking:
        return [hint("SoundFont", text, f"built-in voices play {', '.join(lacking)}")]
    return [ok("SoundFont", text)]
