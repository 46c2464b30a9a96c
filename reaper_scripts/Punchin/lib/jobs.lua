-- @noindex
-- Sends the jobs of an action: gathers, exports where it must, sends, waits a short while for the
-- daemon's word. All of it in turns of the defer loop. What the jobs become is the listener's work.

local ask = require "ask"
local batch = require "batch"
local daemon = require "daemon"
local link = require "link"
local listener = require "listener"
local memory = require "memory"
local pieces = require "pieces"
local project = require "project"
local protocol = require "protocol"
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

-- A daemon of another version would misread what these scripts send.
local function version_trouble()
  local facts = daemon.facts()
  local told = facts and math.tointeger(facts.protocol)
  if not told or told == protocol.PROTOCOL then return nil end
  return ("The Punchin daemon speaks protocol %d and these actions speak %d: update Punchin and run `punchin install reaper`, then restart the daemon and try again.")
    :format(told, protocol.PROTOCOL)
end

-- Send one request and follow it. Returns a step: "wait", "next" when it is settled, "stop" when there
-- is no use in sending more. `refused(message, code)` says what the musician is told.
local function sending(request, refused)
  local way, ticket, follow, started = link.open(), nil, nil, false
  local function send(patience_s)
    local reason
    ticket, reason = way:send(request.address, request.args)
    if ticket then
      follow = daemon.follow(way, ticket, patience_s)
      return "wait"
    end
    say.tell("The request could not be sent (" .. tostring(reason) .. "): check the folder in Punchin: Settings, then try again.")
    return "stop"
  end
  local function forget()
    if ticket then way:drop(ticket) end
    -- The daemon may have been asked for long; the project may be closed by now.
    if project.is_open(request.project) then
      memory.strike(request.project, request.id)
      pieces.forget(request.project, request.id)
    end
  end
  local function answered(answers)
    local ok, message, code = verdict(answers, request.id)
    if ok == nil then return "wait" end
    if not ok then
      forget()
      refused(message, code)
    end
    return "next"
  end
  local function unanswered()
    if not started and may_start() then
      started = true
      daemon.start()
      -- What lies in the mailbox is found by a daemon that comes later; a packet is not.
      way:drop(ticket)
      way = link.open("mailbox")
      return send(daemon.START_S)
    end
    forget()
    say.tell(daemon.AWAY)
    return "stop"
  end
  memory.note(request.project, request.id, request.facts)
  local take = request.take
  if take and not reaper.ValidatePtr2(request.project, take, "MediaItem_Take*") then take = nil end
  if take then memory.mark(take, request.id) end
  if send() == "stop" then
    ticket = nil
    forget()
    return function() return "stop" end
  end
  return function()
    local state, answers = follow()
    if state == "wait" then return "wait" end
    local told = state == "answered" and answered(answers) or state ~= "answered" and unanswered()
    if told == "stop" then forget() end
    return told
  end
end

-- What is to be sent, of the items as they are now: `{step, cancel, target}` each.
local function prepared(op, proj, chosen, more)
  local out, said = {}, {}
  for _, target in ipairs(chosen) do
    local one, reason = ask.begin(op, proj, target, more)
    if one then
      one.target = target
      out[#out + 1] = one
    elseif not said[reason] then
      said[reason] = true
      say.tell("The clip can't be sent (" .. tostring(reason) .. "): check the item's file and the project's media folder, then try again.")
    end
  end
  return out
end

-- One after the other: export, send, follow.
local function pump(rest, refused)
  local name = batch.new()
  local many, sent, exporting, settling = #rest > 1, false, nil, nil
  local function finish()
    batch.close(name)
    if sent then listener.ensure() end
    for _, one in ipairs(rest) do
      if one.cancel then one.cancel() end
    end
    rest = {}
  end
  local function turn()
    batch.touch(name)
    if settling then
      local state = settling()
      if state == "wait" then return reaper.defer(turn) end
      settling, sent = nil, sent or state == "next"
      if state == "stop" then return finish() end
    elseif exporting then
      local request, reason = exporting.step()
      if request == "more" then return reaper.defer(turn) end
      local target = exporting.target
      exporting = nil
      if request and project.is_open(request.project) then
        if many then request.facts.batch = name end
        settling = sending(request, function(message, code) refused(message, code, target) end)
        return reaper.defer(turn)
      elseif not request then
        say.tell("The clip could not be exported (" .. tostring(reason) .. "): check the free disk space and the project's media folder, then try again.")
      end
    end
    exporting = table.remove(rest, 1)
    if exporting then return reaper.defer(turn) end
    finish()
  end
  reaper.atexit(function()
    if exporting then rest[#rest + 1] = exporting end
    sent = false
    finish()
  end)
  turn()
end

-- Several items that are refused for one reason are one message.
local function telling()
  local said = {}
  return function(message)
    if said[message] then return end
    said[message] = true
    say.tell(message)
  end
end

--- Start an op on targets (see `targets`). `refused(message, code, target)` hears what the daemon
--- does not accept; without it the musician is told.
function M.run(op, proj, chosen, more, refused)
  local trouble = version_trouble()
  if trouble then return say.tell(trouble) end
  local rest = prepared(op, proj, chosen, more)
  if #rest > 0 then pump(rest, refused or telling()) end
end

--- Start an op on the selection; `more` are keys from a dialog. Speaks up where nothing fits.
function M.start(op, more)
  local gathered = selection.gather()
  local chosen, why = targets.of(op, gathered)
  if not chosen then return say.tell(why) end
  M.run(op, gathered.project, chosen, more)
end

return M
