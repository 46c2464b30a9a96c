"""A REAPER of its own for scripts: one Lua state a script, a shared project, time that tests drive.

    world = World("lua54", scripts_folder, resource=tmp_path)
    world.run("punchin_Repaint time selection.lua")
    world.tick()          # one turn of the defer loop

Message boxes are answered from `world.answers` (a number for a box, a list or None for a form).
"""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import Any

import fake_api
from fake_model import Project, Thing, new_guid
from fake_strict import Breach, guarded, signatures

TICK_S = 1 / 30


class World:
    """One running REAPER."""

    def __init__(
        self, lua: str, scripts: Path, resource: Path, system: str = "Other", version: str = "7.78"
    ) -> None:
        self.lua_name = lua
        self.lua = importlib.import_module(f"lupa.{lua}")
        self.scripts, self.resource = scripts, resource
        self.system, self.version = system, version
        self.clock_s = 1000.0
        self.projects = [Project()]
        self.current = 0
        self.ext: dict[tuple[str, str], str] = {}
        self.kept: set[tuple[str, str]] = set()
        self.boxes: list[tuple[str, str]] = []
        self.forms: list[tuple[str, list[str], list[str]]] = []
        self.answers: list[Any] = []
        self.console: list[str] = []
        self.run_commands: list[tuple[str, int]] = []
        self.on_command: Any = None
        self.breaches: list[str] = []
        self.calls: list[str] = []
        self.accessors: list[Any] = []
        self.asked_frames: list[int] = []  # of accessors, by call
        self.missing: set[str] = set()  # functions that this version does not have
        self.block_depth = 0
        self.block_before: Project | None = None
        self.refresh_depth = 0
        self.changed_outside_block = False
        self.script: Any = None
        self.toggles: dict[int, int] = {}
        self.states: list[Script] = []
        self.made: list[Script] = []  # also those that ended
        self.registered: dict[int, str] = {}
        self.due: list[str] = []  # scripts that scripts started
        self.frozen: set[str] = set()  # names of scripts that get no turn for now
        # Of extensions that a test installs: functions by name, and Lua modules by name (each gets
        # the script and returns what `require` gives).
        self.extensions: dict[str, Any] = {}
        self.modules: dict[str, Any] = {}

    # -- what tests do -------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        return self.projects[self.current]

    def run(self, name: str) -> Script:
        """Start a script as a key press would; it lives on as long as it defers."""
        script = Script(self, self.scripts / name)
        self.made.append(script)
        self.states.append(script)
        script.begin()
        self._settle(script)
        self._start_due()
        return script

    def _start_due(self) -> None:
        due = [path for path in self.due if Path(path).name not in self.frozen]
        self.due = [path for path in self.due if path not in due]
        for path in due:
            self.run(path)

    def tick(self, turns: int = 1) -> None:
        """Let every living script have a turn of its defer loop."""
        for _ in range(turns):
            self.clock_s += TICK_S
            for script in list(self.states):
                if script.path.name in self.frozen:
                    continue
                script.turn()
                self._settle(script)
            self._start_due()

    def undo(self) -> str | None:
        """Undo one step, as Ctrl+Z does; return its name."""
        if not self.project.undo:
            return None
        name, before = self.project.undo.pop()
        self.project.restore(before)
        return name

    def close_project(self) -> None:
        """Close the current tab; another (empty) one is in front then."""
        gone = self.projects.pop(self.current)
        gone.restore(Project())
        gone.free()
        if not self.projects:
            self.projects.append(Project())
        self.current = 0

    def close(self) -> None:
        """End REAPER without asking anyone."""
        for script in self.made:
            script.close()
        self.made.clear()
        self.states.clear()

    def breach(self, why: str) -> Breach:
        self.breaches.append(why)
        return Breach(why)

    # -- inside --------------------------------------------------------------------------------

    def resolve(self, project: Any) -> Project:
        return self.project if project is None or project == 0 else project

    def _settle(self, script: Script) -> None:
        """Hold a script to what must be even at the end of its turn."""
        if self.block_depth or self.refresh_depth:
            depth = (self.block_depth, self.refresh_depth)
            self.block_depth = self.refresh_depth = 0
            raise self.breach(f"{script.path.name} left undo block, UI refresh open: {depth}")
        open_ones = [a for a in self.accessors if a.alive and a.script is script]
        if not script.deferred and open_ones:
            raise self.breach(f"{script.path.name} ended with {len(open_ones)} accessors open")
        if not script.deferred and script in self.states:
            self.states.remove(script)
            script.end()


class Script:
    """One script: its own Lua state, its defer queue, its functions for the end."""

    def __init__(self, world: World, path: Path) -> None:
        self.world, self.path = world, path
        self.deferred: list[Any] = []
        self.at_exit: list[Any] = []
        self.state = world.lua.LuaRuntime(unpack_returned_tuples=True)
        self.globals_before: set[str] = set()
        self.pointers: dict[int, Thing] = {}  # by id, kept as long as the script lives
        self._prepare()

    def _prepare(self) -> None:
        world = self.world
        table = self.state.table()
        interned = self.state.execute(_INTERN)(self._pointer)
        for name in signatures():
            if name not in world.missing and (run := getattr(fake_api, name, None)) is not None:
                table[name] = interned(self._named(guarded(world, name, _in(self, run))))
        for name, run in fake_api.EXTENSIONS.items():
            if name not in world.missing:
                table[name] = interned(self._named(guarded(world, name, _in(self, run))))
        for name, run in world.extensions.items():
            table[name] = run
        as_lua = self.state.eval("function(f) return function() return f() end end")
        for name, make in world.modules.items():
            self.state.globals().package.preload[name] = as_lua(partial(make, self))
        table["defer"] = self.deferred.append
        table["runloop"] = self.deferred.append
        table["atexit"] = self.at_exit.append
        table["get_action_context"] = lambda: (False, str(self.path), 0, 60001, -1, -1, -1, "")
        table["new_array"] = self.state.execute(_ARRAY)
        self.state.execute(_STRICT_TABLE)(table, self._no_such)
        self.state.globals()["reaper"] = table
        self.globals_before = set(self.state.globals())

    def _named(self, run: Any) -> Any:
        """Have a function give names of pointers, for which Lua keeps one pointer each."""

        def call(*args: Any) -> Any:
            found = run(*args)
            if isinstance(found, tuple):
                return tuple(self._name(x) for x in found)
            return self._name(found)

        return call

    def _name(self, value: Any) -> Any:
        if not isinstance(value, Thing):
            return value
        self.pointers[id(value)] = value
        return f"{_POINTER}{id(value)}"

    def _pointer(self, name: str) -> Any:
        return self.pointers[int(name[len(_POINTER) :])]

    def close(self) -> None:
        """Leave nothing of Python's in the Lua state."""
        self.deferred.clear()
        self.at_exit.clear()
        self.state.globals()["reaper"] = None
        self.state.execute(_FORGET)
        self.pointers.clear()

    def _no_such(self, name: str) -> None:
        """Reading `reaper.X` is allowed for asking whether it is there; nil says no."""
        known = name in signatures() or name in fake_api.FOREIGN or name.startswith("ImGui_")
        if not known:
            raise self.world.breach(f"reaper.{name} does not exist in any version")
        if name in signatures() and not hasattr(fake_api, name) and name not in self.world.missing:
            raise self.world.breach(f"the fake has no {name} yet: add it to fake_api")

    def begin(self) -> None:
        self._call(self.state.eval("dofile"), str(self.path))

    def turn(self) -> None:
        due, self.deferred[:] = list(self.deferred), []
        for function in due:
            self._call(function)

    def end(self) -> None:
        for function in self.at_exit:
            self._call(function)
        made = set(self.state.globals()) - self.globals_before
        if made:
            raise self.world.breach(f"{self.path.name} made globals: {sorted(made)}")

    def _call(self, function: Any, *args: Any) -> None:
        function(*args)


def _in(script: Script, run: Any) -> Any:
    def call(world: World, *args: Any) -> Any:
        world.script = script
        return run(world, *args)

    return call


_POINTER = "\1pointer "  # begins the name of a pointer on its way into Lua
# One pointer for one thing, so that pointers are equal and serve as keys of tables as REAPER's do.
_INTERN = """
return function(fetch)
  local kept = {}
  local function known(value)
    if type(value) ~= "string" or value:sub(1, 9) ~= "\\1pointer " then return value end
    if not kept[value] then kept[value] = fetch(value) end
    return kept[value]
  end
  local function all(value, ...)
    if select("#", ...) == 0 then return known(value) end
    return known(value), all(...)
  end
  return function(run) return function(...) return all(run(...)) end end
end
"""
_FORGET = """
for name in pairs(package.loaded) do package.loaded[name] = nil end
collectgarbage()
collectgarbage()
"""
# reaper.array as scripts see it: a[1] … a[n], a.table(), a.clear(), a.get_alloc().
_ARRAY = """
return function(size)
  local a = {}
  for i = 1, size do a[i] = 0.0 end
  a.get_alloc = function() return size end
  a.clear = function(v) for i = 1, size do a[i] = v or 0.0 end end
  a.table = function(from, count)
    local out = {}
    for i = from or 1, (from or 1) + (count or size) - 1 do out[#out + 1] = a[i] end
    return out
  end
  a.fill = function(bytes, count)
    local at, unpack = 1, string.unpack
    for i = 1, count do a[i], at = unpack("<d", bytes, at) end
  end
  return a
end
"""
_STRICT_TABLE = """
return function(reaper, ask)
  return setmetatable(reaper, {
    __index = function(_, name) ask(name) return nil end,
    __newindex = function(_, name) error("reaper." .. name .. " can't be set") end,
  })
end
"""
__all__ = ["World", "new_guid"]
