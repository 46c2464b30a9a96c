-- @noindex
-- One message to the daemon and its answer, in turns of the defer loop.

local daemon = require "daemon"
local link = require "link"

local M = {}

--- Send a message. `settled(answers)` is called once: with a list of {address, args}, or with nil
--- and the reason when it could not be sent or nobody answered in `patience_s` (3 s if left out).
--- A message that nobody took is taken back. Returns a function that gives up waiting.
function M.send(address, args, settled, patience_s)
  local way = link.open()
  local ticket, reason = way:send(address, args)
  if not ticket then
    settled(nil, "The message could not be sent (" .. tostring(reason) .. "): check the folder in Punchin: Settings.")
    return function() end
  end
  local follow, open = daemon.follow(way, ticket, patience_s), true
  local function turn()
    if not open then return end
    local state, answers = follow()
    if state == "wait" then return reaper.defer(turn) end
    open = false
    way:drop(ticket)
    if state == "answered" then settled(answers) else settled(nil, daemon.AWAY) end
  end
  reaper.defer(turn)
  return function()
    if open then way:drop(ticket) end
    open = false
  end
end

--- Return the arguments of the first answer with this address, nil when there is none.
function M.find(answers, address)
  for _, message in ipairs(answers or {}) do
    if message.address == address then return message.args end
  end
end

--- Return `code, message` of a refusal among the answers, nil when there is none.
function M.refusal(answers)
  local failed = M.find(answers, "/punchin/failed")
  if failed then return failed[2], failed[4] end
  local wrong = M.find(answers, "/punchin/error")
  if wrong then return wrong[1], wrong[4] end
end

return M
