-- @noindex
-- Brings a finished job into its project, as one undo step; nothing is lost where that can't be.

local memory = require "memory"
local place_take = require "place_take"
local place_tracks = require "place_tracks"
local project = require "project"
local say = require "say"
local selection = require "selection"
local undo = require "undo"

local M = {}

local NAMES = {
  repaint = "Repaint", extend = "Extend", cover = "Cover", retake = "Retake", edit = "Edit", bgm = "Vocal to BGM",
  layer = "Layer", stems = "Separate stems", generate = "Generate",
}
local ON_ITEM = {repaint = true, extend = true, cover = true, retake = true, edit = true}

local function mixes_of(job)
  local out = {}
  for _, file in ipairs(job.files) do
    if file.role == "mix" and reaper.file_exists(file.path) then out[#out + 1] = file end
  end
  return out
end

local function where(job)
  local file = job.files[1]
  return file and file.path:match("^(.*)[/\\]") or "the job's folder"
end

local function kept(job, why)
  say.tell(("The %s is done, but %s. Its files are kept in %s."):format(NAMES[job.op] or job.op, why, where(job)))
  return false
end

-- What only the tag knows, for jobs that a pad or another client started.
local function facts_from(mark, entry)
  local facts = {op = mark.op, start_s = mark.start_s, end_s = mark.end_s, item = mark.item}
  if entry then
    local value = reaper.GetMediaItemTakeInfo_Value
    facts.position_s, facts.offset_s = entry.position_s, entry.take and value(entry.take, "D_STARTOFFS") or 0.0
    facts.playrate = entry.take and value(entry.take, "D_PLAYRATE") or 1.0
    local _, guid = reaper.GetSetMediaTrackInfo_String(entry.track, "GUID", "", false)
    facts.track = guid
  end
  return facts
end

local function on_item(proj, item, job, facts)
  local mixes = mixes_of(job)
  if #mixes == 0 then return kept(job, "its file is missing") end
  local name = ("Punchin: %s"):format(NAMES[job.op] or job.op)
  local placed, why = undo.step(proj, name, function() return place_take.place(item, job, facts, mixes) end)
  if why then return kept(job, "REAPER could not add it (" .. why .. ")") end
  return placed > 0 or kept(job, "REAPER could not open its file")
end

local function on_tracks(proj, job, facts)
  local name = ("Punchin: %s"):format(NAMES[job.op] or job.op)
  local placed, why = undo.step(proj, name, function() return place_tracks.place(proj, job, facts) end)
  if why then return kept(job, "REAPER could not add it (" .. why .. ")") end
  return placed > 0 or kept(job, "there is nothing in it to add")
end

--- Deliver a finished job (its job.json) that carries our mark; true when it is in the project.
function M.deliver(proj, job, mark)
  if job.op == "analyze" then return true end
  local item = mark.item and project.find_item(proj, mark.item)
  local entry = item and selection.entry(item)
  local facts = memory.jobs(proj)[job.id] or facts_from(mark, entry)
  facts.op = job.op
  if not ON_ITEM[job.op] then return on_tracks(proj, job, facts) end
  if not item then return kept(job, "its item is gone") end
  if entry.locked then return kept(job, "its item is locked; unlock it and use Import finished jobs") end
  return on_item(proj, item, job, facts)
end

return M
