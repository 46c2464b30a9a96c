-- @noindex
-- Brings a finished job into its project, as one undo step; nothing is lost where that can't be.

local clip = require "clip"
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

-- What can't be brought in now is remembered for Import finished jobs.
local function kept(proj, job, facts, why)
  memory.keep(proj, job.id, facts)
  say.tell(("The %s is done, but %s. Its files are kept in %s."):format(NAMES[job.op] or job.op, why, where(job)))
  return false
end

local function same_path(a, b) return a:gsub("\\", "/") == b:gsub("\\", "/") end

-- A tag serves every job while its selection lasts; one that was made from another file is not ours.
local function is_foreign(mark, entry, job)
  local source = job.request.source
  if type(source) ~= "string" or (mark.item and not entry) then return false end
  local plain = entry and clip.plain(entry)
  return not (plain and same_path(plain.path, source))
end

-- Where an edge of the job's region lies in the project now.
local function edge_s(request, name, plain, entry)
  local frame = tonumber(request[name .. "_frame"])
  local second = frame and frame / plain.rate or tonumber(request[name])
  return second and entry.position_s + second - plain.start_frame / plain.rate
end

-- What is known of a job that a pad or another client started: its tag says which item, its request
-- which part of the file.
local function facts_from(mark, entry, job)
  local facts = {op = mark.op, start_s = mark.start_s, end_s = mark.end_s, item = mark.item}
  if entry then
    local value = reaper.GetMediaItemTakeInfo_Value
    facts.position_s, facts.offset_s = entry.position_s, entry.take and value(entry.take, "D_STARTOFFS") or 0.0
    facts.playrate = entry.take and value(entry.take, "D_PLAYRATE") or 1.0
    local _, guid = reaper.GetSetMediaTrackInfo_String(entry.track, "GUID", "", false)
    facts.track = guid
    local plain = clip.plain(entry)
    if plain then
      facts.start_s = edge_s(job.request, "start", plain, entry) or facts.start_s
      facts.end_s = edge_s(job.request, "end", plain, entry) or facts.end_s
    end
  end
  return facts
end

local function on_item(proj, item, job, facts)
  local mixes = mixes_of(job)
  if #mixes == 0 then return kept(proj, job, facts, "its file is missing") end
  local name = ("Punchin: %s"):format(NAMES[job.op] or job.op)
  local placed, why = undo.step(proj, name, function() return place_take.place(item, job, facts, mixes) end)
  if why then return kept(proj, job, facts, "REAPER could not add it (" .. why .. ")") end
  return placed > 0 or kept(proj, job, facts, "REAPER could not open its file")
end

local function on_tracks(proj, job, facts)
  local name = ("Punchin: %s"):format(NAMES[job.op] or job.op)
  local placed, why = undo.step(proj, name, function() return place_tracks.place(proj, job, facts) end)
  if why then return kept(proj, job, facts, "REAPER could not add it (" .. why .. ")") end
  return placed > 0 or kept(proj, job, facts, "there is nothing in it to add")
end

--- Deliver a finished job (its job.json) that carries our mark; true when it is in the project.
function M.deliver(proj, job, mark)
  if job.op == "analyze" then return true end
  local item = mark.item and project.find_item(proj, mark.item)
  local entry = item and selection.entry(item)
  local facts = memory.jobs(proj)[job.id] or memory.kept(proj)[job.id]
  if not facts then
    if is_foreign(mark, entry, job) then return true end
    facts = facts_from(mark, entry, job)
  end
  facts.op = job.op
  if not ON_ITEM[job.op] then return on_tracks(proj, job, facts) end
  if not item then return kept(proj, job, facts, "its item is gone") end
  if entry.locked then return kept(proj, job, facts, "its item is locked; unlock it and use Import finished jobs") end
  return on_item(proj, item, job, facts)
end

return M
