-- @noindex
-- What the project remembers of Punchin's work: on each take which job made it, and which jobs are
-- still open. Saved with the project, so Retake works on it tomorrow.

local json = require "json"

local M = {}

local KEY = "P_EXT:punchin"
local SECTION, JOBS, KEPT = "punchin", "jobs", "kept"

local function read(text)
  local told = text ~= "" and json.decode(text) or nil
  return type(told) == "table" and told or nil
end

--- Write on a take what it is: `{job, take, op, seed, …}`.
function M.remember(take, facts) reaper.GetSetMediaItemTakeInfo_String(take, KEY, json.encode(facts), true) end

--- Return what is written on a take; nil on one that is not Punchin's.
function M.recall(take)
  local _, text = reaper.GetSetMediaItemTakeInfo_String(take, KEY, "", false)
  return read(text)
end

local function listed(proj, list)
  local _, text = reaper.GetProjExtState(proj, SECTION, list)
  return read(text) or {}
end

local function write(proj, list, id, facts)
  local jobs = listed(proj, list)
  jobs[id] = facts
  reaper.SetProjExtState(proj, SECTION, list, next(jobs) and json.encode(jobs) or "")
end

--- Return the open jobs of a project: id → `{op, item, start_s, end_s, …}`.
function M.jobs(proj) return listed(proj, JOBS) end

--- Note an open job, or change what is noted.
function M.note(proj, id, facts) write(proj, JOBS, id, facts) end

--- Strike a job that ended and was dealt with.
function M.strike(proj, id) write(proj, JOBS, id, nil) end

--- Return the jobs that are done but could not be brought in: id → facts.
function M.kept(proj) return listed(proj, KEPT) end

--- Keep a job for Import finished jobs, nil to let it go.
function M.keep(proj, id, facts) write(proj, KEPT, id, facts) end

return M
