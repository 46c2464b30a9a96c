"""The doctor: engines, torch and devices; programs that misbehave; the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import doctor
from daemon.cli.doctor import acestep, devices, engines
from daemon.cli.doctor.finding import Finding, Level, Outcome, hint, ok, problem, run, run_python


def versions(**known: str) -> Callable[[str], str | None]:
    return lambda name: known.get(name.replace("-", "_"))


def says(code: int | None = 0, out: str = "", err: str = "") -> Callable[..., Outcome]:
    return lambda command, timeout_s: Outcome(code, out, err)


def levels(findings: Sequence[Finding]) -> list[str]:
    return [str(f.level) for f in findings]


def only(findings: Sequence[Finding]) -> Finding:
    (finding,) = findings
    return finding


# -- engines and torch ---------------------------------------------------------------------------


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "punchin.engines")


def test_engines() -> None:
    good = says(out='["1.0", ["bgm", "repaint"]]\n')
    found = engines.engines([point("sketch", "a:B")], good)
    assert [(f.level, f.topic, f.text) for f in found] == [
        (Level.OK, "engine sketch", "1.0: bgm, repaint")
    ]


def test_the_setting_names_an_engine_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUNCHIN_ENGINE_NAME", "skech")
    _, wrong = engines.engines([point("sketch", "a:B")], says(out='["1", []]'))
    assert wrong.level is Level.PROBLEM
    assert "skech" in wrong.text
    assert "sketch" in wrong.mend


def test_a_broken_engine_is_told_from_a_real_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "stranger-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[punchin.engines]\nodd = no_such_module:Engine\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    wrong = engines.engines([point("odd", "no_such_module:Engine")])[0]
    assert (wrong.level, wrong.topic) == (Level.PROBLEM, "engine odd")
    assert "No module named 'no_such_module'" in wrong.text


TORCH = json.dumps([["NVIDIA H200"], False])


@pytest.mark.parametrize(
    ("torch", "audio", "level"),
    [
        ("2.11.0", "2.11.0", "ok"),
        ("2.11.0+cpu", "2.11.0+cpu", "ok"),
        ("2.11.1", "2.11.0", "ok"),
        ("2.13.0", "2.11.0", "problem"),
        ("2.11.0+cpu", "2.11.0", "problem"),
    ],
)
def test_torch_and_torchaudio(torch: str, audio: str, level: str) -> None:
    found = engines.torch(versions(torch=torch, torchaudio=audio), says(out=TORCH))
    assert levels(found) == ["ok", level]
    assert "NVIDIA H200" in found[0].text
    assert level == "ok" or "uninstall torchaudio" in found[1].mend


def test_torch_alone_missing_and_broken() -> None:
    assert levels(engines.torch(versions(), says())) == ["hint"]
    cpu = only(engines.torch(versions(torch="2.13.0"), says(out="[[], false]")))
    assert cpu.text == "2.13.0, CPU only"
    mps = only(engines.torch(versions(torch="2.13.0"), says(out="[[], true]")))
    assert "Apple GPU" in mps.text
    broken = only(engines.torch(versions(torch="2.13.0"), says(1, err="a\nOSError: libc10.so\n")))
    assert broken.level is Level.PROBLEM
    assert "OSError: libc10.so" in broken.text


def test_a_torchaudio_that_matches_and_still_fails() -> None:
    def runner(command: Sequence[str], timeout_s: float) -> Outcome:
        broken = "torchaudio" in command[-1]
        return Outcome(int(broken), "" if broken else TORCH, "OSError: libc10_cuda.so")

    found = engines.torch(versions(torch="2.11.0", torchaudio="2.11.0"), runner)
    assert levels(found) == ["ok", "problem"]


# -- devices -------------------------------------------------------------------------------------


def test_gpu() -> None:
    out = "NVIDIA H200, 143771 MiB, 570.1\nNVIDIA H200, 143771 MiB, 570.1\n"
    assert levels(devices.gpu(lambda _: "/bin/nvidia-smi", says(out=out))) == ["ok", "ok"]
    failed = devices.gpu(lambda _: "/bin/nvidia-smi", says(9, err="no driver"))
    assert only(failed).text == "nvidia-smi fails: no driver"
    assert only(failed).level is Level.HINT


def test_audio() -> None:
    here = versions(sounddevice="0.5")
    assert only(devices.audio(versions(), says())).level is Level.HINT
    assert only(devices.audio(here, says(out="1\n"))).text == "1 output device"
    assert only(devices.audio(here, says(out="3\n"))).text == "3 output devices"
    assert only(devices.audio(here, says(out="0\n"))).level is Level.HINT
    missing = only(devices.audio(here, says(1, err="OSError: PortAudio library not found")))
    assert "libportaudio2" in missing.mend
    assert only(devices.audio(here, says(None, err="no answer"))).level is Level.HINT


def test_midi() -> None:
    here = versions(python_rtmidi="1.5.8")
    assert only(devices.midi(versions(), says())).level is Level.HINT
    assert only(devices.midi(here, says(out="2 3 0\n\n"))).text == "2 inputs, 3 outputs"
    assert only(devices.midi(here, says(out="1 1 1\nno alsa: mend\n"))).level is Level.OK
    none = only(devices.midi(here, says(out="0 0 1\nalsa can't be used: load it\n")))
    assert (none.level, none.text, none.mend) == (Level.HINT, "alsa can't be used", "load it")
    assert only(devices.midi(here, says(1, err="ImportError: x"))).text.endswith("ImportError: x")


def test_midi_maps(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path))
    assert "pads-16" in only(devices.midi_maps()).text
    monkeypatch.setenv("PUNCHIN_MIDI_MAP", "pads,padz")
    assert "no MIDI map 'padz'" in only(devices.midi_maps()).text
    folder = tmp_path / "presets" / "midi"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('[[control]]\nname = "x"\nnote = 400\n')
    wrong = devices.midi_maps()
    assert levels(wrong) == ["problem", "problem"]
    assert "mine.toml, line 1: control 1 (x): note is a whole number" in wrong[0].text


# -- processes and the report --------------------------------------------------------------------


def test_programs_that_hang_crash_or_are_missing() -> None:
    assert run_python("print('hi')", 20).out == "hi\n"
    assert run_python("import os; os.abort()", 20).code not in (0, None)
    assert run_python("import time; time.sleep(60)", 0.2).code is None
    assert run(["no-such-program-anywhere"], 5).code is None
    assert "ZeroDivisionError" in run_python("1/0", 20).last


def fine() -> list[Finding]:
    return [ok("Python", "3.11"), hint("GPU", "none", "none needed")]


def bad() -> list[Finding]:
    return [problem("home", "not writable [x]", "make it so")]


def failing() -> list[Finding]:
    raise RuntimeError("oops")


def test_the_report_for_people(capsys: Any) -> None:
    assert doctor.main([], [fine]) == 0
    assert "no problems" in capsys.readouterr().out
    assert doctor.main([], [fine, bad]) == 1
    out = capsys.readouterr().out
    assert "not writable [x]" in out
    assert "→ make it so" in out
    assert "1 problem\n" in out


def test_the_report_for_programs(capsys: Any) -> None:
    assert doctor.main(["--json"], [fine, bad, failing]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["problems"] == 2
    assert told["findings"][0] == {"level": "ok", "topic": "Python", "text": "3.11", "mend": ""}
    assert "oops" in told["findings"][3]["text"]


def test_every_check_runs_here_without_failing_itself() -> None:
    slow = (engines.torch, acestep.acestep)  # torch's import takes seconds
    for check in (c for c in doctor.CHECKS if c not in slow):
        for finding in check():
            assert finding.text
            assert bool(finding.mend) == (finding.level is not Level.OK)
