"""Python, the libraries that Punchin needs, and the package called `daemon`."""

from __future__ import annotations

import platform
import re
import sys
import tomllib
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from bridge.entry import wrong_daemon
from daemon.cli.doctor.finding import Finding, ok, problem

OLDEST = (3, 11)
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(?:>=\s*([0-9.]+))?")
VersionOf = Callable[[str], str | None]


def version_of(package: str) -> str | None:
    """Return an installed distribution's version, None when it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version: `2.4.0rc1+cu126` is (2, 4, 0)."""
    numbers = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()


def pip(words: str) -> str:
    """Return a pip command for this Python."""
    return f"{sys.executable} -m pip {words}"


def python(version: tuple[int, ...] = sys.version_info[:3]) -> list[Finding]:
    """Check the version of Python."""
    text = f"{'.'.join(map(str, version))}, {platform.platform(terse=True)}, {sys.executable}"
    if version >= OLDEST:
        return [ok("Python", text)]
    needs = ".".join(map(str, OLDEST))
    return [problem("Python", text, f"install Python {needs} or later and Punchin into it")]


def requirements() -> list[str]:
    """Return what the installed package requires, or the checkout that this runs from."""
    try:
        return metadata.requires("punchin") or []
    except metadata.PackageNotFoundError:
        project = Path(__file__).parents[3] / "pyproject.toml"
        return list(tomllib.loads(project.read_text("utf-8"))["project"]["dependencies"])


def libraries(
    required: Iterable[str] | None = None, installed: VersionOf = version_of
) -> list[Finding]:
    """Check every required library's version."""
    right, wrong = [], []
    for line in requirements() if required is None else required:
        match = _REQUIREMENT.match(line)
        if not match or ";" in line:
            continue
        name, least = match[1], match[2] or "0"
        version = installed(name)
        if version is None:
            wrong.append(problem(name, "is missing", pip(f'install "{name}>={least}"')))
        elif release(version) < release(least):
            mend = pip(f'install --upgrade "{name}>={least}"')
            wrong.append(problem(name, f"{version} is too old, {least} is needed", mend))
        else:
            right.append(f"{name} {version}")
    return [*([ok("libraries", ", ".join(right))] if right else []), *wrong]


def daemon_package(
    trouble: Callable[[], str] = wrong_daemon, installed: VersionOf = version_of
) -> list[Finding]:
    """Check that `import daemon` finds Punchin's package, and keeps finding it."""
    if found := trouble():
        text, _, mend = found.partition("mend it:")
        return [problem("daemon", " ".join(text.split()), " ".join(mend.split()))]
    if installed("python-daemon"):
        return [
            problem(
                "daemon",
                "python-daemon is installed in the same Python and overwrites Punchin's files",
                f"{pip('uninstall python-daemon')}, then "
                f"{pip('install --force-reinstall --no-deps punchin')}",
            )
        ]
    return [ok("daemon", str(Path(__file__).parents[2]))]
