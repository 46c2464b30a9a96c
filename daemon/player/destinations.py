"""Where live sound goes, as the settings write it.

ReaStream packets: `[what=][identifier@]host[:port]`.
`127.0.0.1` alone means the mix, to a ReaStream plug-in called `default` on this machine. `what` is
`mix`, a stem's name, or `*` for one stream that carries every pair, the mix first.

JACK ports: `[pair=]ports`, `pair` a stereo pair's name or `*` for any, `ports` a shell pattern of
input ports in which `{pair}` stands for the pair's name. The first port that matches gets the left,
the second the right channel; one port alone gets both.

Standard library only: the control plane checks the settings with it.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class Rule:
    """Connects the pairs called `pair` to the input ports that `ports` matches."""

    pair: str
    ports: str

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Return the rule of `pair=ports`, `ports` alone meaning `mix`. Raises ValueError."""
        pair, equals, ports = text.partition("=")
        found = cls(pair.strip(), ports.strip()) if equals else cls("mix", text.strip())
        if not found.pair or ":" not in found.ports:
            raise ValueError("pair=client:port, as in mix=system:playback_*")
        return found

    def targets(self, pair: str, inputs: Sequence[str]) -> list[tuple[int, str]]:
        """Return `(channel 0 or 1, port)` for each connection of `pair` among `inputs`."""
        if self.pair not in ("*", pair):
            return []
        wanted = self.ports.replace("{pair}", pair)
        found = [name for name in inputs if fnmatch.fnmatchcase(name, wanted)][:2]
        return [(0, found[0]), (1, found[-1])] if found else []
