-- @noindex
-- From a target to a request: which file, which samples of it, which grid, which words.

local clip = require "clip"
local export = require "export"
local files = require "files"
local grid = require "grid"
local memory = require "memory"
local project = require "project"
local request = require "request"
local settings = require "settings"
local targets = require "targets"
local words = require "words"

local M = {}

-- Facts that delivery needs to put the result where it belongs; kept in the project.
local function facts_of(op, target, from_s)
  local facts = {op = op, start_s = target.start_s, end_s = target.end_s, from_s = from_s, sent_at = os.time()}
  local entry = target.entry
  if entry then
    local _, take_guid = reaper.GetSetMediaItemTakeInfo_String(entry.take, "GUID", "", false)
    facts.item, facts.take, facts.position_s = entry.guid, take_guid, entry.position_s
    facts.offset_s = reaper.GetMediaItemTakeInfo_Value(entry.take, "D_STARTOFFS")
    facts.playrate = reaper.GetMediaItemTakeInfo_Value(entry.take, "D_PLAYRATE")
  end
  if target.track then
    local _, track_guid = reaper.GetSetMediaTrackInfo_String(target.track, "GUID", "", false)
    facts.track = track_guid
  end
  return facts
end

local function region_keys(op, target, at, clip_start, clip_end)
  local keys = {start_frame = at(target.start_s), end_frame = at(target.end_s)}
  if targets.PUNCH[op] then
    keys.clip_start_frame, keys.clip_end_frame = clip_start, clip_end
  end
  return keys
end

local function add_words(keys, proj, target)
  local told = words.of(proj, target.entry and target.entry.item, target.start_s, target.end_s)
  keys.lyrics, keys.prompt = keys.lyrics or told.lyrics, keys.prompt or told.prompt
  if told.lyrics ~= "" then keys.language = told.language end
end

local function add_all(into, more)
  for key, value in pairs(more) do
    if into[key] == nil then into[key] = value end
  end
end

-- An item that is a result of ours is varied from its own recipe, not from its sound.
local function own_result(op, target)
  if op ~= "retake" or not target.entry then return nil end
  local facts = memory.recall(target.entry.take)
  return facts and facts.job and facts.job .. ":" .. (facts.take or 1) or nil
end

local function finish(op, proj, target, keys, source, facts)
  local folder = project.own_folder(proj)
  local ok, reason = files.writable(folder)
  if not ok then return nil, reason end
  local mark = {
    project = project.id(proj), item = target.entry and target.entry.guid, op = op,
    start_s = target.start_s, end_s = target.end_s,
  }
  local address, args, id = request.build(op, {
    source = source, keys = keys, mark = mark, folder = folder,
  })
  return {address = address, args = args, id = id, project = proj, take = target.entry and target.entry.take, facts = facts}
end

local function generated(proj, target, keys)
  add_all(keys, grid.of(proj, target.start_s, target.end_s, function(s) return s - target.start_s end))
  add_words(keys, proj, target)
  keys.seconds = target.end_s - target.start_s
  return finish("generate", proj, target, keys, nil, facts_of("generate", target, target.start_s))
end

local function from_file(op, proj, target, keys, plain)
  local function source_second(s) return (s - target.entry.position_s) + plain.start_frame / plain.rate end
  add_all(keys, region_keys(op, target, plain.at, plain.start_frame, plain.end_frame))
  add_all(keys, grid.of(proj, target.clip_start_s, target.clip_end_s, source_second))
  keys["of"] = own_result(op, target)
  add_words(keys, proj, target)
  return finish(op, proj, target, keys, plain.path, facts_of(op, target, nil))
end

-- What the musician changes while the export runs is none of this job's business: everything is
-- as it was when the key was pressed.
local function exported(op, proj, target, keys, job)
  local from_s, facts = target.clip_start_s, facts_of(op, target, target.clip_start_s)
  local function at(s) return math.max(0, math.floor((s - from_s) * job.rate + 0.5)) end
  add_all(keys, region_keys(op, target, at, 0, job.frames))
  add_all(keys, grid.of(proj, from_s, target.clip_end_s, function(s) return s - from_s end))
  keys["of"] = own_result(op, target)
  add_words(keys, proj, target)
  return function() return finish(op, proj, target, keys, job.path, facts) end
end

local function begin_export(proj, target)
  local rate, from_s, to_s = project.rate(proj), target.clip_start_s, target.clip_end_s
  if target.whole_track then return export.track(proj, target.track, from_s, to_s, rate) end
  -- The whole item, since the take that comes back plays all of it.
  return export.take(proj, target.entry, from_s, to_s, rate)
end

--- Begin to ask for an op on a target, with `more` keys from a dialog. Returns `step`, which gives
--- "more" while it exports, then the request `{address, args, id, project, take, facts}`; nil and the
--- reason where it can't be. The item is looked at now and not again.
function M.begin(op, proj, target, more)
  local keys = {}
  add_all(keys, more or {})
  if op == "extend" and not keys.bars then keys.bars = settings.number("bars") or 4 end
  if op == "layer" and not keys.track then keys.track = settings.get("track") end
  local plain = target.entry and not target.whole_track and clip.plain(target.entry)
  if op == "generate" or plain then
    local request, reason
    if plain then request, reason = from_file(op, proj, target, keys, plain) else request, reason = generated(proj, target, keys) end
    if not request then return nil, reason end
    return {step = function() return request end}
  end
  local job, reason = begin_export(proj, target)
  if not job then return nil, reason end
  local done = exported(op, proj, target, keys, job)
  return {
    step = function()
      local state, why = job:step()
      if state == "done" then return done() end
      return state, why
    end,
    cancel = function() job:cancel() end,
  }
end

return M
