"""GPU, audio and MIDI of this machine; everything here is optional."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable

from bridge.midi import map_file
from bridge.midi.map_notes import notes
from bridge.protocol.errors import PunchinError
from daemon.cli.doctor.finding import Finding, Run, hint, ok, problem, run, run_python
from daemon.cli.doctor.house import settings_or_none
from daemon.cli.doctor.packages import VersionOf, pip, version_of

_S = 20.0
_GPU = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
_AUDIO = """
import sounddevice
print(sum(d["max_output_channels"] > 0 for d in sounddevice.query_devices()))
"""
_MIDI = """
from bridge.midi.backends import listing
found, problems = listing()
print(*(sum(p.direction == d for p in found) for d in ("in", "out")), len(problems))
print(*problems, sep="\\n")
"""


def gpu(which: Callable[[str], str | None] = shutil.which, runner: Run = run) -> list[Finding]:
    """Look for a GPU that a model engine could use."""
    tool = which("nvidia-smi")
    if tool:
        outcome = runner([tool, *_GPU], _S)
        if outcome.code == 0 and outcome.out.strip():
            return [ok("GPU", line.strip()) for line in outcome.out.strip().splitlines()]
        text = f"nvidia-smi fails: {outcome.last}"
        return [hint("GPU", text, "install the NVIDIA driver again and restart")]
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return [ok("GPU", "Apple GPU")]
    return [hint("GPU", "none found", "none needed for sketch; model engines are slow without")]


def audio(installed: VersionOf = version_of, runner: Run = run) -> list[Finding]:
    """Look for PortAudio and an output device, which preview needs."""
    if installed("sounddevice") is None:
        mend = pip('install "punchin[live]"')
        return [hint("audio", "sounddevice is not installed; only preview needs it", mend)]
    outcome = run_python(_AUDIO, _S, runner)
    if outcome.code != 0:
        missing = "PortAudio library not found" in outcome.err
        mend = (
            "install PortAudio (Debian: apt install libportaudio2; Fedora: dnf install portaudio)"
        )
        text = "the PortAudio library is missing" if missing else f"PortAudio fails: {outcome.last}"
        return [hint("audio", text, mend if missing else "check the system's sound settings")]
    count = int(outcome.out)
    if not count:
        return [hint("audio", "no output device", "connect one; files need none")]
    return [ok("audio", f"{count} output device{'s' if count > 1 else ''}")]


def midi(installed: VersionOf = version_of, runner: Run = run) -> list[Finding]:
    """Look for a MIDI system, which controllers and clock need."""
    if installed("python-rtmidi") is None:
        mend = pip('install "punchin[live]"')
        return [hint("MIDI", "python-rtmidi is not installed; only controllers need it", mend)]
    outcome = run_python(_MIDI, _S, runner)
    if outcome.code != 0:
        return [hint("MIDI", f"rtmidi fails: {outcome.last}", pip("install -U python-rtmidi"))]
    counts, *problems = outcome.out.splitlines()
    inputs, outputs, _ = counts.split()
    if inputs == outputs == "0" and problems:
        text, _, mend = problems[0].rpartition(": ")
        return [hint("MIDI", text, mend)]
    return [ok("MIDI", f"{inputs} inputs, {outputs} outputs")]


def midi_maps() -> list[Finding]:
    """Check every MIDI map, and that the ones in the settings exist."""
    right = settings_or_none()
    wanted = [n for n in (right.midi.map if right else ()) if n not in map_file.known()]
    found: list[Finding] = []
    for name in [*sorted(map_file.known()), *wanted]:
        try:
            odd = notes([map_file.load(name)])
            found += [hint("MIDI map", note.message, "see docs/midi.md") for note in odd]
        except map_file.MapError as e:
            found += [problem("MIDI map", line, "see docs/midi.md") for line in e.mistakes]
        except PunchinError as e:
            found.append(problem("MIDI map", e.message, "see midi.map in docs/settings.md"))
    return found or [ok("MIDI maps", ", ".join(sorted(map_file.known())))]
