-- @noindex
-- What is selected: the time selection and the items, as plain data.

local project = require "project"

local M = {}

-- Shorter than this is no selection but a click.
local SHORTEST_S = 0.01

local function kind_of(take)
  if not take or not reaper.GetMediaItemTake_Source(take) then return "empty" end
  return reaper.TakeIsMIDI(take) and "midi" or "audio"
end

--- Return what a script needs to know of an item: times in project seconds.
function M.entry(item)
  local take = reaper.GetActiveTake(item)
  local position_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  local length_s = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
  return {
    item = item, take = take, guid = project.guid(item), track = reaper.GetMediaItem_Track(item),
    position_s = position_s, length_s = length_s, end_s = position_s + length_s, kind = kind_of(take),
    locked = reaper.GetMediaItemInfo_Value(item, "C_LOCK") % 2 == 1,
  }
end

--- Return the time selection `{start_s, end_s}` of a project; nil without one.
function M.time(proj)
  local start_s, end_s = reaper.GetSet_LoopTimeRange2(proj, false, false, 0, 0, false)
  return end_s - start_s >= SHORTEST_S and {start_s = start_s, end_s = end_s} or nil
end

--- Return `{project, time = {start_s, end_s} or nil, items = {entry, …}}`, items in time order.
function M.gather()
  local proj = project.current()
  local items = {}
  for index = 0, reaper.CountMediaItems(proj) - 1 do
    local item = reaper.GetMediaItem(proj, index)
    if reaper.IsMediaItemSelected(item) then items[#items + 1] = M.entry(item) end
  end
  table.sort(items, function(a, b) return a.position_s < b.position_s end)
  return {project = proj, time = M.time(proj), items = items}
end

--- Return the part of an item that the time selection covers, all of it without one; nil outside.
function M.part(entry, time)
  if not time then return {start_s = entry.position_s, end_s = entry.end_s} end
  local start_s, end_s = math.max(time.start_s, entry.position_s), math.min(time.end_s, entry.end_s)
  if end_s - start_s < SHORTEST_S then return nil end
  return {start_s = start_s, end_s = end_s}
end

return M
