"""The installed engines, and torch for those that need it; nothing is imported in this process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import EntryPoint

from daemon.cli.doctor.finding import Finding, Run, hint, ok, problem, run, run_python
from daemon.cli.doctor.house import settings_or_none
from daemon.cli.doctor.packages import VersionOf, pip, release, version_of
from daemon.engines.registry import doors

_ENGINE_S = 60.0
_TORCH_S = 120.0
_LOAD = """
import json
from daemon.engines.registry import make
facts = make({name!r}).capabilities().as_dict()
print(json.dumps([facts["version"], facts["ops"]]))
"""
_TORCH = """
import json, torch
cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
mps = bool(getattr(torch.backends, "mps", None) and torch.backends.mps.is_available())
print(json.dumps([cuda, mps]))
"""


def engines(points: Sequence[EntryPoint] | None = None, runner: Run = run) -> list[Finding]:
    """Check that each engine's class can be loaded and says what it can do."""
    found = list(doors().values()) if points is None else points
    right = settings_or_none()
    findings = [_engine(point, runner) for point in found]
    if right and right.engine.name not in {p.name for p in found}:
        names = ", ".join(p.name for p in found)
        text = f"the setting engine.name is {right.engine.name}, which is not installed"
        findings.append(problem("engines", text, f"use one of {names}, or install the engine"))
    return findings


def _engine(point: EntryPoint, runner: Run) -> Finding:
    topic = f"engine {point.name}"
    outcome = run_python(_LOAD.format(name=point.name), _ENGINE_S, runner)
    if outcome.code != 0:
        text = f"{point.value} can't be loaded: {outcome.last}"
        package = point.dist.name if point.dist else "its package"
        return problem(topic, text, f"install {package} again, or remove it")
    version, ops = json.loads(outcome.out.splitlines()[-1])
    return ok(topic, f"{version}: {', '.join(ops)}")


def torch(installed: VersionOf = version_of, runner: Run = run) -> list[Finding]:
    """Check torch, and that torchaudio, if it is there, belongs to it."""
    version, audio = installed("torch"), installed("torchaudio")
    if version is None:
        mend = pip('install "punchin[acestep]"')
        return [hint("torch", "not installed; only model engines need it", mend)]
    outcome = run_python(_TORCH, _TORCH_S, runner)
    if outcome.code != 0:
        mend = pip("install --force-reinstall torch")
        return [problem("torch", f"{version} can't be imported: {outcome.last}", mend)]
    cuda, mps = json.loads(outcome.out.splitlines()[-1])
    device = ", ".join(cuda) or ("Apple GPU" if mps else "CPU only")
    return [ok("torch", f"{version}, {device}"), *_torchaudio(version, audio, runner)]


def _torchaudio(torch_: str, audio: str | None, runner: Run) -> list[Finding]:
    if audio is None:
        return []
    mend = f"{pip('uninstall torchaudio')} (Punchin does not need it)"
    if release(torch_)[:2] != release(audio)[:2] or _build(torch_) != _build(audio):
        text = f"{audio} does not match torch {torch_}; its import breaks other libraries"
        return [problem("torchaudio", text, mend)]
    outcome = run_python("import torchaudio", _TORCH_S, runner)
    if outcome.code != 0:
        return [problem("torchaudio", f"{audio} can't be imported: {outcome.last}", mend)]
    return [ok("torchaudio", audio)]


def _build(version: str) -> str:
    """Return the build of a torch version, `cu126`; wheels from PyPI do not tell theirs."""
    return version.partition("+")[2]
