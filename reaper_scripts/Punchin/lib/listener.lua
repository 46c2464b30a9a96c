-- @noindex
-- The one script that stays: brings finished jobs into their projects, shows progress, follows the
-- chosen take, builds peaks. Actions start it when it is not there.

local context = require "context"
local deliver = require "deliver"
local memory = require "memory"
local peaks = require "peaks"
local place_take = require "place_take"
local say = require "say"
local takes = require "takes"
local watch = require "watch"

local M = {}

local SECTION, BEAT = "punchin", "listener"
local ALIVE_S = 2.0 -- a heartbeat this old is none
local EVERY_S = 0.2
local CHOSEN_EVERY_S = 1.0
local LAST_FEW = 5

--- Whether a listener runs in this REAPER.
function M.is_running()
  local beat_s = tonumber(reaper.GetExtState(SECTION, BEAT))
  return beat_s ~= nil and math.abs(reaper.time_precise() - beat_s) < ALIVE_S
end

--- Start the listener as an action of its own, unless one runs.
function M.ensure()
  if M.is_running() then return end
  local folder = debug.getinfo(1, "S").source:match("^@(.*)[/\\]lib[/\\][^/\\]*$")
  local path = folder .. package.config:sub(1, 1) .. "punchin_Background listener.lua"
  local command = reaper.AddRemoveReaScript(true, 0, path, true)
  if command ~= 0 then reaper.Main_OnCommandEx(command, 0, 0) end
end

-- Ids that were dealt with are kept in the project, so that nothing is brought in twice.
local function seen(proj)
  local _, text = reaper.GetProjExtState(proj, SECTION, "seen")
  return text
end

local MOST_SEEN = 100

--- Note that an ended job was dealt with in this project.
function M.mark_seen(proj, id)
  local ids = {}
  for each in (seen(proj) .. " " .. id):gmatch("%S+") do ids[#ids + 1] = each end
  reaper.SetProjExtState(proj, SECTION, "seen", table.concat(ids, " ", math.max(1, #ids - MOST_SEEN + 1)))
end

local function was_seen(proj, id) return (" " .. seen(proj) .. " "):find(" " .. id .. " ", 1, true) ~= nil end

local function failure(job)
  local told = type(job.error) == "table" and job.error.message
  return told or "the job failed: see punchin job " .. job.id
end

-- Deal with one ended job; nothing happens twice, also when REAPER stops in between.
local function settle(row)
  local job = watch.job(row.id)
  if not job then return end
  M.mark_seen(row.project, row.id)
  if job.state == "done" then
    deliver.deliver(row.project, job, row.mark)
  elseif job.state == "failed" then
    say.tell(failure(job))
  end
  memory.strike(row.project, row.id)
end

local function progress(rows)
  local running = {}
  for _, row in ipairs(rows) do
    if not row.ended then running[#running + 1] = ("%s %d%%"):format(row.op, math.floor(row.fraction * 100)) end
  end
  local text = table.concat(running, " · ")
  reaper.SetExtState(SECTION, "progress", text, false)
  return text
end

-- A take that was accepted elsewhere (a pad, the command line) becomes the active one here. What was
-- chosen before this listener began (`old`) was followed then, and may have been changed by hand since.
local function follow_chosen(rows, known, old)
  local looked = 0
  for _, row in ipairs(rows) do
    if row.state == "done" and looked < LAST_FEW then
      looked = looked + 1
      local job = watch.job(row.id)
      local number = job and math.tointeger(job.chosen)
      if number and known[row.id] ~= number then
        if old then
          known[row.id] = number
        elseif takes.may_follow(row.id, number) then
          known[row.id] = number
          place_take.choose(row.project, row.id, number)
        end
      end
    end
  end
end

--- Run until REAPER ends or the script is stopped.
function M.run()
  local due_s, chosen_due_s, chosen, shown = 0, 0, {}, nil
  local selected = context.new()
  local before = {}
  for _, row in ipairs(watch.recent() or {}) do
    if was_seen(row.project, row.id) then before[#before + 1] = row end
  end
  follow_chosen(before, chosen, true)
  local function turn()
    local now_s = reaper.time_precise()
    selected:step(now_s)
    if now_s >= due_s then
      due_s = now_s + EVERY_S
      reaper.SetExtState(SECTION, BEAT, ("%.3f"):format(now_s), false)
      local rows = watch.recent() or {}
      for _, row in ipairs(rows) do
        if row.ended and not was_seen(row.project, row.id) then settle(row) end
      end
      local text = progress(rows)
      if text ~= shown then
        reaper.Help_Set(text ~= "" and "Punchin: " .. text or "", true)
        shown = text
      end
      if now_s >= chosen_due_s then
        chosen_due_s = now_s + CHOSEN_EVERY_S
        follow_chosen(rows, chosen)
      end
    end
    peaks.step()
    reaper.defer(turn)
  end
  reaper.atexit(function() reaper.DeleteExtState(SECTION, BEAT, false) end)
  turn()
end

return M
