-- @noindex
-- What the project remembers of Punchin's work: on each take which job made it, and which jobs are
-- still open. Saved with the project, so Retake works on it tomorrow.

local json = require "json"

local M = {}

local KEY = "P_EXT:punchin"
local MARKS = "P_EXT:punchin_jobs" -- ids of open jobs that were made from the take
local SECTION, JOBS, KEPT, SEEN = "punchin", "jobs", "kept", "seen"
local MOST_SEEN = 200 -- the daemon lists its last 50

-- A project file can't hold all three kinds of quotes in one text: no backtick is left.
local function encoded(value) return (json.encode(value):gsub("`", "\\u0060")) end

local function read(text)
  local told = text ~= "" and json.decode(text) or nil
  return type(told) == "table" and told or nil
end

--- Write on a take what it is: `{job, take, op, seed, …}`.
function M.remember(take, facts) reaper.GetSetMediaItemTakeInfo_String(take, KEY, encoded(facts), true) end

--- Return what is written on a take; nil on one that is not Punchin's.
function M.recall(take)
  local _, text = reaper.GetSetMediaItemTakeInfo_String(take, KEY, "", false)
  return read(text)
end

local function marks(take)
  local _, text = reaper.GetSetMediaItemTakeInfo_String(take, MARKS, "", false)
  return text
end

--- Whether a take, or the one that it was split or copied from, was sent with a job.
function M.is_marked(take, id) return (" " .. marks(take) .. " "):find(" " .. id .. " ", 1, true) ~= nil end

--- Mark a take as the one that a job is made from.
function M.mark(take, id) reaper.GetSetMediaItemTakeInfo_String(take, MARKS, (marks(take) .. " " .. id):match("^ ?(.*)$"), true) end

--- Take the mark off.
function M.unmark(take, id)
  local left = {}
  for each in marks(take):gmatch("%S+") do
    if each ~= id then left[#left + 1] = each end
  end
  reaper.GetSetMediaItemTakeInfo_String(take, MARKS, table.concat(left, " "), true)
end

local function listed(proj, list)
  local _, text = reaper.GetProjExtState(proj, SECTION, list)
  return read(text) or {}
end

local function write(proj, list, id, facts)
  local jobs = listed(proj, list)
  jobs[id] = facts
  reaper.SetProjExtState(proj, SECTION, list, next(jobs) and encoded(jobs) or "")
end

--- Return the open jobs of a project: id → `{op, item, start_s, end_s, …}`.
function M.jobs(proj) return listed(proj, JOBS) end

--- Note an open job, or change what is noted.
function M.note(proj, id, facts) write(proj, JOBS, id, facts) end

--- Strike a job that ended and was dealt with.
function M.strike(proj, id) write(proj, JOBS, id, nil) end

--- Return the ids of the jobs that were dealt with, with spaces between them.
function M.seen(proj)
  local _, text = reaper.GetProjExtState(proj, SECTION, SEEN)
  return text
end

--- Whether an ended job was dealt with.
function M.was_seen(proj, id) return (" " .. M.seen(proj) .. " "):find(" " .. id .. " ", 1, true) ~= nil end

--- Note that an ended job was dealt with, so that it is not brought in twice.
function M.see(proj, id)
  if M.was_seen(proj, id) then return end
  local ids = {}
  for each in (M.seen(proj) .. " " .. id):gmatch("%S+") do ids[#ids + 1] = each end
  reaper.SetProjExtState(proj, SECTION, SEEN, table.concat(ids, " ", math.max(1, #ids - MOST_SEEN + 1)))
end

--- Return the jobs that are done but could not be brought in: id → facts.
function M.kept(proj) return listed(proj, KEPT) end

--- Keep a job for Import finished jobs, nil to let it go.
function M.keep(proj, id, facts) write(proj, KEPT, id, facts) end

return M
