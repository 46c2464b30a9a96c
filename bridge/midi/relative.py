"""How encoders without end count: the usual codings of a controller value as steps.

The three codings are the ones that controllers and DAWs name two's complement, signed bit and
binary offset.
"""

from __future__ import annotations

from collections.abc import Callable


def twos(value: int) -> int:
    """Return the steps of a two's complement value: 1 is +1, 127 is -1."""
    return value if value < 64 else value - 128


def sign(value: int) -> int:
    """Return the steps of a signed-bit value: 1 is +1, 65 is -1."""
    return value if value < 64 else 64 - value


def offset(value: int) -> int:
    """Return the steps of a binary-offset value: 65 is +1, 63 is -1."""
    return value - 64


STEPS: dict[str, Callable[[int], int]] = {"twos": twos, "sign": sign, "offset": offset}
