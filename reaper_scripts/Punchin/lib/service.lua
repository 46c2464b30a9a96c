-- @noindex
-- Starting, stopping and looking at the daemon. REAPER is never kept waiting.

local daemon = require "daemon"
local json = require "json"
local link = require "link"
local post = require "post"
local say = require "say"
local watch = require "watch"

local M = {}

local STOP_S = 10.0

local function status_of(answers)
  local args = post.find(answers, "/punchin/status.reply")
  local told = args and json.decode(args[1])
  return type(told) == "table" and told or nil
end

local function text_of(value) return type(value) == "string" and value or nil end

--- Return what a status says, as one line.
function M.line(status)
  local engine = text_of(status.engine) or "no engine"
  local device = text_of(status.device)
  local free = type(status.disk) == "table" and tonumber(status.disk.free_bytes)
  return ("Punchin %s is running: engine %s%s, %s, %d waiting%s."):format(
    status.version or "", engine, device and " on " .. device or "",
    text_of(status.running) and "1 job running" or "no job running", tonumber(status.queued) or 0,
    free and (", %.1f GB free on the disk"):format(free / 1e9) or "")
end

--- Ask the daemon how it is; `settled(status)` with nil when nobody answers.
function M.status(settled)
  if not daemon.facts() then return settled(nil) end
  post.send("/punchin/status", {}, function(answers) settled(status_of(answers)) end)
end

--- Say how the daemon is.
function M.show()
  M.status(function(status)
    if status then return say.tell(M.line(status)) end
    say.tell("The Punchin daemon is not running. Start it with the action Punchin: Start daemon, or `punchin start`.")
  end)
end

local function start()
  daemon.start()
  -- A daemon that comes finds the question in its mailbox.
  local way = link.open("mailbox")
  local ticket = way:send("/punchin/status", {})
  if not ticket then return say.tell("The folder of Punchin can't be written: check the folder in Punchin: Settings.") end
  local follow = daemon.follow(way, ticket, daemon.START_S)
  local function turn()
    local state, answers = follow()
    if state == "wait" then return reaper.defer(turn) end
    way:drop(ticket)
    local status = state == "answered" and status_of(answers)
    if status then return say.note(M.line(status)) end
    say.tell("The daemon did not start: run `punchin serve` in a terminal to see why, and check the command in Punchin: Settings.")
  end
  turn()
end

--- Start the daemon unless one answers.
function M.start()
  M.status(function(status)
    if status then return say.tell(M.line(status)) end
    start()
  end)
end

-- Jobs of all clients that a stop would end; only recent.json is asked, so that this also works
-- while the daemon is busy.
local function open_count()
  local count = 0
  for _, row in ipairs(watch.all() or {}) do
    if row.state == "queued" or row.state == "running" then count = count + 1 end
  end
  return count
end

--- Stop the daemon; asks first when jobs would end.
function M.stop()
  if not daemon.facts() then return say.tell("The Punchin daemon is not running: there is nothing to stop.") end
  local count = open_count()
  local jobs = count == 1 and "1 job is" or count .. " jobs are"
  if count > 0 and not say.ask(jobs .. " open and will be cancelled. Stop the daemon?") then return end
  post.send("/punchin/quit", {}, function(answers, reason)
    if post.find(answers, "/punchin/done") then return say.note("The daemon has stopped.") end
    local _, message = post.refusal(answers)
    say.tell(message or reason or daemon.AWAY)
  end, STOP_S)
end

return M
