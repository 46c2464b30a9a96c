-- @noindex
-- Writes a part of a take or of a track, before its effects, to a float WAV file: a piece each turn
-- of the defer loop, so that REAPER's window stays alive. Used where the file itself can't be sent.

local files = require "files"
local project = require "project"
local wav = require "wav"

local M = {}

local FRAMES_A_STEP = 65536
local MOST_CHANNELS = 2

local Export = {}
Export.__index = Export

-- Give the accessor back; must happen however the export ends.
function Export:_release()
  if self.accessor then reaper.DestroyAudioAccessor(self.accessor) end
  self.accessor = nil
end

-- Stop and remove what was written.
function Export:cancel()
  self:_release()
  if self.writer then self.writer:abandon() end
  self.writer = nil
end

-- Write one piece: "more", "done", or nil and the reason.
function Export:step()
  local count = math.min(FRAMES_A_STEP, self.frames - self.written)
  self.buffer.clear()
  local at_s = self.start_s + self.written / self.rate
  local got = reaper.GetAudioAccessorSamples(self.accessor, self.rate, self.channels, at_s, count, self.buffer)
  local ok, reason = got >= 0, "REAPER gave no samples"
  if ok then ok, reason = self.writer:add(self.buffer, count) end
  if not ok then
    self:cancel()
    return nil, reason
  end
  self.written = self.written + count
  if self.written < self.frames then return "more" end
  self:_release()
  ok, reason = self.writer:close()
  self.writer = nil
  if not ok then
    os.remove(self.path)
    return nil, reason
  end
  return "done"
end

local function begin(proj, accessor, start_s, length_s, rate, channels)
  local frames = math.floor(length_s * rate + 0.5)
  local name = "export-" .. reaper.genGuid(""):gsub("[{}]", "") .. ".wav"
  local path = files.join(project.own_folder(proj), name)
  local writer, reason = wav.open(path, rate, channels)
  if not writer then
    reaper.DestroyAudioAccessor(accessor)
    return nil, reason
  end
  return setmetatable({
    accessor = accessor, writer = writer, path = path, rate = rate, channels = channels,
    frames = frames, written = 0, start_s = start_s,
    buffer = reaper.new_array(FRAMES_A_STEP * channels),
  }, Export)
end

--- Begin to export a take from `from_s` to `to_s` (project seconds) at `rate` Hz.
function M.take(proj, entry, from_s, to_s, rate)
  local source = reaper.GetMediaItemTake_Source(entry.take)
  local channels = math.max(1, math.min(MOST_CHANNELS, reaper.GetMediaSourceNumChannels(source)))
  local accessor = reaper.CreateTakeAudioAccessor(entry.take)
  if not accessor then return nil, "REAPER can't read this take" end
  local own_s = reaper.GetAudioAccessorStartTime(accessor)
  return begin(proj, accessor, own_s + from_s - entry.position_s, to_s - from_s, rate, channels)
end

--- Begin to export what a track plays from `from_s` to `to_s`: all its items, before its effects.
function M.track(proj, track, from_s, to_s, rate)
  local accessor = reaper.CreateTrackAudioAccessor(track)
  if not accessor then return nil, "REAPER can't read this track" end
  return begin(proj, accessor, from_s, to_s - from_s, rate, MOST_CHANNELS)
end

return M
