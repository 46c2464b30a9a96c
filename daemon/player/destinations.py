"""Where ReaStream packets go, as the settings write it: `[what=][identifier@]host[:port]`.

`127.0.0.1` alone means the mix, to a ReaStream plug-in called `default` on this machine. `what` is
`mix`, a stem's name, or `*` for one stream that carries every pair, the mix first. Standard library
only: the control plane checks the setting with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PORT = 58710
LONGEST_IDENTIFIER = 31
EXPECTED = "[what=][identifier@]host[:port], as in 127.0.0.1 or vocals=vox@192.168.1.5:58710"
_FORM = re.compile(
    r"(?:(?P<pair>[^=@]+)=)?(?:(?P<identifier>[^=@]*)@)?(?P<host>[^:@=\s]+)(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True)
class Destination:
    """One ReaStream plug-in. `identifier`: at most 31 bytes of ASCII, as the plug-in shows it."""

    pair: str = "mix"
    identifier: str = "default"
    host: str = "127.0.0.1"
    port: int = PORT

    @classmethod
    def parse(cls, text: str) -> Destination:
        """Return the destination that a setting names. Raises ValueError with what is expected."""
        found = _FORM.fullmatch(text.strip())
        if not found:
            raise ValueError(EXPECTED)
        pair, identifier = (found["pair"] or "mix").strip(), found["identifier"]
        identifier = "default" if identifier is None else identifier.strip()
        port = int(found["port"] or PORT)
        if not identifier.isascii() or not identifier.isprintable() or not identifier:
            raise ValueError("an identifier in plain letters, as ReaStream shows it")
        if len(identifier) > LONGEST_IDENTIFIER:
            raise ValueError(f"an identifier of at most {LONGEST_IDENTIFIER} characters")
        if not 1 <= port <= 65535:
            raise ValueError("a port from 1 to 65535")
        if not pair:
            raise ValueError(EXPECTED)
        return cls(pair, identifier, found["host"], port)

    @staticmethod
    def pairs(destinations: Iterable[Destination], others: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the pairs that an output for `destinations` needs, the mix first.

        `others` are the pairs that `*` carries besides those that are named.
        """
        named = [d.pair for d in destinations]
        extra = others if "*" in named else ()
        return tuple(dict.fromkeys(("mix", *(n for n in named if n != "*"), *extra)))

    def __str__(self) -> str:
        return f"{self.pair}={self.identifier}@{self.host}:{self.port}"
