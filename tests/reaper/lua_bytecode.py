"""Which globals a Lua file reads and sets, told from its bytecode (Lua 5.3's own compiler).

In Lua 5.2 and newer a global `x` is the field `x` of the upvalue `_ENV`: two instructions do that.
The format is that of `ldump.c` and `lopcodes.h` of Lua 5.3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from lupa.lua53 import LuaRuntime

GETTABUP, SETTABUP = 6, 8
HEADER = 4 + 1 + 1 + 6 + 5 + 8 + 8  # mark, version, format, data, sizes, an integer, a number
CONSTANT = 0x100  # of a 9-bit operand: not a register but a constant


@dataclass
class Globals:
    """Names with the line that uses them."""

    read: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)


class _Dump:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, HEADER + 1

    def take(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return value

    def text(self) -> str | None:
        size = self.take("B")
        if size == 0xFF:
            size = self.take("Q")
        if size == 0:
            return None
        self.at += size - 1
        return self.data[self.at - size + 1 : self.at].decode("utf-8", "replace")

    def constant(self) -> str | None:
        """Return a text constant; others are passed over."""
        kind = self.take("B")
        if kind in (4, 0x14):
            return self.text()
        self.at += {0: 0, 1: 1, 3: 8, 0x13: 8}[kind]
        return None

    def function(self, found: Globals) -> None:
        self.text()
        self.at += 4 + 4 + 1 + 1 + 1
        code = [self.take("I") for _ in range(self.take("i"))]
        constants = [self.constant() for _ in range(self.take("i"))]
        names = self.take("i")
        self.at += 2 * names
        for _ in range(self.take("i")):
            self.function(found)
        lines = [self.take("i") for _ in range(self.take("i"))]
        for _ in range(self.take("i")):
            self.text()
            self.at += 8
        upvalues = [self.text() for _ in range(self.take("i"))]
        for instruction, line in zip(code, lines, strict=True):
            _note(instruction, line, constants, upvalues, found)


def _note(
    instruction: int,
    line: int,
    constants: list[str | None],
    upvalues: list[str | None],
    found: Globals,
) -> None:
    op, a = instruction & 0x3F, instruction >> 6 & 0xFF
    c, b = instruction >> 14 & 0x1FF, instruction >> 23
    if op not in (GETTABUP, SETTABUP) or upvalues[b if op == GETTABUP else a] != "_ENV":
        return
    key = c if op == GETTABUP else b
    name = constants[key & 0xFF] if key & CONSTANT else None
    into = found.read if op == GETTABUP else found.written
    into.setdefault(name or "?", line)


def globals_of(source: bytes) -> Globals:
    """Return the globals of a Lua file's text. Raises ValueError for one that is not Lua."""
    lua = LuaRuntime(encoding=None)
    made = lua.eval(b"""function(text)
        local f, wrong = load(text, "=it", "t")
        return f and string.dump(f), wrong
    end""")(source)
    data, wrong = made if isinstance(made, tuple) else (made, None)
    if data is None:
        raise ValueError(str(wrong))
    found = Globals()
    _Dump(data).function(found)
    return found
