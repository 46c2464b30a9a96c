-- @noindex
-- Tells the daemon what is selected, so that a pad's `/punchin/do repaint` acts on it and its result
-- comes home. Sent when it changed and then held for a moment; only what the daemon does not know.

local clip = require "clip"
local daemon = require "daemon"
local grid = require "grid"
local json = require "json"
local link = require "link"
local project = require "project"
local selection = require "selection"
local settings = require "settings"
local tags = require "tags"
local words = require "words"

local M = {}

local LOOK_EVERY_S = 0.05
local HOLD_S = 0.15 -- a selection that is still being dragged is not told
local DAEMON_EVERY_S = 1.0
local MOST_LOOKED_AT = 16 -- selected items, to find one with audio

-- The first selected item with audio. REAPER's own search is quicker here than a loop over all items.
local function selected_entry(proj)
  for index = 0, math.min(reaper.CountSelectedMediaItems(proj), MOST_LOOKED_AT) - 1 do
    local entry = selection.entry(reaper.GetSelectedMediaItem(proj, index))
    if entry.kind == "audio" then return entry end
  end
end

-- What changes when the selection or what belongs to it does; cheap, taken many times a second.
local function fingerprint()
  local proj = project.current()
  local start_s, end_s = reaper.GetSet_LoopTimeRange2(proj, false, false, 0, 0, false)
  local count = reaper.CountSelectedMediaItems(proj)
  local first = count > 0 and project.guid(reaper.GetSelectedMediaItem(proj, 0)) or "-"
  return table.concat({
    tostring(proj), start_s, end_s, count, first, reaper.GetProjectStateChangeCount(proj),
    settings.get("lyrics"), settings.get("prompt"), settings.get("bars"),
  }, "\0")
end

local function region_of(entry, time)
  local part = entry and selection.part(entry, time)
  local plain = part and clip.plain(entry)
  return plain, part
end

-- A new source forgets its place, and a place makes a region of REAPER's own time selection, which
-- comes in coarser numbers: so the exact region is told before and after it.
local function about_clip(proj, out, entry, plain, part)
  local region = {plain.path, plain.at(part.start_s), plain.at(part.end_s), plain.start_frame, plain.end_frame}
  local offset_s = plain.start_frame / plain.rate
  local source_s = entry.position_s - offset_s
  local function source_second(s) return s - source_s end
  local keys = grid.of(proj, entry.position_s, entry.end_s, source_second)
  out[#out + 1] = {address = "/punchin/region_frames", args = region}
  out[#out + 1] = {address = "/punchin/place", args = {source_s, reaper.TimeMap2_timeToQN(proj, source_s)}}
  out[#out + 1] = {address = "/punchin/region_frames", args = region}
  out[#out + 1] = {address = "/punchin/downbeat", args = {keys.downbeat or ""}}
  out[#out + 1] = {address = "/punchin/tempomap", args = {keys.tempomap or ""}}
end

local function about_tempo(proj, out, at_s)
  local beats, unit, bpm = reaper.TimeMap_GetTimeSigAtTime(proj, at_s)
  out[#out + 1] = {address = "/punchin/tempo", args = {bpm + 0.0, math.floor(beats), math.floor(unit)}}
end

local function about_words(proj, out, entry, part)
  local told = words.of(proj, entry and entry.item, part.start_s, part.end_s)
  out[#out + 1] = {address = "/punchin/lyrics", args = {told.lyrics}}
  if told.lyrics ~= "" and told.language ~= "" then out[#out].args[2] = told.language end
  out[#out + 1] = {address = "/punchin/prompt", args = {told.prompt}}
end

-- Where results go, and how long new music is: as the settings have it beside a clip, else as long
-- as the time that is selected.
local function about_results(proj, out, entry, part)
  local mark = {
    project = project.id(proj), item = entry and entry.guid, op = "any", start_s = part.start_s, end_s = part.end_s,
  }
  local bars = entry and (settings.number("bars") or 4) or ""
  out[#out + 1] = {address = "/punchin/set", args = {
    "tag", tags.tag(mark), "folder", project.own_folder(proj), "bars", bars,
    "seconds", entry and "" or part.end_s - part.start_s,
  }}
end

local NOTHING = {
  {address = "/punchin/region_frames", args = {""}}, {address = "/punchin/place", args = {""}},
  {address = "/punchin/lyrics", args = {""}}, {address = "/punchin/prompt", args = {""}},
  {address = "/punchin/set", args = {"tag", "", "folder", "", "bars", "", "seconds", ""}},
}

--- Return the messages that tell what is selected in the project in front.
function M.messages()
  local proj = project.current()
  local time, entry, out = selection.time(proj), selected_entry(proj), {}
  local plain, part = region_of(entry, time)
  if plain then
    about_clip(proj, out, entry, plain, part)
  elseif time and not entry then
    entry, part = nil, time
    out[1], out[2] = NOTHING[1], NOTHING[2]
  else
    return NOTHING
  end
  about_tempo(proj, out, part.start_s)
  about_words(proj, out, entry, part)
  about_results(proj, out, entry, part)
  return out
end

local Context = {}
Context.__index = Context

-- A daemon that came or came again knows nothing yet.
function Context:_daemon(now_s)
  if now_s < self.daemon_due_s then return end
  self.daemon_due_s = now_s + DAEMON_EVERY_S
  local facts = daemon.facts()
  local pid = facts and facts.pid
  if pid ~= self.pid then self.pid, self.known, self.print = pid, nil, nil end
end

function Context:_send(messages)
  local text = json.encode(json.list(messages))
  -- A daemon is not told about nothing, only that something is no longer selected.
  if text == self.known or (messages == NOTHING and self.known == nil) then return end
  local way = link.open()
  if self.way and not self.way:taken(self.ticket) then self.way:drop(self.ticket) end
  self.way, self.ticket = way, way:bundle(messages)
  if not self.ticket then self.way = nil return end
  self.known = text
end

--- Look, and send what changed when it has held still; call it every turn.
function Context:step(now_s)
  if now_s < self.due_s then return end
  self.due_s = now_s + LOOK_EVERY_S
  self:_daemon(now_s)
  if not self.pid then return end
  local print = fingerprint()
  if print ~= self.print then
    self.print, self.changed_s = print, now_s
  elseif self.changed_s and now_s - self.changed_s >= HOLD_S then
    self.changed_s = nil
    self:_send(M.messages())
  end
end

--- Take back what was told: with this REAPER its selection is gone.
function Context:close()
  if self.pid and daemon.facts() then self:_send(NOTHING) end
end

--- Return what follows the selection of this REAPER: call its `step(now_s)`.
function M.new() return setmetatable({due_s = 0.0, daemon_due_s = 0.0}, Context) end

return M
