-- @noindex
-- What the musician set: kept in REAPER's ext state, one line each, so texts are stored escaped.

local M = {}

local SECTION = "punchin"

M.DEFAULTS = {
  home = "", link = "", command = "", prompt = "", lyrics = "", language = "", strength = "", seed = "",
  bars = "4", seconds = "", preset = "", engine = "", takes = "1", context = "", track = "strings", format = "source",
  autostart = "ask", stretch = "",
}

local function escaped(s) return (s:gsub("\\", "\\\\"):gsub("\r?\n", "\\n")) end

local function plain(s)
  return (s:gsub("\\(.)", function(c) return c == "n" and "\n" or c end))
end

--- Return a setting as text; an unknown name is a mistake in a script.
function M.get(name)
  local default = M.DEFAULTS[name]
  if default == nil then error("no setting " .. name) end
  if not reaper.HasExtState(SECTION, name) then return default end
  return plain(reaper.GetExtState(SECTION, name))
end

--- Return a setting as a number, nil when it is empty or none.
function M.number(name)
  local value = tonumber((M.get(name):gsub(",", ".")))
  return value and (math.tointeger(value) or value)
end

--- Keep a setting.
function M.set(name, value)
  if M.DEFAULTS[name] == nil then error("no setting " .. name) end
  reaper.SetExtState(SECTION, name, escaped(tostring(value)), true)
end

return M
