-- @noindex
-- The musical grid of a stretch of the project, told in seconds of the source: tempo in quarter
-- notes a minute, metre, a bar line, and a tempo map where tempo or metre change inside.

local json = require "json"

local M = {}

local NEAR_S = 1e-6

-- A marker's own time may come back a rounding error early: its tempo counts from there on.
local function metre_at(proj, at_s)
  local beats, unit, bpm = reaper.TimeMap_GetTimeSigAtTime(proj, at_s + NEAR_S)
  return math.tointeger(beats) or math.floor(beats), math.tointeger(unit) or math.floor(unit), bpm
end

--- Return the bar line at or before a time of the project.
function M.bar_line(proj, at_s)
  local _, measure = reaper.TimeMap2_timeToBeats(proj, at_s + NEAR_S)
  return reaper.TimeMap2_beatsToTime(proj, 0, measure)
end

--- Return the time `bars` measures after a time, which may lie inside a bar.
function M.bars_after(proj, at_s, bars)
  local beat, measure = reaper.TimeMap2_timeToBeats(proj, at_s)
  return reaper.TimeMap2_beatsToTime(proj, beat, measure + bars)
end

-- Tempo markers from the one that governs `from_s` up to `to_s`, and one more where a ramp needs it.
local function markers(proj, from_s, to_s)
  local out, ramps = {}, false
  for index = 0, reaper.CountTempoTimeSigMarkers(proj) - 1 do
    local _, at_s, _, _, bpm, _, _, is_linear = reaper.GetTempoTimeSigMarker(proj, index)
    if at_s > to_s and not ramps then break end
    out[#out + 1] = {at_s = at_s, bpm = bpm, ramp = is_linear}
    ramps = is_linear
    if at_s > to_s then break end
  end
  return out
end

local function changes_inside(proj, rows, from_s, to_s)
  local beats, unit, bpm = metre_at(proj, from_s)
  local later_beats, later_unit, later_bpm = metre_at(proj, to_s - 2 * NEAR_S)
  if beats ~= later_beats or unit ~= later_unit or math.abs(bpm - later_bpm) > 1e-6 then return true end
  for _, row in ipairs(rows) do
    if row.at_s > from_s + NEAR_S and row.at_s < to_s - NEAR_S then return true end
  end
  return false
end

local function map_of(proj, rows, from_s, source_second)
  local beats, unit, bpm = metre_at(proj, from_s)
  local is_ramp = false
  for _, row in ipairs(rows) do
    if row.at_s <= from_s + NEAR_S then is_ramp = row.ramp end
  end
  local map = json.list({json.list({source_second(from_s), bpm, beats, unit, is_ramp and 1 or 0})})
  for _, row in ipairs(rows) do
    if row.at_s > from_s + NEAR_S then
      local b, u = metre_at(proj, row.at_s)
      map[#map + 1] = json.list({source_second(row.at_s), row.bpm, b, u, row.ramp and 1 or 0})
    end
  end
  return json.encode(map)
end

--- Return the keys `bpm`, `meter`, `downbeat`, and `tempomap` where it is needed, for the project's
--- time from `from_s` to `to_s`; `source_second(project_s)` says where in the source that is.
function M.of(proj, from_s, to_s, source_second)
  local bar_s = M.bar_line(proj, from_s)
  local rows = markers(proj, bar_s, to_s)
  local beats, unit, bpm = metre_at(proj, from_s)
  local keys = {bpm = bpm + 0.0, meter = beats .. "/" .. unit, downbeat = source_second(bar_s) + 0.0}
  if changes_inside(proj, rows, bar_s, to_s) then
    keys = {tempomap = map_of(proj, rows, bar_s, source_second), downbeat = keys.downbeat}
  end
  return keys
end

return M
