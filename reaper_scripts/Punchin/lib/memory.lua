-- @noindex
-- What the project remembers of Punchin's work: on each take which job made it, and which jobs are
-- still open. Saved with the project, so Retake works on it tomorrow.

local json = require "json"

local M = {}

local KEY = "P_EXT:punchin"
local SECTION, JOBS = "punchin", "jobs"

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

--- Return the open jobs of a project: id → `{op, item, start_s, end_s, …}`.
function M.jobs(proj)
  local _, text = reaper.GetProjExtState(proj, SECTION, JOBS)
  return read(text) or {}
end

local function keep(proj, jobs)
  reaper.SetProjExtState(proj, SECTION, JOBS, next(jobs) and json.encode(jobs) or "")
end

--- Note an open job, or change what is noted.
function M.note(proj, id, facts)
  local jobs = M.jobs(proj)
  jobs[id] = facts
  keep(proj, jobs)
end

--- Strike a job that ended and was dealt with.
function M.strike(proj, id)
  local jobs = M.jobs(proj)
  jobs[id] = nil
  keep(proj, jobs)
end

return M
