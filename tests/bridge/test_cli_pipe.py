"""A reader that goes away (`punchin --help | head -1`) is no reason to complain."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["describe", "--help"]])
def test_a_closed_pipe_is_met_in_silence(command):
    run = subprocess.Popen(
        [sys.executable, "-m", "bridge.entry", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    run.stdout.close()
    assert run.stderr.read() == b""
    run.stderr.close()
    assert run.wait() in (0, 1)
