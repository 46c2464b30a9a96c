"""Names of clips and scenes as orders: `repaint: darker drums`, `layer bass: deep`, `stems`.

    op [word] [: prompt] [!]

`word` is the instrument for `layer`, the number of bars for `extend` and `generate`, and may be
`before`, `after` or `both` for `extend`. An `!` at the end means: now.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

OPS = ("repaint", "extend", "bgm", "cover", "retake", "edit", "layer", "stems", "generate")
STEMS = (
    *("vocals", "backing_vocals", "drums", "percussion", "bass", "guitar", "keyboard"),
    *("pad", "synth", "strings", "brass", "woodwinds", "fx", "other"),
)
SIDES = ("before", "after", "both")
FORM = re.compile(r"^\s*([a-z]+)((?:\s+[\w.]+)*)\s*(?::\s*(.*?))?\s*(!*)\s*$", re.I | re.S)
MOST_PROMPT = 2000


class Order(NamedTuple):
    """What a name asks for: an op, keys for it, and whether it shall start at once."""

    op: str
    keys: dict[str, Any]
    now: bool


def read(name: str) -> Order | None:
    """Return the order in a name, None where it is an ordinary name."""
    found = FORM.match(name or "")
    op = found[1].lower() if found else ""
    if not found or op not in OPS:
        return None
    keys: dict[str, Any] = {}
    for word in found[2].lower().split():
        told = _key(op, word)
        if told is None:
            return None
        keys.update(told)
    if op == "layer" and "track" not in keys:
        return None
    prompt = (found[3] or "")[:MOST_PROMPT]
    if prompt and op != "stems":
        keys["prompt"] = prompt
    return Order(op, keys, bool(found[4]))


def _key(op: str, word: str) -> dict[str, Any] | None:
    if op == "layer" and word in STEMS:
        return {"track": word}
    if op == "extend" and word in SIDES:
        return {"side": word}
    if op in ("extend", "generate") and re.match(r"^\d+(\.\d+)?$", word) and float(word) > 0:
        return {"bars": float(word)}
    return {} if op in ("extend", "generate") and word in ("bar", "bars") else None
