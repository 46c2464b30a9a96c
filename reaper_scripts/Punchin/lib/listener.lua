-- @noindex
-- The one script that stays: brings finished jobs into their projects, shows progress, follows the
-- chosen take, builds peaks. Actions start it when it is not there.

local away = require "away"
local collect = require "collect"
local context = require "context"
local memory = require "memory"
local peaks = require "peaks"
local place_take = require "place_take"
local say = require "say"
local settle = require "settle"
local takes = require "takes"
local watch = require "watch"

local M = {}

local SECTION, BEAT, START = "punchin", "listener", "listener.start"
local ALIVE_S = 2.0 -- a heartbeat this old is none
local EVERY_S = 0.2
local CHOSEN_EVERY_S = 1.0
local LAST_FEW = 5

local function is_fresh(key)
  local beat_s = tonumber(reaper.GetExtState(SECTION, key))
  return beat_s ~= nil and math.abs(reaper.time_precise() - beat_s) < ALIVE_S
end

local function beat(key) reaper.SetExtState(SECTION, key, ("%.3f"):format(reaper.time_precise()), false) end

--- Whether a listener runs in this REAPER.
function M.is_running() return is_fresh(BEAT) end

--- Start the listener as an action of its own, unless one runs or was just started.
function M.ensure()
  if M.is_running() or is_fresh(START) then return end
  local folder = debug.getinfo(1, "S").source:match("^@(.*)[/\\]lib[/\\][^/\\]*$")
  local path = folder .. package.config:sub(1, 1) .. "punchin_Background listener.lua"
  local command = reaper.AddRemoveReaScript(true, 0, path, true)
  if command == 0 then return end
  beat(START)
  reaper.Main_OnCommandEx(command, 0, 0)
end

--- Note that an ended job was dealt with in this project.
function M.mark_seen(proj, id) memory.see(proj, id) end

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

-- A mistake in one part must not end the others; it is told in the console, once.
local function guarded(told, part, ...)
  local ok, trouble = pcall(part, ...)
  if ok or told[trouble] then return end
  told[trouble] = true
  say.note("the background listener goes on after a mistake: " .. tostring(trouble))
end

-- What was chosen before this listener began.
local function chosen_before()
  local before, known = {}, {}
  for _, row in ipairs(watch.recent() or {}) do
    if memory.was_seen(row.project, row.id) then before[#before + 1] = row end
  end
  follow_chosen(before, known, true)
  return known
end

-- A listener: `look(now_s)` does what is due a few times a second.
local function new_listener()
  local self = {looks = 0, told = {}, chosen = {}, chosen_due_s = 0, shown = nil}
  guarded(self.told, function() self.chosen = chosen_before() end)
  function self.look(now_s)
    self.looks = self.looks + 1
    local rows = watch.recent() or {}
    guarded(self.told, settle.step, rows, self.looks)
    guarded(self.told, away.step, rows, now_s)
    guarded(self.told, collect.step)
    local text = progress(rows)
    if text ~= self.shown then reaper.Help_Set(text ~= "" and "Punchin: " .. text or "", true) end
    self.shown = text
    if now_s >= self.chosen_due_s then
      self.chosen_due_s = now_s + CHOSEN_EVERY_S
      guarded(self.told, follow_chosen, rows, self.chosen)
    end
  end
  return self
end

--- Run until REAPER ends or the script is stopped; returns at once when another one runs.
function M.run()
  if M.is_running() then return say.note("the background listener runs already.") end
  local own, due_s = new_listener(), 0
  local selected = context.new()
  local function turn()
    local now_s = reaper.time_precise()
    guarded(own.told, selected.step, selected, now_s)
    if now_s >= due_s then
      due_s = now_s + EVERY_S
      beat(BEAT)
      guarded(own.told, own.look, now_s)
    end
    guarded(own.told, peaks.step)
    reaper.defer(turn)
  end
  reaper.atexit(function()
    reaper.DeleteExtState(SECTION, BEAT, false)
    selected:close()
  end)
  turn()
end

return M
