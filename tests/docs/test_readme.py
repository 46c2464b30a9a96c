"""The README's commands are run as they stand, in an empty home, against a real daemon.

Only the ports are others: the usual may be taken.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from free_ports import free_port
from patience import PATIENCE_S

from bridge.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
PORT, HEARS = "9140", "9200"  # as the README has them
COMMANDS_S = 5 * PATIENCE_S  # for all of a block
# Blocks that are no commands for this system, or are run by the tests of packaging.
ELSEWHERE = ("make demo", "py -3.11")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment with an empty home, the command `punchin`, and the README's daemon."""
    if sys.platform != "linux":
        pytest.skip("the README's paths are Linux's")
    home = tmp_path_factory.mktemp("home")
    tools = home / "bin"
    tools.mkdir()
    command = tools / "punchin"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bridge "$@"\n')
    command.chmod(0o755)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PUNCHIN", "XDG"))}
    path = f"{tools}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    env |= {"HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT)}
    serve = ["sh", "-c", "exec punchin serve --port 0"]
    daemon = subprocess.Popen(serve, env=env, stdout=subprocess.PIPE, text=True)
    assert daemon.stdout is not None
    ready = re.search(r"ready on 127.0.0.1:(\d+)", daemon.stdout.readline())
    assert ready
    yield {**env, "TOLD_PORT": ready[1], "TOLD_HEARS": str(free_port())}
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(PATIENCE_S) == 0


def block(*words: str) -> str:
    """Return the one block of the README that holds all of `words`."""
    found = [text for _, text in BLOCKS if all(w in text for w in words)]
    assert len(found) == 1, (words, len(found))
    return found[0]


def told_ports(script: str, env: dict[str, str]) -> str:
    return script.replace(PORT, env["TOLD_PORT"]).replace(HEARS, env["TOLD_HEARS"])


def run(script: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", told_ports(script, env)],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMANDS_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def jobs(env: dict[str, str]) -> Path:
    return Path(env["HOME"]) / ".local/share/punchin/jobs"


def finished(job_id: str, env: dict[str, str]) -> dict[str, object]:
    """Wait for a job's end through the command line and return its job.json."""
    script = f'until punchin job {job_id} --json | grep -q \'"state": "done"\'; do :; done'
    run(script, env)
    return json.loads((jobs(env) / job_id / "job.json").read_text("utf-8"))


def test_the_tour(shell: dict[str, str]):
    printed = run(block("punchin generate", "--id first"), shell)
    assert (jobs(shell) / "first" / "mix-1.wav").is_file()
    mixes = [
        line for line in printed.splitlines() if line.startswith("mix") and "first" not in line
    ]
    assert len(mixes) == 3  # the three takes of the repaint


def test_the_commands_named_in_the_text(shell: dict[str, str]):
    for command in ("punchin describe", "punchin presets", "punchin repaint --help"):
        assert f"`{command}" in README
        assert run(command, shell).strip()


def test_any_osc_client(shell: dict[str, str]):
    if not (shutil.which("oscsend") and shutil.which("oscdump")):
        pytest.skip("liblo-tools is not installed: apt install liblo-tools")
    listening = told_ports(block("oscdump").strip(), shell)
    heard = subprocess.Popen(
        ["stdbuf", "-oL", *listening.split()], env=shell, stdout=subprocess.PIPE, text=True
    )
    assert heard.stdout is not None
    try:
        while not select.select([heard.stdout], [], [], 0.1)[0]:  # it is starting
            run(f"oscsend 127.0.0.1 {HEARS} /there", shell)
        run(block("oscsend", "take-1"), shell)
        lines = iter(heard.stdout.readline, "")
        events = list(_until(lines, "/punchin/done"))
    finally:
        heard.kill()
    assert any("/punchin/accepted" in e and "take-1" in e for e in events)
    assert any("/punchin/file" in e and "mix-1.wav" in e for e in events)


def test_the_mailbox(shell: dict[str, str]):
    script = block("inbox/ask.tmp")
    sending, looking = script.rsplit("cat ", 1)
    run(sending, shell)
    assert finished("from-a-file", shell)["op"] == "generate"
    shown = run(script.splitlines()[0] + "\ncat " + looking, shell)
    assert "/punchin/accepted" in shown


def test_python(shell: dict[str, str], tmp_path: Path):
    script = {lang: text for lang, text in BLOCKS if lang == "python"}["python"]
    vocal = tmp_path / "vocal.flac"
    shutil.copy(ROOT / "presets/clips/sung_ode.flac", vocal)
    done = subprocess.run(
        [sys.executable, "-c", script.replace("/music/vocal.wav", str(vocal))],
        env=shell,
        capture_output=True,
        text=True,
        timeout=COMMANDS_S,
    )
    assert done.returncode == 0, done.stderr
    assert "mix 2" in done.stdout


def test_no_block_is_left_out():
    ran = ("punchin serve", "punchin generate", "oscdump", "oscsend", "inbox/ask", "import Client")
    for _, text in BLOCKS:
        assert any(word in text for word in (*ran, *ELSEWHERE)), text


def test_every_command_that_the_readme_names_exists():
    named = set(re.findall(r"`punchin ([a-z]+)", README))
    assert {"capture", "swap", "launch", "devices", "midi"} <= named <= COMMANDS.keys()


def test_every_page_that_the_readme_names_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).is_file(), target


def _until(lines: Iterator[str], word: str) -> Iterator[str]:
    for line in lines:
        yield line
        if word in line:
            return
