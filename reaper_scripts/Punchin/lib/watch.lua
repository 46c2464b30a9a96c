-- @noindex
-- Reads what the daemon writes about our jobs: recent.json for all of them, job.json for the ones
-- that ended. A few small files a turn; no message can be lost, since the files stay.

local files = require "files"
local json = require "json"
local memory = require "memory"
local places = require "places"
local project = require "project"
local tags = require "tags"

local M = {}

local ENDED = {done = true, failed = true, cancelled = true}
-- The daemon lists its open jobs (1,000 at most) and the last 50; more than this is damage.
local MOST_BYTES = 4 << 20

-- recent.json as it was last read: REAPER's turns are many, its changes few.
local last = {bytes = nil, rows = nil}

local function rows_of(bytes)
  local told = json.decode(bytes)
  if type(told) ~= "table" then return nil end
  local rows = {}
  for _, row in ipairs(told) do
    if type(row) == "table" and type(row.id) == "string" then rows[#rows + 1] = row end
  end
  return rows
end

--- Return the rows of recent.json, whoever asked for them; nil where it can't be read.
function M.all()
  local bytes = files.read(files.join(places.home(), "recent.json"), MOST_BYTES)
  if not bytes then return nil end
  if bytes ~= last.bytes then last.bytes, last.rows = bytes, rows_of(bytes) end
  return last.rows
end

local function better(a, b)
  if a.knows ~= b.knows then return a.knows end
  if a.has_item ~= b.has_item then return a.has_item end
  return a.is_front and not b.is_front
end

-- The open project that a job belongs to: the one that asked for it, else the one with its mark; of
-- several with that mark (opened twice) the one that has its item, else the one in front.
local function owner(id, mark, open)
  local best
  for _, each in ipairs(open) do
    local knows = each.jobs[id] ~= nil or each.seen:find(" " .. id .. " ", 1, true) ~= nil
    if knows or each.id == mark.project then
      local has_item = #open > 1 and mark.item ~= nil and project.find_item(each.project, mark.item) ~= nil
      local one = {project = each.project, knows = knows, has_item = has_item, is_front = each.is_front}
      if not best or better(one, best) then best = one end
    end
  end
  return best and best.project
end

-- The open projects that ever had a job, with what they remember.
local function with_memory()
  local out = {}
  for _, each in ipairs(project.marked()) do
    each.jobs, each.seen = memory.jobs(each.project), " " .. memory.seen(each.project) .. " "
    if each.id ~= "" or next(each.jobs) then out[#out + 1] = each end
  end
  return out
end

local function row_of(told, proj, mark)
  return {
    id = told.id, op = told.op, state = told.state, fraction = tonumber(told.fraction) or 0.0,
    mark = mark, project = proj, ended = ENDED[told.state] == true,
  }
end

--- Return the jobs in recent.json that belong to an open project:
--- `{id, op, state, fraction, mark, project, ended}`; nil where it can't be read.
function M.recent()
  local all = M.all()
  if not all then return nil end
  local rows, open = {}, with_memory()
  for _, told in ipairs(all) do
    local mark = tags.read(told.tag)
    local proj = mark and owner(told.id, mark, open)
    if proj then rows[#rows + 1] = row_of(told, proj, mark) end
  end
  return rows
end

--- Return the ids that open projects wait for and that `rows` do not have, as `{id, project, facts}`.
function M.missing(rows)
  local there, out = {}, {}
  for _, row in ipairs(rows) do there[row.id] = true end
  for _, proj in ipairs(project.open()) do
    for id, facts in pairs(memory.jobs(proj)) do
      if not there[id] then out[#out + 1] = {id = id, project = proj, facts = facts} end
    end
  end
  table.sort(out, function(a, b) return a.id < b.id end)
  return out
end

--- Return the row of a job that recent.json no longer lists, from its job.json; nil without one.
function M.row(one)
  local job = M.job(one.id)
  local mark = job and tags.read(job.tag)
  return mark and row_of(job, one.project, mark)
end

--- Return a job's job.json, nil where it can't be read.
function M.job(id)
  local bytes = files.read(places.job_file(id))
  local told = bytes and json.decode(bytes)
  return type(told) == "table" and told.id and told or nil
end

return M
