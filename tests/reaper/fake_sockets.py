"""LuaSocket's UDP, as much as Punchin's scripts use, over real sockets of Python."""

from __future__ import annotations

import socket
from typing import Any

# Lua's texts are bytes; they cross into Python as hexadecimal digits.
LIBRARY = """
return function(raw)
  local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
  local function byte(h) return string.char(tonumber(h, 16)) end
  local function bytes(s) return (s:gsub("%x%x", byte)) end
  local Udp = {}
  Udp.__index = Udp
  function Udp:settimeout(seconds) raw.settimeout(self.handle, seconds) return 1 end
  function Udp:setpeername(host, port) return raw.setpeername(self.handle, host, port) end
  function Udp:send(packet) return raw.send(self.handle, hex(packet)) end
  function Udp:receive()
    local got, reason = raw.receive(self.handle)
    if got then return bytes(got) end
    return nil, reason
  end
  function Udp:close() raw.close(self.handle) end
  return {udp = function() return setmetatable({handle = raw.open()}, Udp) end}
end
"""


class Sockets:
    """An installed socket library: `install(world)` makes `require "socket"` find it."""

    def __init__(self) -> None:
        self.open: list[socket.socket] = []
        self.sent = 0
        self.blocking: set[int] = set()
        self.breaches: list[str] = []

    def install(self, world: Any) -> None:
        world.modules["socket"] = self._make

    def close(self) -> None:
        for one in self.open:
            one.close()

    def _make(self, script: Any) -> Any:
        lua = script.state
        raw = lua.table()
        raw["open"], raw["settimeout"], raw["setpeername"] = self._open, self._timeout, self._peer
        raw["send"], raw["receive"], raw["close"] = self._send, self._receive, self._close
        return lua.execute(LIBRARY)(raw)

    def _open(self) -> int:
        self.open.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.blocking.add(len(self.open) - 1)
        return len(self.open) - 1

    def _timeout(self, handle: int, seconds: float) -> None:
        self.open[handle].setblocking(False)
        if seconds == 0:
            self.blocking.discard(handle)

    def _peer(self, handle: int, host: str, port: int) -> int:
        self.open[handle].connect((host, int(port)))
        return 1

    def _send(self, handle: int, data: str) -> Any:
        self._never_waits(handle)
        self.sent += 1
        try:
            return self.open[handle].send(bytes.fromhex(data))
        except OSError:
            return None, "refused"

    def _receive(self, handle: int) -> Any:
        self._never_waits(handle)
        try:
            return self.open[handle].recv(65_536).hex()
        except BlockingIOError:
            return None, "timeout"
        except OSError:
            return None, "refused"

    def _never_waits(self, handle: int) -> None:
        if handle in self.blocking:
            self.breaches.append("a socket without settimeout(0) would stop REAPER's window")

    def _close(self, handle: int) -> None:
        self.open[handle].close()
