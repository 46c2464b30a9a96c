-- @noindex
-- The forms that come before an action: settings, which instrument, how many bars.

local dialog = require "dialog"
local jobs = require "jobs"
local protocol = require "protocol"
local say = require "say"
local selection = require "selection"
local settings = require "settings"
local targets = require "targets"

local M = {}

local function absolute(text)
  if text == "" or text:find("^/") or text:find("^%a:[/\\]") or text:find("^\\\\") then return text end
  return nil, "is no whole path: type it from the root or the drive on, or leave the line empty"
end

-- In the order of the form, the prompt first. The check of a key of the protocol is its range.
local FIELDS = {
  {name = "prompt", label = "Prompt"},
  {name = "language", label = "Language of the lyrics (en; de …)"},
  {name = "preset", label = "Preset"},
  {name = "engine", label = "Engine (empty: the daemon's)"},
  {name = "strength", label = "Strength 0 to 1 (empty: default)", check = dialog.by_key("strength")},
  {name = "seed", label = "Seed (empty: a new one each time)", check = dialog.by_key("seed")},
  {name = "takes", label = "Takes in one job 1 to 8", check = dialog.by_key("takes")},
  {name = "bars", label = "Bars to extend by", check = dialog.by_key("bars")},
  {name = "track", label = "Instrument to layer", check = dialog.by_key("track")},
  {name = "context", label = "Seconds heard around a region", check = dialog.by_key("context")},
  {name = "format", label = "Format (" .. table.concat(protocol.FORMATS, " ") .. ")", check = dialog.by_key("format")},
  {name = "stretch", label = "Bring clips to the tempo (1) or not (0)", check = dialog.by_key("stretch")},
  {name = "autostart", label = "Start the daemon (ask yes no)", check = dialog.one_of({"ask", "yes", "no"})},
  {name = "link", label = "Link (auto udp mailbox)", check = dialog.one_of({"auto", "udp", "mailbox"})},
  {name = "home", label = "Folder of Punchin (empty: the usual)", check = absolute},
  {name = "command", label = "Command punchin (empty: the usual)"},
}

local function shown(name)
  local value = settings.get(name)
  if name == "link" and value == "" then return "auto" end
  return dialog.one_line(value)
end

local function kept(name, value)
  if name == "link" and value == "auto" then value = "" end
  settings.set(name, name == "prompt" and dialog.many_lines(value) or value)
end

--- Show all settings and keep what was changed.
function M.settings()
  local fields, texts = {}, {}
  for i, field in ipairs(FIELDS) do
    fields[i] = {name = field.name, label = field.label, check = field.check, value = shown(field.name)}
    texts[i] = fields[i].value
  end
  if not dialog.fits(table.unpack(texts)) then table.remove(fields, 1) end -- a long prompt is the panel's
  local values = dialog.form("Punchin: Settings", fields)
  if not values then return end
  for _, field in ipairs(fields) do
    if values[field.name] ~= field.value then kept(field.name, values[field.name]) end
  end
end

-- Look for targets first: nobody fills in a form for nothing.
local function asked(op, title, field)
  local gathered = selection.gather()
  local chosen, why = targets.of(op, gathered)
  if not chosen then return say.tell(why) end
  field.value = settings.get(field.name)
  local values = dialog.form(title, {field})
  if not values then return end
  settings.set(field.name, values[field.name])
  return gathered.project, chosen, values[field.name]
end

--- Ask which instrument, then add it.
function M.layer()
  local field = {name = "track", label = "Instrument", check = dialog.one_of(protocol.KEYS.track.choices)}
  local proj, chosen, track = asked("layer", "Punchin: Layer an instrument", field)
  if proj then jobs.run("layer", proj, chosen, {track = track}) end
end

local function some_bars(text)
  local value, why = dialog.by_key("bars")(text)
  if value == "" or tonumber(value) == 0 then return nil, "is no length: type a number of bars above 0" end
  return value, why
end

--- Ask for how many bars, then extend; `side` is "after" or "before".
function M.extend(side)
  local field = {name = "bars", label = "Bars", check = some_bars}
  local title = side == "before" and "Punchin: Extend item left by" or "Punchin: Extend item right by"
  local proj, chosen, bars = asked("extend", title, field)
  if proj then jobs.run("extend", proj, chosen, {side = side, bars = tonumber(bars)}) end
end

return M
