-- @noindex
-- Results that belong on the item they were made from: repaint, cover, retake, edit, extend. They
-- become new takes on it, aligned to the sample; the takes that were there are not touched.

local memory = require "memory"
local peaks = require "peaks"
local say = require "say"
local targets = require "targets"
local undo = require "undo"

local M = {}

local COLOUR = {repaint = {72, 160, 110}, extend = {70, 120, 190}, cover = {170, 110, 190}, retake = {190, 150, 70}, edit = {190, 100, 90}}
local NEAR_S = 0.001
-- What a take adds to its samples; no export has it in it.
local LEVELS = {"D_VOL", "D_PAN", "D_PANLAW"}
-- How a take plays its file.
local WAYS = {"D_PLAYRATE", "D_PITCH", "B_PPITCH", "I_PITCHMODE", "I_CHANMODE"}

-- Seconds of the item that were cut off at its left since the job was sent (negative: uncovered). The
-- take that was sent tells: its offset moves with the item's left edge.
local function trimmed_s(from, facts)
  if not from then return 0.0 end
  local now_s = reaper.GetMediaItemTakeInfo_Value(from, "D_STARTOFFS")
  return (now_s - (facts.offset_s or now_s)) / (facts.playrate or 1.0)
end

-- Whether the result is the file that was sent, with other samples in the middle.
local function is_whole_file(facts) return targets.PUNCH[facts.op] and not facts.from_s end

-- Seconds of the result that sound where the item begins now.
local function offset_now(from, facts, rate, result)
  if is_whole_file(facts) then
    return from and reaper.GetMediaItemTakeInfo_Value(from, "D_STARTOFFS") or facts.offset_s or 0.0
  end
  -- The result begins with what was exported, or with the clip after what was put before it.
  local begins_s = targets.PUNCH[facts.op] and facts.from_s or facts.start_s
  return result.source_frame / rate + facts.position_s - begins_s + trimmed_s(from, facts)
end

local function take_over(take, from, names)
  for _, name in ipairs(names) do
    reaper.SetMediaItemTakeInfo_Value(take, name, reaper.GetMediaItemTakeInfo_Value(from, name))
  end
end

local function new_take(item, from, file, name, offset_s, facts)
  local source = reaper.PCM_Source_CreateFromFile(file.path)
  if not source then return nil end
  local take = reaper.AddTakeToMediaItem(item)
  reaper.SetMediaItemTake_Source(take, source)
  reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", offset_s)
  reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", name, true)
  if from then
    take_over(take, from, LEVELS)
    if is_whole_file(facts) then take_over(take, from, WAYS) end
    for fx = 0, reaper.TakeFX_GetCount(from) - 1 do reaper.TakeFX_CopyToTake(from, fx, take, fx, false) end
  end
  local colour = COLOUR[facts.op]
  if colour then
    -- 0x1000000: REAPER's mark that a colour is set
    reaper.SetMediaItemTakeInfo_Value(take, "I_CUSTOMCOLOR", reaper.ColorToNative(table.unpack(colour)) | 0x1000000)
  end
  peaks.want(source)
  return take
end

-- -- extending -------------------------------------------------------------------------------------

local function add_to(item, name, by) reaper.SetMediaItemInfo_Value(item, name, reaper.GetMediaItemInfo_Value(item, name) + by) end

-- Make room for what was put before the item: it begins earlier, and every older take with it.
local function begin_earlier(item, lead_s)
  for index = 0, reaper.CountTakes(item) - 1 do
    local take = reaper.GetTake(item, index)
    if take then
      local rate = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
      local offset_s = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
      reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", offset_s - lead_s * rate)
    end
  end
  add_to(item, "D_POSITION", -lead_s)
  add_to(item, "D_LENGTH", lead_s)
  add_to(item, "D_SNAPOFFSET", lead_s)
end

-- Whether a take plays its source more than once in the item, which it only does while the item loops.
local function goes_round(item, take)
  local source = reaper.GetMediaItemTake_Source(take)
  if not source then return false end
  local source_s, is_quarters = reaper.GetMediaSourceLength(source)
  if is_quarters then return true end
  local offset_s = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
  local played_s = reaper.GetMediaItemInfo_Value(item, "D_LENGTH") * reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
  return offset_s < -NEAR_S or offset_s + played_s > source_s + NEAR_S
end

-- Takes that are shorter than the item are silent beside it, as they were, unless they loop already.
local function stop_looping(item)
  for index = 0, reaper.CountTakes(item) - 1 do
    local take = reaper.GetTake(item, index)
    if take and goes_round(item, take) then return end
  end
  reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 0)
end

-- Whether the left edge can be moved without moving anything on the takes: REAPER does not say what
-- an edge that a script moves does to stretch markers and envelopes.
local function can_begin_earlier(item)
  for index = 0, reaper.CountTakes(item) - 1 do
    local take = reaper.GetTake(item, index)
    if take and (reaper.GetTakeNumStretchMarkers(take) > 0 or reaper.CountTakeEnvelopes(take) > 0) then return false end
  end
  return true
end

-- Let the item show what an extend added, where its edges still are those of the clip. Returns how
-- much earlier it begins.
local function show_all(item, from, facts, file, offset_s)
  local length_s = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
  local cut_s, clip_s = trimmed_s(from, facts), facts.end_s - facts.start_s
  local added_s = cut_s + length_s > clip_s - NEAR_S and file.seconds - offset_s - length_s or 0.0
  local lead_s = cut_s < NEAR_S and math.min(offset_s, reaper.GetMediaItemInfo_Value(item, "D_POSITION")) or 0.0
  if lead_s > 0 and not can_begin_earlier(item) then
    say.note("the item has stretch markers or envelopes: drag its left edge to hear what was added.")
    lead_s = 0.0
  end
  if added_s > 0 or lead_s > 0 then stop_looping(item) end
  if lead_s > 0 then begin_earlier(item, lead_s) end
  if added_s > 0 then add_to(item, "D_LENGTH", added_s) end
  return math.max(0.0, lead_s)
end

-- -- all of them -----------------------------------------------------------------------------------

--- Put a job's mixes on an item as takes; the first of them becomes the active one. `from` is the
--- take that was sent, nil when it is gone. Returns how many there are.
function M.place(item, from, job, facts, mixes)
  local offset_s = offset_now(from, facts, mixes[1].rate, job.result)
  if facts.op == "extend" then offset_s = offset_s - show_all(item, from, facts, mixes[1], offset_s) end
  local placed = 0
  for _, file in ipairs(mixes) do
    local name = ("%s %d%s"):format(facts.op, file.seed or 0, #mixes > 1 and " (" .. file.take .. ")" or "")
    local take = new_take(item, from, file, name, offset_s, facts)
    if take then
      placed = placed + 1
      memory.remember(take, {job = job.id, take = file.take, op = facts.op, seed = file.seed, request = job.request})
      if placed == 1 then reaper.SetActiveTake(take) end
    end
  end
  return placed
end

-- Calls `found(item, take, facts)` for every take that a job made.
local function each_of(proj, job_id, found)
  for index = 0, reaper.CountMediaItems(proj) - 1 do
    local item = reaper.GetMediaItem(proj, index)
    for number = 0, reaper.CountTakes(item) - 1 do
      local take = reaper.GetTake(item, number)
      local facts = take and memory.recall(take)
      if facts and facts.job == job_id then found(item, take, facts) end
    end
  end
end

--- Whether the project has a take that a job made.
function M.has(proj, job_id)
  local there = false
  each_of(proj, job_id, function() there = true end)
  return there
end

--- Make take `number` of a job the active one on every item that has it; true when there is one.
function M.choose(proj, job_id, number)
  local there, changes = false, {}
  each_of(proj, job_id, function(item, take, facts)
    if facts.take ~= number then return end
    there = true
    if reaper.GetActiveTake(item) ~= take then changes[#changes + 1] = take end
  end)
  if #changes > 0 then
    undo.step(proj, "Punchin: Choose take", function()
      for _, take in ipairs(changes) do reaper.SetActiveTake(take) end
    end)
  end
  return there
end

return M
