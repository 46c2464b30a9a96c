"""The header of a ReaPack package: tags in the comment lines at the top of a file.

A tag is `@name value` or `name: value` after any prefix (`-- `). The header ends at the first empty
line. A value goes on in lines with the same prefix and at least one blank of indentation more.
A tag without a value is true. Rules as reapack-index's parser (the Ruby gem metaheader) has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Value = str | bool

_TAG = re.compile(r"(?P<prefix>.*?)(?:@(?P<at>\w+)|(?P<colon>\w[\w\s]*?)\s*:)(?:\s+(?P<value>.+))?")
_WORDS: Mapping[str, Value] = {"true": True, "false": False}


def read(text: str) -> dict[str, Value]:
    """Return the tags of a file's text; names are in lower case, `_` for what is no letter."""
    tags: dict[str, Value] = {}
    name, prefix = "", ""
    for line in text.splitlines():
        if not line.strip():
            break
        more = _continued(line, prefix) if name else None
        if more is not None:
            tags[name] = _joined(tags[name], more)
        elif found := _TAG.fullmatch(line.rstrip()):
            prefix = found["prefix"]
            name = re.sub(r"\W", "_", (found["at"] or found["colon"]).lower())
            value = found["value"]
            tags[name] = True if value is None else _WORDS.get(value, value)
        else:
            name = ""
    return {k: v.rstrip("\n") if isinstance(v, str) else v for k, v in tags.items()}


def _continued(line: str, prefix: str) -> str | None:
    """Return what a line adds to the value before it, None when it begins something else."""
    if line.rstrip() == prefix.rstrip():
        return ""
    rest = line.removeprefix(prefix)
    return rest.strip() if line.startswith(prefix) and rest[:1].isspace() else None


def _joined(value: Value, more: str) -> str:
    return f"{value}\n{more}" if isinstance(value, str) else more
