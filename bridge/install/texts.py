"""The texts of the three kinds of service: systemd unit, LaunchAgent, scheduled task."""

from __future__ import annotations

import plistlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

LABEL = "punchin.daemon"


def unit(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return a systemd user unit; quoting as in systemd.service(5) and systemd.syntax(7)."""
    program, *args = command
    words = [_quoted(program), *(_quoted(a).replace("$", "$$") for a in args)]
    variables = "".join(f"Environment={_quoted(f'{k}={v}')}\n" for k, v in environment.items())
    return (
        "[Unit]\n"
        "Description=Punchin, re-records selected bars\n"
        "\n"
        "[Service]\n"
        f"ExecStart={' '.join(words)}\n"
        f"{variables}"
        "Restart=on-failure\n"
        "RestartSec=2\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def _quoted(text: str) -> str:
    """Return a text in double quotes; `%` begins a specifier, a backslash an escape."""
    safe = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{safe}"'


def agent(command: Sequence[str], environment: Mapping[str, str], log: Path) -> bytes:
    """Return a LaunchAgent as a property list, see launchd.plist(5)."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "EnvironmentVariables": dict(environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            # Without it macOS slows a background process down while the DAW works.
            "ProcessType": "Interactive",
            "StandardOutPath": str(log),
            "StandardErrorPath": str(log),
        }
    )


def task(command: Sequence[str], user: str, folder: Path) -> str:
    """Return a scheduled task, Task Scheduler schema 1.2, run with the rights of `user`."""
    program, *args = command
    return f"""\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Punchin, re-records selected bars</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger><Enabled>true</Enabled><UserId>{escape(user)}</UserId></LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{escape(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>3</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(program)}</Command>
      <Arguments>{escape(subprocess.list2cmdline(args))}</Arguments>
      <WorkingDirectory>{escape(str(folder))}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
