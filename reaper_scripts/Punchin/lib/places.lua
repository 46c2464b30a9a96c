-- @noindex
-- Where Punchin keeps its jobs and its mailbox on this machine; the same rules as the daemon's.

local files = require "files"

local M = {}

local SECTION = "punchin"

local function env(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

-- REAPER's own folder is told in UTF-8; the environment, as Lua gets it on Windows, is not.
local function windows_data()
  local user = reaper.GetResourcePath():match("^(.*[/\\][Aa]pp[Dd]ata)[/\\][Rr]oaming[/\\]")
  return user and files.join(user, "Local") or env("LOCALAPPDATA") or env("USERPROFILE") or "C:"
end

local function by_system()
  local system = reaper.GetOS()
  if system:find("^Win") then return files.join(windows_data(), "punchin") end
  local user = env("HOME") or "~"
  if system:find("^OSX") or system:find("^macOS") then return files.join(user, "Library", "Application Support", "punchin") end
  return files.join(env("XDG_DATA_HOME") or files.join(user, ".local", "share"), "punchin")
end

--- Return the home folder: the one told in Settings, `$PUNCHIN_HOME`, the installer's, or the usual.
function M.home()
  local told = reaper.GetExtState(SECTION, "home")
  if told ~= "" then return told end
  return env("PUNCHIN_HOME") or M.installed().home or by_system()
end

--- Return what `punchin install reaper` wrote down: `command` (a list of words) and `home`.
function M.installed()
  local here = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
  local chunk = loadfile(here .. "installed.lua", "t", {})
  local ok, told = pcall(chunk or function() return {} end)
  return ok and type(told) == "table" and told or {}
end

--- Return the path of a job's `job.json`.
function M.job_file(id) return files.join(M.home(), "jobs", id, "job.json") end

return M
