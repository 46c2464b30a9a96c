"""Which MIDI message starts which action. Plain data; `surface` makes Live's elements of it.

By default notes 36 to 46 on channel 16; `installed.json` may say otherwise:
`"buttons": {"channel": 1-16, "kind": "note" or "cc", "first": 0-117}`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

CHANNEL, FIRST = 16, 36
ACTIONS = (
    "go",
    "repaint",
    "extend",
    "bgm",
    "cover",
    "retake",
    "layer",
    "stems",
    "generate",
    "cancel",
    "status",
)


class Button(NamedTuple):
    """A MIDI message (`channel` from 0) and its action."""

    action: str
    is_cc: bool
    channel: int
    number: int


def layout(installed: dict[str, Any]) -> list[Button]:
    """Return the buttons; what is missing or out of range in the settings is the default."""
    told = installed.get("buttons")
    told = told if isinstance(told, dict) else {}
    channel = _whole(told.get("channel"), 1, 16, CHANNEL)
    first = _whole(told.get("first"), 0, 128 - len(ACTIONS), FIRST)
    is_cc = told.get("kind") == "cc"
    return [Button(a, is_cc, channel - 1, first + i) for i, a in enumerate(ACTIONS)]


def _whole(value: Any, least: int, most: int, default: int) -> int:
    return value if isinstance(value, int) and least <= value <= most else default
