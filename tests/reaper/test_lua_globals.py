"""No script makes a global by accident, or reads one that nobody has; no luac is needed."""

from __future__ import annotations

import pytest
from desk import SCRIPTS
from lua_bytecode import globals_of

# What Lua itself has in 5.3 and 5.4, as far as it does not wait or end REAPER, and REAPER's table.
KNOWN = {
    "assert", "debug", "error", "getmetatable", "io", "ipairs", "loadfile", "math", "next", "os",
    "package", "pairs", "pcall", "reaper", "require", "select", "setmetatable", "string", "table",
    "tonumber", "tostring", "type", "utf8",
}  # fmt: skip
FILES = sorted(SCRIPTS.rglob("*.lua"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_globals(path):
    found = globals_of(path.read_bytes())
    assert not found.written
    assert set(found.read) <= KNOWN


def test_the_check_sees_globals():
    source = b"local a = print\nlocal function f() b = a end\nfunction c() return math.pi, f end\n"
    found = globals_of(source)
    assert found.written == {"b": 2, "c": 3}
    assert found.read == {"print": 1, "math": 3}
    with pytest.raises(ValueError, match="near"):
        globals_of(b"local local")
