"""The packages that the model engine needs, and what to say when one of them is missing.

Nothing is imported to find out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import metadata

from bridge.protocol.errors import error

INSTALL = "pip install 'punchin[acestep]'"
# The oldest versions that have what is used; they are the extra's in pyproject.toml.
NEEDED = {
    "torch": (2, 6),
    "diffusers": (0, 42),
    "transformers": (5, 0),
    "safetensors": (0, 8),
}


def version_of(package: str) -> str | None:
    """Return an installed package's version, None when it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def lacking(installed: Callable[[str], str | None] = version_of) -> Iterator[str]:
    """Yield in words each package that is missing or too old."""
    for package, least in NEEDED.items():
        version = installed(package)
        if version is None:
            yield f"{package} is not installed"
        elif tuple(map(int, re.findall(r"\d+", version)[:2])) < least:
            yield f"{package} {version} is older than {'.'.join(map(str, least))}"


def check(installed: Callable[[str], str | None] = version_of) -> None:
    """Raise 300 if a package is missing or too old."""
    for what in lacking(installed):
        raise error(300, f"acestep can't run: {what}: {INSTALL}")
