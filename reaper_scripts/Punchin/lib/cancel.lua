-- @noindex
-- Ends jobs of this project that are still open. Jobs of other projects and clients go on.

local memory = require "memory"
local post = require "post"
local project = require "project"
local say = require "say"
local watch = require "watch"

local M = {}

local NO_SUCH_JOB = 108

--- Return the ids of a project's open jobs, in order: those that it asked for, and those of others
--- (a pad, the command line) that carry its mark.
function M.open_jobs(proj)
  local own, ended, ids = project.id(proj), {}, {}
  for _, row in ipairs(watch.recent() or {}) do
    if row.ended then
      ended[row.id] = true
    elseif row.mark.project == own then
      ids[row.id] = true
    end
  end
  for id in pairs(memory.jobs(proj)) do
    if not ended[id] then ids[id] = true end
  end
  local out = {}
  for id in pairs(ids) do out[#out + 1] = id end
  table.sort(out)
  return out
end

--- Cancel one job; `settled(message)` is called with nil, or with what went wrong.
function M.one(proj, id, settled)
  post.send("/punchin/cancel", {id}, function(answers, reason)
    local code, message = post.refusal(answers)
    -- A job that the daemon never heard of is none: what is noted of it goes.
    if code == NO_SUCH_JOB then
      memory.strike(proj, id)
      code = nil
    end
    settled(reason or code and message or nil)
  end)
end

--- Cancel all open jobs of the project in front, one by one.
function M.all()
  local proj = project.current()
  local ids = M.open_jobs(proj)
  if #ids == 0 then return say.tell("No job of this project is running: there is nothing to cancel.") end
  local count = #ids
  local function following()
    local id = table.remove(ids, 1)
    if not id then return say.note(count == 1 and "1 job cancelled." or count .. " jobs cancelled.") end
    M.one(proj, id, function(wrong)
      if wrong then return say.tell(wrong) end
      following()
    end)
  end
  following()
end

return M
