-- @noindex
-- Reads what the daemon writes about our jobs: recent.json for all of them, job.json for the ones
-- that ended. A few small files a turn; no message can be lost, since the files stay.

local files = require "files"
local json = require "json"
local places = require "places"
local project = require "project"
local tags = require "tags"

local M = {}

local ENDED = {done = true, failed = true, cancelled = true}

--- Return the rows of recent.json, whoever asked for them; nil where it can't be read.
function M.all()
  local bytes = files.read(files.join(places.home(), "recent.json"))
  local told = bytes and json.decode(bytes)
  if type(told) ~= "table" then return nil end
  local rows = {}
  for _, row in ipairs(told.jobs or told) do
    if type(row) == "table" then rows[#rows + 1] = row end
  end
  return rows
end

--- Return the jobs in recent.json that carry the mark of an open project:
--- `{id, op, state, fraction, mark, project}`; nil where it can't be read.
function M.recent()
  local all = M.all()
  if not all then return nil end
  local rows, open = {}, {}
  for _, row in ipairs(all) do
    local mark = tags.read(row.tag)
    if mark then
      if open[mark.project] == nil then open[mark.project] = project.find(mark.project) or false end
      if open[mark.project] then
        rows[#rows + 1] = {
          id = row.id, op = row.op, state = row.state, fraction = tonumber(row.fraction) or 0.0,
          mark = mark, project = open[mark.project], ended = ENDED[row.state] == true,
        }
      end
    end
  end
  return rows
end

--- Return a job's job.json, nil where it can't be read.
function M.job(id)
  local bytes = files.read(places.job_file(id))
  local told = bytes and json.decode(bytes)
  return type(told) == "table" and told or nil
end

return M
