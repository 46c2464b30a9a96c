-- @noindex
-- Is the daemon there, and starting it. REAPER is never kept waiting.

local files = require "files"
local json = require "json"
local places = require "places"
local settings = require "settings"

local M = {}

local WAIT_S = 3.0 -- for a sign of life
local START_S = 20.0 -- for a daemon that was just started

--- Return what daemon.json says, nil where none runs (or it went without a word).
function M.facts()
  local bytes = files.read(files.join(places.home(), "daemon.json"))
  local told = bytes and json.decode(bytes)
  return type(told) == "table" and told or nil
end

local function quoted(word)
  if not word:find('[%s"]') then return word end
  return '"' .. word:gsub('"', '\\"') .. '"'
end

--- Return the command line of `punchin …`, as told in Settings or by the installer.
function M.command(...)
  local told = settings.get("command")
  local words = told ~= "" and {told} or places.installed().command or {"punchin"}
  local out = {}
  for _, word in ipairs(words) do out[#out + 1] = quoted(word) end
  for _, word in ipairs({...}) do out[#out + 1] = quoted(word) end
  return table.concat(out, " ")
end

--- Start a daemon in the background; returns at once.
function M.start() reaper.ExecProcess(M.command("start"), -2) end

--- Follow a sent message until the daemon answers. `link` and `ticket` as in `link_mailbox`. Returns
--- a step: "wait", "answered" and the answers, or "away".
function M.follow(link, ticket, patience_s)
  local until_s = reaper.time_precise() + (patience_s or WAIT_S)
  return function()
    local answers = link:answers(ticket)
    if answers then return "answered", answers end
    if reaper.time_precise() < until_s then return "wait" end
    return "away"
  end
end

M.START_S = START_S

--- What is said when nobody answers.
M.AWAY = "The Punchin daemon does not answer. Start it (action Punchin: Start daemon, or `punchin start`), then try again."

return M
