-- @noindex
-- Import finished jobs: brings in what could not be delivered before, because the item was locked,
-- the project was closed, or REAPER was not running.

local deliver = require "deliver"
local listener = require "listener"
local memory = require "memory"
local project = require "project"
local say = require "say"
local tags = require "tags"
local watch = require "watch"

local M = {}

local function ids_of(...)
  local out = {}
  for _, jobs in ipairs({...}) do
    for id in pairs(jobs) do out[#out + 1] = id end
  end
  table.sort(out)
  return out
end

-- Bring one job in: true when it is in the project now, nil where there was nothing to bring.
local function bring(proj, id)
  local job = watch.job(id)
  local mark = job and tags.read(job.tag)
  if not mark then return nil end
  if job.state == "queued" or job.state == "running" then return nil end
  local done = job.state == "done" and deliver.deliver(proj, job, mark)
  listener.mark_seen(proj, id)
  memory.strike(proj, id)
  return done or nil
end

local function is_gone(proj, facts) return facts.item and not project.find_item(proj, facts.item) end

--- Bring in the finished jobs of the project in front, each as one undo step.
function M.run()
  local proj = project.current()
  local kept, count = memory.kept(proj), 0
  for _, id in ipairs(ids_of(kept, memory.jobs(proj))) do
    if bring(proj, id) then
      count = count + 1
      memory.keep(proj, id, nil)
    elseif kept[id] and is_gone(proj, kept[id]) then
      memory.keep(proj, id, nil) -- it was told where the files are
    end
  end
  listener.ensure()
  if count > 0 then return say.note(count == 1 and "1 job was brought in." or count .. " jobs were brought in.") end
  if not next(kept) then say.tell("There is nothing to bring in: finished jobs of this project are in it already.") end
end

return M
