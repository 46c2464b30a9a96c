-- @noindex
-- Results that belong on the item they were made from: repaint, cover, retake, edit, extend. They
-- become new takes on it, aligned to the sample; the takes that were there are not touched.

local memory = require "memory"
local peaks = require "peaks"
local undo = require "undo"

local M = {}

local COLOUR = {repaint = {72, 160, 110}, extend = {70, 120, 190}, cover = {170, 110, 190}, retake = {190, 150, 70}, edit = {190, 100, 90}}

local function take_by_guid(item, guid)
  for index = 0, reaper.CountTakes(item) - 1 do
    local take = reaper.GetTake(item, index)
    local _, found = reaper.GetSetMediaItemTakeInfo_String(take, "GUID", "", false)
    if found == guid then return take end
  end
end

-- Seconds of the result that sound where the item begins now. The take the job was made from moves
-- with the item: where its left edge was trimmed since, its offset says by how much.
local function offset_now(item, facts, rate, result)
  local was_s = facts.offset_s or 0.0
  local from = facts.take and take_by_guid(item, facts.take)
  local now_s = from and reaper.GetMediaItemTakeInfo_Value(from, "D_STARTOFFS") or was_s
  local trimmed_s = (now_s - was_s) / (facts.playrate or 1.0)
  if facts.op == "extend" or facts.op == "cover" or facts.op == "retake" then
    -- The result begins with the clip (after what was put before it).
    return result.source_frame / rate + (facts.position_s - facts.start_s) + trimmed_s
  end
  -- The result is as long as what was sent: the file itself, or the export from `from_s` on.
  if facts.from_s then return facts.position_s + trimmed_s - facts.from_s end
  return now_s
end

local function new_take(item, file, name, offset_s, facts)
  local source = reaper.PCM_Source_CreateFromFile(file.path)
  if not source then return nil end
  local take = reaper.AddTakeToMediaItem(item)
  reaper.SetMediaItemTake_Source(take, source)
  reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", offset_s)
  reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", name, true)
  local colour = COLOUR[facts.op]
  if colour then
    -- 0x1000000: REAPER's mark that a colour is set
    reaper.SetMediaItemTakeInfo_Value(take, "I_CUSTOMCOLOR", reaper.ColorToNative(table.unpack(colour)) | 0x1000000)
  end
  peaks.want(source)
  return take
end

-- Make room for what was put before the item: it begins earlier, and every older take with it.
local function begin_earlier(item, lead_s)
  for index = 0, reaper.CountTakes(item) - 1 do
    local take = reaper.GetTake(item, index)
    local rate = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
    local offset_s = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
    reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", offset_s - lead_s * rate)
  end
  local position_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  reaper.SetMediaItemInfo_Value(item, "D_POSITION", position_s - lead_s)
  reaper.SetMediaItemInfo_Value(item, "D_LENGTH", reaper.GetMediaItemInfo_Value(item, "D_LENGTH") + lead_s)
end

-- Let the item show what an extend added; takes that end earlier are silent there, as they were.
local function show_all(item, facts, result, file, offset_s)
  local lead_s = math.min(result.source_frame / file.rate, reaper.GetMediaItemInfo_Value(item, "D_POSITION"))
  if lead_s > 0 then begin_earlier(item, lead_s) end
  local length_s = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
  local added_s = file.seconds - result.source_frame / file.rate - (facts.end_s - facts.start_s)
  -- Where the clip ended inside the item, part of what was added shows there already.
  added_s = math.min(added_s, file.seconds - (offset_s - lead_s) - length_s)
  if added_s > 0 then
    reaper.SetMediaItemInfo_Value(item, "D_LENGTH", length_s + added_s)
    reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 0)
  end
  return lead_s
end

--- Put a job's mixes on an item as takes; the first of them becomes the active one. Returns how
--- many there are.
function M.place(item, job, facts, mixes)
  local lead_s = 0.0
  local offset_s = offset_now(item, facts, mixes[1].rate, job.result)
  if facts.op == "extend" then
    lead_s = show_all(item, facts, job.result, mixes[1], offset_s)
    offset_s = offset_s - lead_s
  end
  local placed = 0
  for _, file in ipairs(mixes) do
    local name = ("%s %d%s"):format(facts.op, file.seed or 0, #mixes > 1 and " (" .. file.take .. ")" or "")
    local take = new_take(item, file, name, offset_s, facts)
    if take then
      placed = placed + 1
      memory.remember(take, {job = job.id, take = file.take, op = facts.op, seed = file.seed, request = job.request})
      if placed == 1 then reaper.SetActiveTake(take) end
    end
  end
  return placed
end

--- Make take `number` of a job the active one on whichever item has it; true when it was found.
function M.choose(proj, job_id, number)
  for index = 0, reaper.CountMediaItems(proj) - 1 do
    local item = reaper.GetMediaItem(proj, index)
    for each = 0, reaper.CountTakes(item) - 1 do
      local take = reaper.GetTake(item, each)
      local facts = memory.recall(take)
      if facts and facts.job == job_id and facts.take == number then
        if reaper.GetActiveTake(item) ~= take then
          undo.step(proj, "Punchin: Choose take", function() reaper.SetActiveTake(take) end)
        end
        return true
      end
    end
  end
  return false
end

return M
