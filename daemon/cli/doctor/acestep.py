"""The model engine: its packages, its models, and where they would run."""

from __future__ import annotations

import json

from daemon.cli.doctor.finding import Finding, Run, hint, ok, problem, run, run_python
from daemon.cli.doctor.house import settings_or_none
from daemon.cli.doctor.packages import VersionOf, pip, version_of
from daemon.core.settings import told_to_engines
from daemon.engines.acestep.needs import lacking

_ASK_S = 120.0
_ASK = """
import json
from daemon.engines.acestep.outlook import outlook
print(json.dumps(outlook({model!r}, {told!r})))
"""


def acestep(installed: VersionOf = version_of, runner: Run = run) -> list[Finding]:
    """Check what `acestep` needs; nothing of it is imported in this process.

    What is amiss is a problem only where `acestep` is the engine of the settings.
    """
    settings = settings_or_none()
    chosen = settings is not None and settings.engine.name == "acestep"
    amiss = problem if chosen else hint
    if missing := list(lacking(installed)):
        mend = pip('install "punchin[acestep]"')
        return [amiss("acestep", f"{', '.join(missing)}; only the model engine needs it", mend)]
    if settings is None:
        return []
    model = str(settings.engine.model) if chosen and settings.engine.model else None
    asked = _ASK.format(model=model, told=told_to_engines(settings))
    outcome = run_python(asked, _ASK_S, runner)
    if outcome.code != 0:
        mend = pip('install --upgrade --force-reinstall "punchin[acestep]"')
        return [amiss("acestep", f"it can't be imported: {outcome.last}", mend)]
    told = json.loads(outcome.out.splitlines()[-1])
    if told["trouble"]:
        text, _, mend = told["trouble"].rpartition(": ")
        return [amiss("acestep", text, mend)]
    names = ", ".join([*told["checkpoints"], *told["beside"]])
    return [ok("acestep", f"{names}; {told['placement']}")]
