"""Starts the daemon at login: a systemd user unit, a LaunchAgent, or a scheduled task.

`plan` is pure: it says which file with which content and which commands; `install` and `remove`
carry a plan out. Nothing needs administrator rights.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.install import texts

Command = tuple[str, ...]
Run = Callable[[Command], str]


@dataclass(frozen=True)
class Place:
    """What a plan depends on.

    `user_home` is the home folder, `config` and `home` are Punchin's folders, `command` runs the
    daemon in the foreground, `environment` are the variables that it needs, `user` is the login
    name (Windows) or number (macOS), `busy` says that a daemon runs already.
    """

    user_home: Path
    config: Path
    home: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    user: str = ""
    busy: bool = False


@dataclass(frozen=True)
class Plan:
    """One file, and the commands that switch it on and off.

    `before_removal` run while the file is there, `after_removal` once it is gone.
    """

    path: Path
    content: bytes
    enable: tuple[Command, ...]
    before_removal: tuple[Command, ...]
    after_removal: tuple[Command, ...] = ()


def plan(system: str, place: Place) -> Plan:
    """Return the plan for `linux`, `darwin` or `win32` (`sys.platform`)."""
    if system == "darwin":
        return _mac(place)
    if system == "win32":
        return _windows(place)
    return _linux(place)


def _linux(place: Place) -> Plan:
    unit = "punchin.service"
    systemctl = ("systemctl", "--user")
    # A second daemon on the same home refuses to start, so a running one is left alone.
    now = () if place.busy else ("--now",)
    return Plan(
        place.config.parent / "systemd" / "user" / unit,
        texts.unit(place.command, place.environment).encode("utf-8"),
        ((*systemctl, "daemon-reload"), (*systemctl, "enable", *now, unit)),
        ((*systemctl, "disable", "--now", unit),),
        ((*systemctl, "daemon-reload"),),
    )


def _mac(place: Place) -> Plan:
    path = place.user_home / "Library" / "LaunchAgents" / f"{texts.LABEL}.plist"
    domain = f"gui/{place.user}"
    load: tuple[Command, ...] = (("launchctl", "bootstrap", domain, str(path)),)
    return Plan(
        path,
        texts.agent(place.command, place.environment, place.home / "logs" / "daemon.log"),
        () if place.busy else load,
        (("launchctl", "bootout", f"{domain}/{texts.LABEL}"),),
    )


def _windows(place: Place) -> Plan:
    path = place.config / "punchin-task.xml"
    task = ("/TN", "Punchin")
    start: tuple[Command, ...] = () if place.busy else (("schtasks", "/Run", *task),)
    return Plan(
        path,
        texts.task(place.command, place.user, place.home).encode("utf-16"),
        (("schtasks", "/Create", *task, "/XML", str(path), "/F"), *start),
        (("schtasks", "/End", *task), ("schtasks", "/Delete", *task, "/F")),
    )


def run(command: Command) -> str:
    """Run one command; return what went wrong, an empty text when nothing did."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return f"{command[0]} is not on this machine"
    except (OSError, subprocess.SubprocessError) as e:
        return str(e)
    return "" if done.returncode == 0 else " ".join((done.stderr or done.stdout).split())


def install(made: Plan, run_: Run = run) -> list[str]:
    """Write the file and switch it on; return what was done, a sentence a line.

    Where the system's own tool is missing the file stays, and a sentence says so. Raises OSError.
    """
    made.path.parent.mkdir(parents=True, exist_ok=True)
    made.path.write_bytes(made.content)
    told = [f"wrote {made.path}"]
    for i, command in enumerate(made.enable):
        if trouble := run_(command):
            told.append(f"could not switch it on ({trouble})")
            told += [f"do it later with: {_shown(c)}" for c in made.enable[i:]]
            break
        told.append(f"ran {_shown(command)}")
    return [*told, "undo it with: punchin install service --remove"]


def remove(made: Plan, run_: Run = run) -> list[str]:
    """Switch it off and delete the file; return what was done, a sentence a line."""
    if not made.path.exists():
        return [f"nothing to remove: there is no {made.path}"]
    told = [_removal(command, run_(command)) for command in made.before_removal]
    with contextlib.suppress(FileNotFoundError):
        made.path.unlink()
    told.append(f"removed {made.path}")
    return told + [_removal(command, run_(command)) for command in made.after_removal]


def rehearse(made: Plan, away: bool) -> list[str]:
    """Return what `install` or `remove` would do."""
    if away:
        before = [f"would run {_shown(c)}" for c in made.before_removal]
        after = [f"would run {_shown(c)}" for c in made.after_removal]
        return [*before, f"would remove {made.path}", *after]
    content = made.content.decode("utf-16" if made.path.suffix == ".xml" else "utf-8")
    head = [f"would write {made.path}:", *(f"  {line}" for line in content.splitlines())]
    return head + [f"would run {_shown(c)}" for c in made.enable]


def _removal(command: Command, trouble: str) -> str:
    return f"{_shown(command)}: {trouble}" if trouble else f"ran {_shown(command)}"


def _shown(command: Command) -> str:
    if sys.platform == "win32":
        return subprocess.list2cmdline(command)
    import shlex

    return shlex.join(command)
