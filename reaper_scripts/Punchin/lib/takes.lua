-- @noindex
-- Which take of an item is heard: stepping through them, and telling the daemon which of its takes
-- was chosen.

local daemon = require "daemon"
local memory = require "memory"
local post = require "post"
local say = require "say"
local selection = require "selection"
local undo = require "undo"

local M = {}

local SECTION, MARK = "punchin", "chosen."

--- Tell the daemon that a take of ours was chosen. Until it knows, the mark keeps the listener from
--- going back to what was chosen before.
function M.accept(facts)
  if not daemon.facts() then return end
  local key = MARK .. facts.job
  reaper.SetExtState(SECTION, key, tostring(facts.take), false)
  post.send("/punchin/accept", {facts.job, facts.take}, function(answers)
    if not answers or post.refusal(answers) then reaper.DeleteExtState(SECTION, key, false) end
  end)
end

--- Whether the listener may follow `number`, which the daemon's job has as chosen: not while another
--- take that was chosen here is still on its way.
function M.may_follow(job_id, number)
  local key = MARK .. job_id
  local told = reaper.GetExtState(SECTION, key)
  if told ~= "" and told ~= tostring(number) then return false end
  if told ~= "" then reaper.DeleteExtState(SECTION, key, false) end
  return true
end

--- Make takes the active ones of their items as one undo step, and tell the daemon of ours.
function M.activate(proj, takes, name)
  undo.step(proj, "Punchin: " .. name, function()
    for _, take in ipairs(takes) do reaper.SetActiveTake(take) end
  end)
  for _, take in ipairs(takes) do
    local facts = memory.recall(take)
    if facts and facts.job and math.tointeger(facts.take) then M.accept(facts) end
  end
end

-- The take `by` places on, wrapping round; an empty take (REAPER has such) is passed over.
local function neighbour(item, by)
  local count = reaper.CountTakes(item)
  local now = math.floor(reaper.GetMediaItemInfo_Value(item, "I_CURTAKE"))
  for away = 1, count - 1 do
    local take = reaper.GetTake(item, (now + by * away) % count)
    if take then return take end
  end
end

--- Go one take on (`by` 1) or back (-1) on every selected item.
function M.step(by)
  local gathered, found = selection.gather(), {}
  for _, entry in ipairs(gathered.items) do
    local take = not entry.locked and neighbour(entry.item, by)
    if take then found[#found + 1] = take end
  end
  if #gathered.items == 0 then return say.tell("No item is selected: select an item with several takes, then try again.") end
  if #found == 0 then
    return say.tell("The selected item has only one take or is locked: make a take with Repaint or Retake, or unlock it.")
  end
  M.activate(gathered.project, found, by > 0 and "Next take" or "Previous take")
end

return M
