-- @noindex
-- From plain data to the message that asks for a job. Pure: nothing of REAPER but a fresh id.

local protocol = require "protocol"
local settings = require "settings"
local tags = require "tags"

local M = {}

-- Settings that go into every request that takes them; empty ones are left to the daemon.
local FROM_SETTINGS = {"strength", "seed", "preset", "engine", "context", "format", "stretch"}
local NUMBERS = {strength = true, seed = true, context = true, stretch = true}

--- Return a new job id.
function M.id()
  return "r-" .. reaper.genGuid(""):gsub("[{}]", ""):lower()
end

local function add(args, key, value)
  if value == nil or value == "" then return end
  args[#args + 1] = key
  args[#args + 1] = value
end

local function add_settings(args, own)
  for _, name in ipairs(FROM_SETTINGS) do
    if own[name] == nil then
      local value = NUMBERS[name] and settings.number(name) or settings.get(name)
      if NUMBERS[name] and type(value) ~= "number" then value = nil end
      add(args, name, value)
    end
  end
  local takes = settings.number("takes")
  if own.takes == nil and takes and takes > 1 then add(args, "takes", takes) end
end

-- The daemon's context may still have the words of what was selected before: that there are none now
-- is said too, but not over the words of a preset.
local function add_silence(args, keys)
  if (keys.preset or settings.get("preset")) ~= "" then return end
  for _, name in ipairs({"lyrics", "prompt"}) do
    if keys[name] == "" then
      args[#args + 1] = name
      args[#args + 1] = ""
    end
  end
end

local function sorted_keys(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Return `address, args, id` of a job. `what` has `source` (a path or nil), `keys` (of the table of
--- keys: region, grid, words, …), `mark` (see `tags`), `folder`. Keys given win over Settings.
function M.build(op, what)
  assert(protocol.OPS[op], "no op " .. tostring(op))
  local id = M.id()
  local args = {id}
  if what.source then args[2] = what.source end
  for _, name in ipairs(sorted_keys(what.keys)) do add(args, name, what.keys[name]) end
  add_silence(args, what.keys)
  add_settings(args, what.keys)
  add(args, "folder", what.folder)
  add(args, "tag", tags.tag(what.mark))
  return "/punchin/" .. op, args, id
end

return M
