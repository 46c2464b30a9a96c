-- @noindex
-- Where on the timeline a job's clip is now. An item keeps its GUID when it is moved; when it is
-- split only the left part keeps it, and a pasted one has a new one. The take that was sent carries
-- the job's mark, which all its parts and copies inherit.

local memory = require "memory"
local project = require "project"

local M = {}

local NEAR_S = 0.001

local function take_by_guid(item, guid)
  for index = 0, reaper.CountTakes(item) - 1 do
    local take = reaper.GetTake(item, index)
    if take then
      local _, found = reaper.GetSetMediaItemTakeInfo_String(take, "GUID", "", false)
      if found == guid then return take end
    end
  end
end

local function marked_take(item, id)
  for index = 0, reaper.CountTakes(item) - 1 do
    local take = reaper.GetTake(item, index)
    if take and memory.is_marked(take, id) then return take end
  end
end

-- The stretch that counts, in seconds of the source: what was replaced or heard; of an extension the
-- edge at which it joins.
local function wanted(job, facts)
  local rate = facts.playrate or 1.0
  local from_s = (facts.offset_s or 0.0) + (facts.start_s - facts.position_s) * rate
  local to_s = from_s + (facts.end_s - facts.start_s) * rate
  if facts.op ~= "extend" then return from_s, to_s end
  if job.request.side == "before" then return from_s, from_s + NEAR_S end
  return to_s - NEAR_S, to_s
end

-- How much of it an item shows, in seconds of the source.
local function shown(piece, from_s, to_s)
  local value = reaper.GetMediaItemTakeInfo_Value
  local start_s = value(piece.take, "D_STARTOFFS")
  local end_s = start_s + reaper.GetMediaItemInfo_Value(piece.item, "D_LENGTH") * value(piece.take, "D_PLAYRATE")
  return math.min(end_s, to_s) - math.max(start_s, from_s)
end

local function others(proj, own, id)
  local out = {}
  for index = 0, reaper.CountMediaItems(proj) - 1 do
    local item = reaper.GetMediaItem(proj, index)
    local take = item ~= own and marked_take(item, id)
    if take then out[#out + 1] = {item = item, take = take} end
  end
  return out
end

--- Return the items that a result belongs on, as `{item, take}`: the one it was made from; where it
--- was split, every part that shows some of what is new; where it was pasted anew, that one. `take` is
--- the take that was sent, nil when it is gone. An empty list when there is no such item.
function M.of(proj, job, facts)
  local own = facts.item and project.find_item(proj, facts.item)
  local mine = own and {item = own, take = facts.take and take_by_guid(own, facts.take) or marked_take(own, job.id)}
  if mine and (not mine.take or not facts.position_s) then return {mine} end
  local from_s, to_s = wanted(job, facts)
  local near_s = math.min(NEAR_S, (to_s - from_s) / 2)
  if mine and shown(mine, from_s, to_s) >= to_s - from_s - near_s then return {mine} end
  local out = {}
  for _, piece in ipairs(others(proj, own, job.id)) do
    if shown(piece, from_s, to_s) > 1e-6 then out[#out + 1] = piece end
  end
  if mine and (#out == 0 or shown(mine, from_s, to_s) > 1e-6) then table.insert(out, 1, mine) end
  return out
end

--- Take the job's mark off again.
function M.forget(proj, id)
  for index = 0, reaper.CountMediaItems(proj) - 1 do
    local take = marked_take(reaper.GetMediaItem(proj, index), id)
    if take then memory.unmark(take, id) end
  end
end

return M
