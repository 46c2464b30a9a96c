-- @noindex
-- Which jobs an op on a selection becomes, or what the musician should select instead.
-- A target is `{entry or nil, track, start_s, end_s, clip_start_s, clip_end_s, whole_track}`.

local clip = require "clip"
local selection = require "selection"

local M = {}

-- Ops that work on each item, one job an item; the results go on the items.
M.EACH = {repaint = true, cover = true, retake = true, edit = true, extend = true}
-- Ops that hear a track's items together.
M.TOGETHER = {bgm = true, layer = true, stems = true, analyze = true}
-- Ops that replace the selected time of an item; the other ones of EACH take all of it.
M.PUNCH = {repaint = true, edit = true}

local NO_TIME = "No time is selected: drag over the bars that shall be %s, then try again."
local APART = "The time selection does not touch the selected item: make them overlap, then try again."
local SHORTEST_S = 0.01

local function none(items)
  if #items == 0 then return "No item is selected: select an audio item, then try again." end
  return "The selected item has no audio (it is MIDI or empty): select an audio item, then try again."
end

-- What keeps an item from being worked on, as a line for the musician; nil when nothing does.
local function hurdle(op, entry)
  local offline = clip.offline(entry.take)
  if offline then
    return ("The selected item's file is missing (%s): connect its drive or relink the file, then try again."):format(offline)
  end
  if entry.length_s < SHORTEST_S then
    return "The selected item is shorter than 10 ms: make it longer or select another one, then try again."
  end
  if entry.locked and M.EACH[op] then return "The selected item is locked: unlock it, then try again." end
end

-- The items that can be worked on, or nil and why there is none.
local function usable(op, items)
  local out, why = {}, none(items)
  for _, entry in ipairs(items) do
    if entry.kind == "audio" then
      local trouble = hurdle(op, entry)
      if trouble then why = trouble else out[#out + 1] = entry end
    end
  end
  if #out == 0 then return nil, why end
  return out
end

local function each(op, chosen, time)
  local out = {}
  for _, entry in ipairs(chosen) do
    local part = selection.part(entry, M.PUNCH[op] and time or nil)
    if part then
      out[#out + 1] = {
        entry = entry, track = entry.track, start_s = part.start_s, end_s = part.end_s,
        clip_start_s = entry.position_s, clip_end_s = entry.end_s,
      }
    end
  end
  if #out == 0 then return nil, APART end
  return out
end

local function together(chosen, time)
  local track, heard = chosen[1].track, {}
  local start_s, end_s = math.huge, -math.huge
  for _, entry in ipairs(chosen) do
    if entry.track ~= track then
      return nil, "The selected items lie on different tracks: select items of one track, then try again."
    end
    local part = selection.part(entry, time)
    if part then
      heard[#heard + 1] = entry
      start_s, end_s = math.min(start_s, part.start_s), math.max(end_s, part.end_s)
    end
  end
  if #heard == 0 then return nil, APART end
  local only = #heard == 1 and heard[1] or nil
  return {{
    entry = only, track = track, start_s = start_s, end_s = end_s,
    clip_start_s = start_s, clip_end_s = end_s, whole_track = only == nil,
  }}
end

--- Return the targets of an op, or nil and one line for the musician.
function M.of(op, gathered)
  local time = gathered.time
  if op == "generate" then
    if not time then return nil, NO_TIME:format("made") end
    return {{start_s = time.start_s, end_s = time.end_s, clip_start_s = time.start_s, clip_end_s = time.end_s}}
  end
  local chosen, why = usable(op, gathered.items)
  if not chosen then return nil, why end
  if op == "repaint" and not time then return nil, NO_TIME:format("new") end
  if M.EACH[op] then return each(op, chosen, time) end
  return together(chosen, time)
end

return M
