-- @noindex
-- What the panel shows and does, without drawing: jobs, words, presets, takes of the selected item.

local audition = require "audition"
local cancel = require "cancel"
local daemon = require "daemon"
local jobs = require "jobs"
local json = require "json"
local lyrics = require "lyrics"
local memory = require "memory"
local post = require "post"
local project = require "project"
local selection = require "selection"
local settings = require "settings"
local takes = require "takes"
local watch = require "watch"
local words = require "words"

local M = {}

local LOOK_EVERY_S = 0.1
local MOST_ASKED = 3
local MOST_ENDED = 4 -- jobs that are over and still listed

--- The actions of the panel in order: label, op, and what goes with it.
M.ACTIONS = {
  {label = "Repaint", op = "repaint"}, {label = "Retake", op = "retake"}, {label = "Cover", op = "cover"},
  {label = "Edit", op = "edit"}, {label = "Extend left", op = "extend", more = {side = "before"}},
  {label = "Extend right", op = "extend", more = {side = "after"}}, {label = "Vocal to BGM", op = "bgm"},
  {label = "Layer", op = "layer"}, {label = "Stems", op = "stems"}, {label = "Generate", op = "generate"},
}

local Model = {}
Model.__index = Model

-- -- jobs ----------------------------------------------------------------------------------------

local function job_row(row)
  return {id = row.id, op = row.op, state = row.state, fraction = row.fraction, ended = row.ended}
end

-- Open jobs first, then the last few that ended.
local function job_rows(own)
  local open, ended = {}, {}
  for _, row in ipairs(watch.recent() or {}) do
    if row.mark.project == own then
      local list = row.ended and ended or open
      if not row.ended or #ended < MOST_ENDED then list[#list + 1] = job_row(row) end
    end
  end
  return table.move(ended, 1, #ended, #open + 1, open)
end

--- Cancel a job.
function Model:cancel(id)
  cancel.one(project.current(), id, function(wrong) self.message = wrong or "" end)
end

--- Start an action on the selection, by its label.
function Model:press(label)
  for _, action in ipairs(M.ACTIONS) do
    if action.label == label and action.op == "edit" then return lyrics.sing() end
    if action.label == label then return jobs.start(action.op, action.more) end
  end
end

--- Choose the instrument that Layer adds.
function Model:set_track(name)
  settings.set("track", name)
  self:look()
end

-- -- words ---------------------------------------------------------------------------------------

-- The words belong to the selected item when it has any of its own, else they are everybody's.
local function words_of(entry)
  local own_lyrics, own_prompt = "", ""
  if entry then
    local _, notes = reaper.GetSetMediaItemInfo_String(entry.item, "P_NOTES", "", false)
    own_lyrics, own_prompt = words.of_notes(notes)
  end
  return {
    prompt = own_prompt ~= "" and own_prompt or settings.get("prompt"),
    lyrics = own_lyrics ~= "" and own_lyrics or settings.get("lyrics"),
    on_item = own_prompt ~= "" or own_lyrics ~= "",
    own_lyrics = own_lyrics, own_prompt = own_prompt,
  }
end

--- Keep the prompt or the lyrics (`name`) of an entry of `selection`, or everybody's for nil.
function Model:write(entry, name, text)
  local proj = project.current()
  if entry and not reaper.ValidatePtr2(proj, entry.item, "MediaItem*") then return end
  local told = words_of(entry)
  if told.on_item then
    local own_lyrics = name == "lyrics" and text or told.own_lyrics
    local own_prompt = name == "prompt" and text:gsub("\n", ", ") or told.own_prompt
    lyrics.write(proj, {{item = entry.item, lyrics = own_lyrics, prompt = own_prompt}})
  else
    settings.set(name, text)
  end
  self:look()
end

-- -- takes ---------------------------------------------------------------------------------------

local function take_rows(entry, listening)
  local rows = {}
  for index = 0, entry and reaper.CountTakes(entry.item) - 1 or -1 do
    local take = reaper.GetTake(entry.item, index)
    if take then
      local facts = memory.recall(take)
      rows[#rows + 1] = {
        take = take, name = reaper.GetTakeName(take), active = take == entry.take,
        plays = listening:plays(take), seed = facts and math.tointeger(facts.seed) or nil,
      }
    end
  end
  return rows
end

-- A row may be older than what was done in REAPER since.
local function is_there(row) return reaper.ValidatePtr2(project.current(), row.take, "MediaItem_Take*") end

--- Listen to a take, or stop listening to it.
function Model:play(row)
  if not is_there(row) then return self:look() end
  if row.plays then self.listening:stop() else self.listening:play(project.current(), row.take) end
  self:look()
end

--- Make a take the active one.
function Model:swap(row)
  self.listening:stop()
  if not is_there(row) then return self:look() end
  takes.activate(project.current(), {row.take}, "Choose take")
  self:look()
end

--- Keep the seed: with it the same request gives the same sound. It is the active take's where that
--- has one, else the one in Settings.
function Model:lock_seed(on)
  local seed = self.active_seed or settings.number("seed") or 0
  settings.set("seed", on and tostring(seed) or "")
  self:look()
end

-- -- presets and the daemon ----------------------------------------------------------------------

local function named(list)
  local out = {}
  for _, one in ipairs(type(list) == "table" and list or {}) do
    out[#out + 1] = {name = one.name, description = type(one.description) == "string" and one.description or ""}
  end
  return out
end

-- Ask for the presets once for each daemon, a few times if it does not answer.
function Model:_ask_presets(pid)
  if self.asking or self.asked == MOST_ASKED then return end
  self.asking, self.asked = true, self.asked + 1
  post.send("/punchin/presets", {}, function(answers)
    local args = post.find(answers, "/punchin/presets.reply")
    local told = args and json.decode(args[1])
    self.asking = false
    if type(told) ~= "table" then return end
    self.told_by, self.asked = pid, 0
    local all = named(told.tasks)
    self.presets = table.move(named(told.styles), 1, #(told.styles or {}), #all + 1, all)
  end)
end

--- Use a preset, "" for none.
function Model:set_preset(name)
  settings.set("preset", name)
  self.preset = name
end

-- -- turns ---------------------------------------------------------------------------------------

--- Look at everything now.
function Model:look()
  local proj = project.current()
  -- REAPER's own search: a loop over all items would be too slow, ten times a second.
  self.selected = reaper.CountSelectedMediaItems(proj)
  self.entry = self.selected > 0 and selection.entry(reaper.GetSelectedMediaItem(proj, 0)) or nil
  self.time = selection.time(proj)
  self.jobs = job_rows(project.id(proj))
  self.words = words_of(self.entry)
  self.takes = take_rows(self.entry, self.listening)
  self.active_seed = nil
  for _, row in ipairs(self.takes) do
    if row.active then self.active_seed = row.seed end
  end
  self.seed, self.preset, self.track = settings.get("seed"), settings.get("preset"), settings.get("track")
  local facts = daemon.facts()
  self.daemon = facts ~= nil
  if facts and self.told_by ~= facts.pid then self:_ask_presets(facts.pid) end
  if not facts then self.asked = 0 end
end

--- Call every turn with the time.
function Model:step(now_s)
  self.listening:step()
  if now_s < self.due_s then return end
  self.due_s = now_s + LOOK_EVERY_S
  self:look()
end

--- Leave REAPER as it was.
function Model:close() self.listening:stop() end

--- Return what is selected, as one line.
function Model:headline()
  if not self.daemon then return "The daemon is not running." end
  local items = self.selected == 0 and "no item" or self.selected == 1 and "1 item" or self.selected .. " items"
  local time = self.time and ("%.2f s of time"):format(self.time.end_s - self.time.start_s) or "no time"
  return ("Selected: %s, %s."):format(items, time)
end

--- Return a model of the panel.
function M.new()
  local model = setmetatable({due_s = 0.0, presets = {}, asked = 0, message = "", listening = audition.new()}, Model)
  model:look()
  return model
end

return M
