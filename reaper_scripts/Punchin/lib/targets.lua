-- @noindex
-- Which jobs an op on a selection becomes, or what the musician should select instead.
-- A target is `{entry or nil, track, start_s, end_s, clip_start_s, clip_end_s, whole_track}`.

local selection = require "selection"

local M = {}

-- Ops that work on a part of each item, one job an item.
M.EACH = {repaint = true, cover = true, retake = true, edit = true, extend = true}
-- Ops that hear a track's items together.
M.TOGETHER = {bgm = true, layer = true, stems = true, analyze = true}

local function audio_only(items)
  local out, lost = {}, 0
  for _, entry in ipairs(items) do
    if entry.kind == "audio" then out[#out + 1] = entry else lost = lost + 1 end
  end
  return out, lost
end

local function none(items, lost)
  if #items == 0 and lost == 0 then return "No item is selected: select an audio item, then try again." end
  return "The selected item has no audio (it is MIDI or empty): select an audio item, then try again."
end

local function each(op, chosen, time)
  local out = {}
  for _, entry in ipairs(chosen) do
    local part = op == "extend" and selection.part(entry, nil) or selection.part(entry, time)
    if part and entry.length_s > 0 then
      out[#out + 1] = {
        entry = entry, track = entry.track, start_s = part.start_s, end_s = part.end_s,
        clip_start_s = entry.position_s, clip_end_s = entry.end_s,
      }
    end
  end
  if #out > 0 then return out end
  return nil, "The time selection does not touch the selected item: make them overlap, then try again."
end

local function together(chosen, time)
  local track = chosen[1].track
  local start_s, end_s = math.huge, -math.huge
  for _, entry in ipairs(chosen) do
    if entry.track ~= track then return nil, "The selected items lie on different tracks: select items of one track." end
    local part = selection.part(entry, time)
    if part then start_s, end_s = math.min(start_s, part.start_s), math.max(end_s, part.end_s) end
  end
  if end_s <= start_s then
    return nil, "The time selection does not touch the selected item: make them overlap, then try again."
  end
  local only = #chosen == 1 and chosen[1] or nil
  return {{
    entry = only, track = track, start_s = start_s, end_s = end_s,
    clip_start_s = start_s, clip_end_s = end_s, whole_track = only == nil,
  }}
end

--- Return the targets of an op, or nil and one line for the musician.
function M.of(op, gathered)
  if op == "generate" then
    local time = gathered.time
    if not time then return nil, "No time is selected: drag over the bars that shall be made, then try again." end
    return {{start_s = time.start_s, end_s = time.end_s, clip_start_s = time.start_s, clip_end_s = time.end_s}}
  end
  local chosen, lost = audio_only(gathered.items)
  if #chosen == 0 then return nil, none(gathered.items, lost) end
  if op == "repaint" and not gathered.time then
    return nil, "No time is selected: drag over the bars that shall be new, then try again."
  end
  if M.EACH[op] then return each(op, chosen, gathered.time) end
  return together(chosen, gathered.time)
end

return M
