-- @noindex
-- Sends the jobs of an action: gathers, exports where it must, sends, waits a short while for the
-- daemon's word. All of it in turns of the defer loop. What the jobs become is the listener's work.

local ask = require "ask"
local daemon = require "daemon"
local link = require "link"
local listener = require "listener"
local memory = require "memory"
local say = require "say"
local selection = require "selection"
local settings = require "settings"
local targets = require "targets"

local M = {}

-- Whether a request was accepted; nil while nothing was said of it, else false, why and the code.
local function verdict(answers, id)
  for _, message in ipairs(answers) do
    local name, args = message.address:match("([^/]+)$"), message.args
    if name == "accepted" and args[1] == id then return true end
    if name == "failed" and args[1] == id then return false, args[4], args[2] end
    if name == "error" then return false, args[4], args[1] end
  end
end

local function may_start()
  local told = settings.get("autostart")
  if told == "yes" then return true end
  if told == "no" then return false end
  return say.ask("The Punchin daemon is not running. Start it now?")
end

-- Send one request and follow it: a step that returns true when it is settled. `refused(message,
-- code)` says what the musician is told.
local function sending(request, refused)
  local way = link.open()
  local ticket, reason = way:send(request.address, request.args)
  if not ticket then
    say.tell("The request could not be sent (" .. tostring(reason) .. "): check the folder in Punchin: Settings.")
    return function() return true end
  end
  memory.note(request.project, request.id, request.facts)
  local follow, started = daemon.follow(way, ticket), false
  local function drop()
    way:drop(ticket)
    memory.strike(request.project, request.id)
  end
  return function()
    local state, answers = follow()
    if state == "wait" then return false end
    if state == "answered" then
      local ok, message, code = verdict(answers, request.id)
      if ok == nil then return false end
      if not ok then
        drop()
        refused(message, code)
      end
      return true
    end
    if not started and may_start() then
      started = true
      daemon.start()
      -- What lies in the mailbox is found by a daemon that comes later; a packet is not.
      way:drop(ticket)
      way = link.open("mailbox")
      ticket = way:send(request.address, request.args)
      if not ticket then return true end
      follow = daemon.follow(way, ticket, daemon.START_S)
      return false
    end
    drop()
    say.tell(daemon.AWAY)
    return true
  end
end

-- One target after the other: export, send, follow.
local function pump(op, proj, rest, more, refused)
  local exporting, settling, target
  local function turn()
    if settling then
      if not settling() then return reaper.defer(turn) end
      settling = nil
    elseif exporting then
      local request, reason = exporting.step()
      if request == "more" then return reaper.defer(turn) end
      exporting = nil
      if request then
        local asked = target
        settling = sending(request, function(message, code) refused(message, code, asked) end)
        return reaper.defer(turn)
      end
      say.tell("The clip could not be exported (" .. tostring(reason) .. "): check the free disk space and the project's media folder.")
    end
    target = table.remove(rest, 1)
    if not target then return listener.ensure() end
    local reason
    exporting, reason = ask.begin(op, proj, target, more)
    if not exporting then say.tell("The clip can't be read (" .. tostring(reason) .. "): check that its file is online.") end
    return reaper.defer(turn)
  end
  reaper.atexit(function() if exporting and exporting.cancel then exporting.cancel() end end)
  turn()
end

--- Start an op on targets (see `targets`). `refused(message, code, target)` hears what the daemon
--- does not accept; without it the musician is told.
function M.run(op, proj, chosen, more, refused)
  pump(op, proj, {table.unpack(chosen)}, more or {}, refused or function(message) say.tell(message) end)
end

--- Start an op on the selection; `more` are keys from a dialog. Speaks up where nothing fits.
function M.start(op, more)
  local gathered = selection.gather()
  local chosen, why = targets.of(op, gathered)
  if not chosen then return say.tell(why) end
  M.run(op, gathered.project, chosen, more)
end

return M
