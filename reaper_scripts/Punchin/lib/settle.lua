-- @noindex
-- Deals with jobs that ended: brings them in once, those of one key press together, and says what
-- went wrong in one box. A little each turn.

local away = require "away"
local batch = require "batch"
local deliver = require "deliver"
local memory = require "memory"
local pieces = require "pieces"
local say = require "say"
local watch = require "watch"

local M = {}

local LOOKS_A_TURN = 2 -- job.json files of jobs that recent.json does not list
local TRIES = 25 -- turns in which an ended job's file may be unreadable
local LOST_S = 15 * 60 -- a request that left no trace for so long is not coming any more

-- Also beside the project's own memory: an undo may bring back an older one.
local dealt, tries = {}, {}

local function was_seen(row) return dealt[row.id] or memory.was_seen(row.project, row.id) end

local function is_lost(one)
  local sent_at = tonumber(one.facts.sent_at)
  return sent_at ~= nil and os.time() - sent_at > LOST_S
end

-- Jobs that ended long ago, while REAPER was closed: the project knows of them, recent.json does not.
local function older(rows, turn)
  local missing, found = watch.missing(rows), {}
  for i = 1, math.min(LOOKS_A_TURN, #missing) do
    local one = missing[(turn * LOOKS_A_TURN + i) % #missing + 1]
    local row = watch.row(one)
    if row then found[#found + 1] = row elseif is_lost(one) then memory.strike(one.project, one.id) end
  end
  return found
end

-- The ended jobs of a press that are not among `rows`: recent.json is written a moment later than the
-- jobs' own files. Nil while one of the press is still to come.
local function rest_of(name, proj, jobs, rows)
  if away.is_away() then return {} end
  if batch.is_open(name) then return nil end
  local out = {}
  for id, facts in pairs(jobs) do
    if facts.batch == name then
      local row = rows[id] or watch.row({id = id, project = proj, facts = facts})
      if row and not row.ended then return nil end
      if row and not rows[id] and not was_seen(row) then
        row.facts = facts
        out[#out + 1] = row
      end
    end
  end
  table.sort(out, function(a, b) return a.id < b.id end)
  return out
end

-- The first ended jobs that belong together and wait for nothing.
local function next_group(rows)
  local by_id = {}
  for _, row in ipairs(rows) do by_id[row.id] = row end
  local groups, order = {}, {}
  for _, row in ipairs(rows) do
    if row.ended and not was_seen(row) then
      row.facts = memory.jobs(row.project)[row.id]
      local name = row.facts and row.facts.batch or row.id
      if not groups[name] then groups[name], order[#order + 1] = {}, name end
      table.insert(groups[name], row)
    end
  end
  for _, name in ipairs(order) do
    local group = groups[name]
    local first = group[1]
    local rest = not first.facts and {} or rest_of(name, first.project, memory.jobs(first.project), by_id)
    if rest then return table.move(rest, 1, #rest, #group + 1, group) end
  end
end

local function failure(job)
  local told = type(job.error) == "table" and job.error.message
  return type(told) == "string" and told or ("The job failed: see punchin job %s for why."):format(job.id)
end

-- Note that a job is dealt with: before it is brought in, so that nothing comes twice even when REAPER
-- stops in between (its files stay).
local function see(row)
  dealt[row.id] = true
  memory.see(row.project, row.id)
end

-- An engine that can't edit is found out late when nobody has asked for it before. Required here, as
-- what it needs requires the listener.
local function is_offered_repaint(row, job)
  return job.op == "edit" and row.facts ~= nil and require("lyrics").offer_after(row.project, row.facts, job)
end

local function unreadable(row)
  tries[row.id] = (tries[row.id] or 0) + 1
  if tries[row.id] < TRIES then return nil end
  see(row)
  return ("A %s has ended, but what it left can't be read: look with punchin job %s, then try again."):format(row.op, row.id)
end

local function add_once(lines, line)
  for _, each in ipairs(lines) do
    if each == line then return end
  end
  lines[#lines + 1] = line
end

-- Bring in a group and return what there is to say.
local function settle(rows)
  local done, said = {}, {}
  for _, row in ipairs(rows) do
    local job = watch.job(row.id)
    if not job then
      local line = unreadable(row)
      if line then add_once(said, line) end
    else
      see(row)
      if job.state == "done" then done[#done + 1] = {job = job, mark = row.mark} end
      if job.state == "failed" and not is_offered_repaint(row, job) then add_once(said, failure(job)) end
    end
  end
  if #done > 0 then
    local _, lines = deliver.together(rows[1].project, done)
    for _, line in ipairs(lines) do add_once(said, line) end
  end
  for _, row in ipairs(rows) do
    if dealt[row.id] then
      memory.strike(row.project, row.id)
      if not memory.kept(row.project)[row.id] then pieces.forget(row.project, row.id) end
    end
  end
  return said
end

--- Deal with what is due; `rows` as from `watch.recent`, `turn` counts turns.
function M.step(rows, turn)
  local all = {table.unpack(rows)}
  for _, row in ipairs(older(rows, turn)) do all[#all + 1] = row end
  local group = next_group(all)
  if not group then return end
  local said = settle(group)
  if #said > 0 then say.tell(table.concat(said, "\n\n")) end
end

return M
