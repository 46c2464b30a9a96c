"""Which Punchin this is."""

from __future__ import annotations

from pathlib import Path


def version() -> str:
    """Return this Punchin's version, also from a checkout that is not installed."""
    from importlib import metadata

    try:
        return metadata.version("punchin")
    except metadata.PackageNotFoundError:
        import tomllib

        text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8")
        return str(tomllib.loads(text)["project"]["version"])
