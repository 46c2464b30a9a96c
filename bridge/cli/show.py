"""What commands print: plain lines for people, one JSON object for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bridge.client.values import File
from bridge.protocol.errors import PunchinError


def dump(value: Any) -> None:
    """Print JSON on one line of standard output."""
    print(json.dumps(value, default=str), flush=True)


def complain(text: str) -> None:
    """Print a line to standard error."""
    print(f"punchin: {text}", file=sys.stderr, flush=True)


def failure(reason: Exception) -> dict[str, Any]:
    """Return an error as scripts get it; code 0 where no daemon was reached."""
    if isinstance(reason, PunchinError):
        return dict(reason.as_dict())
    return {"code": 0, "name": "no-daemon", "message": str(reason)}


def failure_line(reason: Exception) -> str:
    """Return an error for people."""
    if isinstance(reason, PunchinError):
        return f"error {reason.code} {reason.name}: {reason.message}"
    return str(reason)


def files(found: Iterable[File]) -> None:
    """Print results, `role take path` a line."""
    for file in found:
        print(file.role, file.take, file.path, flush=True)


def facts(value: Any) -> None:
    """Print an object as `name  value` lines, nested names joined by dots."""
    rows = list(flat(value))
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        print(f"{name:<{width}}  {text}".rstrip())


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a JSON value with their dotted names."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(v, Mapping) for v in value):
        for i, inner in enumerate(value):
            yield from flat(inner, f"{name}.{i}" if name else str(i))
    else:
        yield name, word(value)


def word(value: Any) -> str:
    """Return a leaf for people."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(map(word, value)) if isinstance(value, list) else str(value)


def job_row(job: Mapping[str, Any]) -> str:
    """Return one job of a list as a line."""
    share = f"{100 * (job.get('fraction') or 0):3.0f}%"
    words = (job.get("id"), job.get("op"), job.get("state"), share, job.get("tag"))
    return "  ".join(w for w in words if w)
