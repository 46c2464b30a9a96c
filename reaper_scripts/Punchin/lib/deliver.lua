-- @noindex
-- Brings finished jobs into their project, as one undo step; nothing is lost where that can't be.

local clip = require "clip"
local memory = require "memory"
local pieces = require "pieces"
local place_take = require "place_take"
local place_tracks = require "place_tracks"
local project = require "project"
local say = require "say"
local selection = require "selection"
local targets = require "targets"
local undo = require "undo"

local M = {}

local NAMES = {
  repaint = "Repaint", extend = "Extend", cover = "Cover", retake = "Retake", edit = "Edit", bgm = "Vocal to BGM",
  layer = "Layer", stems = "Separate stems", generate = "Generate",
}

local function name_of(job) return NAMES[job.op] or job.op end

local function readable(job)
  local out = {}
  for _, file in ipairs(type(job.files) == "table" and job.files or {}) do
    if type(file.path) == "string" and reaper.file_exists(file.path) then out[#out + 1] = file end
  end
  return out
end

local function of_role(files, role)
  local out = {}
  for _, file in ipairs(files) do
    if file.role == role then out[#out + 1] = file end
  end
  return out
end

local function where(job)
  local file = type(job.files) == "table" and job.files[1]
  return file and tostring(file.path):match("^(.*)[/\\]") or "the job's folder"
end

-- -- whose it is -----------------------------------------------------------------------------------

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
  if entry and entry.take then
    local value = reaper.GetMediaItemTakeInfo_Value
    facts.position_s, facts.offset_s = entry.position_s, value(entry.take, "D_STARTOFFS")
    facts.playrate = value(entry.take, "D_PLAYRATE")
    local _, guid = reaper.GetSetMediaTrackInfo_String(entry.track, "GUID", "", false)
    local _, take_guid = reaper.GetSetMediaItemTakeInfo_String(entry.take, "GUID", "", false)
    facts.track, facts.take = guid, take_guid
    local plain = clip.plain(entry)
    if plain then
      facts.start_s = edge_s(job.request, "start", plain, entry) or facts.start_s
      facts.end_s = edge_s(job.request, "end", plain, entry) or facts.end_s
    end
  end
  return facts
end

-- What was noted when the job was sent, else what its tag tells; nil for a job that is not ours.
local function facts_of(proj, job, mark)
  local facts = memory.jobs(proj)[job.id] or memory.kept(proj)[job.id]
  if not facts then
    local item = mark.item and project.find_item(proj, mark.item)
    local entry = item and selection.entry(item)
    if is_foreign(mark, entry, job) then return nil end
    facts = facts_from(mark, entry, job)
  end
  facts.op = job.op
  return facts
end

-- -- where it goes ---------------------------------------------------------------------------------

local function is_locked(piece) return selection.entry(piece.item).locked end

-- The plan for a result that goes on items: `place` and `count`, or nil and why not.
local function onto_items(proj, job, facts, files)
  local mixes = of_role(files, "mix")
  if #mixes == 0 then return nil, "its file is missing" end
  if type(job.result) ~= "table" or not tonumber(job.result.source_frame) or not tonumber(mixes[1].rate) then
    return nil, "what it says of its file can't be read"
  end
  local found, free = pieces.of(proj, job, facts), {}
  if #found == 0 then return nil, "its item is gone" end
  for _, piece in ipairs(found) do
    if not is_locked(piece) then free[#free + 1] = piece end
  end
  if #free == 0 then return nil, "its item is locked; unlock it and use Import finished jobs" end
  facts.position_s = facts.position_s or reaper.GetMediaItemInfo_Value(free[1].item, "D_POSITION")
  return function()
    local placed = 0
    for _, piece in ipairs(free) do placed = placed + place_take.place(piece.item, piece.take, job, facts, mixes) end
    return placed
  end
end

local function onto_tracks(proj, job, facts, files)
  if #files == 0 then return nil, "its files are missing" end
  local trouble = place_tracks.trouble(proj)
  if trouble then return nil, trouble end
  local piece = facts.item and facts.position_s and pieces.of(proj, job, facts)[1]
  return function() return place_tracks.place(proj, job, facts, files, piece) end
end

-- Return `{job, facts, place}`, or nil; then `why` if there is something to say.
local function plan_of(proj, job, mark)
  if job.op == "analyze" or type(job.request) ~= "table" then return nil end
  if place_take.has(proj, job.id) then return nil end
  local facts = facts_of(proj, job, mark)
  if not facts then return nil end
  local prepare = targets.EACH[job.op] and onto_items or onto_tracks
  local place, why = prepare(proj, job, facts, readable(job))
  return {job = job, facts = facts, place = place, why = why}
end

-- What can't be brought in now is remembered for Import finished jobs.
local function kept(proj, plan, lines)
  memory.keep(proj, plan.job.id, plan.facts)
  lines[#lines + 1] = ("The %s is done, but %s. Its files are kept in %s."):format(name_of(plan.job), plan.why, where(plan.job))
end

-- Place what can be placed; one that fails leaves the others alone.
local function place_all(plans)
  local count = 0
  for _, plan in ipairs(plans) do
    local ok, placed = pcall(plan.place)
    if not ok then
      plan.why = "REAPER could not add it (" .. tostring(placed) .. ")"
    elseif placed == 0 then
      plan.why = "REAPER could not open its file"
    else
      count = count + 1
    end
  end
  return count
end

--- Deliver finished jobs `{job, mark}` of a project as one undo step. Returns how many are in the
--- project now, and lines for the musician about the others.
function M.together(proj, done)
  local plans, failed, lines = {}, {}, {}
  for _, each in ipairs(done) do
    local ok, plan = pcall(plan_of, proj, each.job, each.mark)
    if not ok then plan = {job = each.job, facts = {op = each.job.op}, why = "REAPER could not add it (" .. tostring(plan) .. ")"} end
    if plan and plan.place then plans[#plans + 1] = plan elseif plan then failed[#failed + 1] = plan end
  end
  local count = 0
  if #plans > 0 then
    local name = "Punchin: " .. name_of(plans[1].job) .. (#plans > 1 and (" (%d items)"):format(#plans) or "")
    count = undo.step(proj, name, function() return place_all(plans) end) or 0
  end
  for _, plan in ipairs(plans) do
    if plan.why then failed[#failed + 1] = plan else pieces.forget(proj, plan.job.id) end
  end
  for _, plan in ipairs(failed) do kept(proj, plan, lines) end
  return count, lines
end

--- Deliver one finished job (its job.json) that carries our mark; true when it is in the project.
function M.deliver(proj, job, mark)
  local count, lines = M.together(proj, {{job = job, mark = mark}})
  for _, line in ipairs(lines) do say.tell(line) end
  return #lines == 0 or count > 0
end

return M
