-- @noindex
-- Results that stand beside what they were made from: bgm, layer, stems and generate. Each stem gets
-- an item on a track of its own, in a folder below the source's track.

local memory = require "memory"
local peaks = require "peaks"

local M = {}

local OPENS, CLOSES = 1, -1 -- folder depths

local function track_by_guid(proj, guid)
  for index = 0, reaper.CountTracks(proj) - 1 do
    local track = reaper.GetTrack(proj, index)
    local _, found = reaper.GetSetMediaTrackInfo_String(track, "GUID", "", false)
    if found == guid then return track, index end
  end
end

local function track_guid(item)
  local _, guid = reaper.GetSetMediaTrackInfo_String(reaper.GetMediaItem_Track(item), "GUID", "", false)
  return guid
end

-- The place below a track; below its whole folder where it opens one.
local function below(proj, track, index)
  if not track then return reaper.CountTracks(proj) end
  local depth = reaper.GetMediaTrackInfo_Value(track, "I_FOLDERDEPTH")
  local at = index + 1
  while depth > 0 and at < reaper.CountTracks(proj) do
    depth = depth + reaper.GetMediaTrackInfo_Value(reaper.GetTrack(proj, at), "I_FOLDERDEPTH")
    at = at + 1
  end
  return at
end

local function insert_track(proj, index, name, depth)
  if reaper.InsertTrackInProject then
    reaper.InsertTrackInProject(proj, index, 0)
  else
    reaper.InsertTrackAtIndex(index, false)
  end
  local track = reaper.GetTrack(proj, index)
  reaper.GetSetMediaTrackInfo_String(track, "P_NAME", name, true)
  if depth ~= 0 then reaper.SetMediaTrackInfo_Value(track, "I_FOLDERDEPTH", depth) end
  return track
end

local function new_item(track, file, name, start_s, job, facts)
  local source = reaper.PCM_Source_CreateFromFile(file.path)
  if not source then return nil end
  local item = reaper.AddMediaItemToTrack(track)
  local take = reaper.AddTakeToMediaItem(item)
  reaper.SetMediaItemTake_Source(take, source)
  reaper.SetMediaItemInfo_Value(item, "D_POSITION", start_s)
  reaper.SetMediaItemInfo_Value(item, "D_LENGTH", file.seconds)
  reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 0)
  reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", name, true)
  memory.remember(take, {job = job.id, take = file.take, op = facts.op, seed = file.seed, role = file.role, request = job.request})
  peaks.want(source)
  return item
end

-- Add further takes of a stem to its item.
local function add_takes(item, files, name, job, facts)
  for index = 2, #files do
    local file = files[index]
    local source = reaper.PCM_Source_CreateFromFile(file.path)
    if source then
      local take = reaper.AddTakeToMediaItem(item)
      reaper.SetMediaItemTake_Source(take, source)
      reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", name .. " (" .. file.take .. ")", true)
      memory.remember(take, {job = job.id, take = file.take, op = facts.op, seed = file.seed, role = file.role, request = job.request})
      peaks.want(source)
    end
  end
end

-- Files by stem, in the order of the daemon; the mix only where there are no stems.
local function by_stem(files)
  local names, rows = {}, {}
  for _, file in ipairs(files) do
    local name = file.role:match("^stem:(.+)$")
    if name then
      if not rows[name] then names[#names + 1], rows[name] = name, {} end
      rows[name][#rows[name] + 1] = file
    end
  end
  if #names > 0 then return names, rows end
  for _, file in ipairs(files) do
    if file.role == "mix" then
      rows.mix = rows.mix or {}
      rows.mix[#rows.mix + 1] = file
    end
  end
  return rows.mix and {"mix"} or {}, rows
end

-- How far the clip was moved since the job was sent; its left edge may have been cut in between.
local function moved_s(piece, facts)
  if not piece or not piece.take then return 0.0 end
  local cut_s = reaper.GetMediaItemTakeInfo_Value(piece.take, "D_STARTOFFS") - (facts.offset_s or 0.0)
  local position_s = reaper.GetMediaItemInfo_Value(piece.item, "D_POSITION")
  return position_s - cut_s / (facts.playrate or 1.0) - facts.position_s
end

--- What keeps tracks from being added to a project now; nil when nothing does.
function M.trouble(proj)
  -- REAPER before 7 adds tracks to the project in front only.
  if reaper.InsertTrackInProject or proj == reaper.EnumProjects(-1) then return nil end
  return "its project is not in front; go to its tab and use Import finished jobs"
end

--- Put stems (`files` of the job) on new tracks; `piece` is the item they were made from, with the
--- take that was sent, nil when there is none. Returns how many items there are.
function M.place(proj, job, facts, files, piece)
  local names, rows = by_stem(files)
  if #names == 0 then return 0 end
  local track, index = track_by_guid(proj, piece and track_guid(piece.item) or facts.track)
  local at = below(proj, track, index)
  local start_s = math.max(0.0, facts.start_s + moved_s(piece, facts))
  local title = ("Punchin %s %d"):format(facts.op, job.result.seed or 0)
  local placed, single = 0, #names == 1
  if not single then
    insert_track(proj, at, title, OPENS)
    at = at + 1
  end
  for i, name in ipairs(names) do
    local depth = not single and i == #names and CLOSES or 0
    local new = insert_track(proj, at, single and title .. " " .. name or name, depth)
    local item = new_item(new, rows[name][1], facts.op .. " " .. name, start_s, job, facts)
    if item then
      placed = placed + 1
      add_takes(item, rows[name], facts.op .. " " .. name, job, facts)
    end
    at = at + 1
  end
  return placed
end

return M
