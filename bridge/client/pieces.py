"""Joins `/punchin/part` messages into the reply that was too long for one datagram."""

from __future__ import annotations

from bridge.client.wire import address_of
from bridge.protocol.packets import Message


class Pieces:
    """Collects pieces by reply name; pieces may come in any order and more than once."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int], dict[int, str]] = {}

    def add(self, name: str, index: int, count: int, text: str) -> Message | None:
        """Take one piece; return address and arguments of the reply once it is whole."""
        texts = self._texts.setdefault((name, count), {})
        texts[index] = text
        if len(texts) < count:
            return None
        del self._texts[name, count]
        return address_of(name), ["".join(texts[i] for i in sorted(texts))]
