-- @noindex
-- Writes a part of a take or of a track, before its effects, to a float WAV file: a piece each turn
-- of the defer loop, so that REAPER's window stays alive. Used where the file itself can't be sent.
-- REAPER's accessors leave out take volume, pan and envelopes; they give all channels or none.

local files = require "files"
local project = require "project"
local wav = require "wav"

local M = {}

local FRAMES_A_STEP = 65536 -- of two channels; fewer where there are more
local MOST_CHANNELS = 64
local TRACK_CHANNELS = 2
local LAST_MONO_MODE = 66 -- channel modes 2…66 play one channel, those after them two

local Export = {}
Export.__index = Export

-- Give the accessor back; must happen however the export ends.
function Export:_release()
  -- When REAPER itself ends, no project is left and its accessors went with them.
  if self.accessor and reaper.EnumProjects(0) then reaper.DestroyAudioAccessor(self.accessor) end
  self.accessor = nil
end

-- Stop and remove what was written.
function Export:cancel()
  self:_release()
  if self.writer then self.writer:abandon() end
  self.writer = nil
end

function Export:_fail(reason)
  self:cancel()
  return nil, reason
end

function Export:_is_there()
  return project.is_open(self.project) and reaper.ValidatePtr2(self.project, self.owner, self.kind)
end

function Export:_open()
  local reason
  self.path = files.join(project.own_folder(self.project), "export-" .. reaper.genGuid(""):gsub("[{}]", "") .. ".wav")
  self.writer, reason = wav.open(self.path, self.rate, self.written_channels)
  return self.writer, reason
end

-- Write one piece: "more", "done", or nil and the reason.
function Export:step()
  if not self:_is_there() then return self:_fail("the item is gone or its project was closed") end
  if not self.writer then
    local opened, reason = self:_open()
    if not opened then return self:_fail(reason) end
  end
  local count = math.min(self.most, self.frames - self.written)
  self.buffer.clear()
  local at_s = self.start_s + self.written / self.rate
  local got = reaper.GetAudioAccessorSamples(self.accessor, self.rate, self.channels, at_s, count, self.buffer)
  if got < 0 then return self:_fail("REAPER gave no samples") end
  local ok, reason = self.writer:add(self.buffer, count, self.channels)
  if not ok then return self:_fail(reason) end
  self.written = self.written + count
  if self.written < self.frames then return "more" end
  return self:_finish()
end

function Export:_finish()
  self:_release()
  local ok, reason = self.writer:close()
  self.writer = nil
  if ok then return "done" end
  os.remove(self.path)
  return nil, reason
end

-- `written` of the accessor's `channels` go into the file.
local function begin(proj, owner, kind, accessor, start_s, length_s, rate, channels, written)
  local most = math.max(1, math.floor(FRAMES_A_STEP * 2 / math.max(2, channels)))
  return setmetatable({
    project = proj, owner = owner, kind = kind, accessor = accessor, rate = rate, channels = channels,
    written_channels = written, frames = math.floor(length_s * rate + 0.5), written = 0, start_s = start_s, most = most,
    buffer = reaper.new_array(most * channels),
  }, Export)
end

-- How many of a take's channels its channel mode leaves in use; an accessor gives them first.
local function in_use(take, channels)
  local mode = reaper.GetMediaItemTakeInfo_Value(take, "I_CHANMODE")
  if mode < 2 then return channels end
  return math.min(channels, mode <= LAST_MONO_MODE and 1 or 2)
end

--- Begin to export a take from `from_s` to `to_s` (project seconds) at `rate` Hz, as it is now.
function M.take(proj, entry, from_s, to_s, rate)
  local source = reaper.GetMediaItemTake_Source(entry.take)
  local channels = math.max(1, math.min(MOST_CHANNELS, reaper.GetMediaSourceNumChannels(source)))
  local accessor = reaper.CreateTakeAudioAccessor(entry.take)
  if not accessor then return nil, "REAPER can't read this take" end
  -- A take's accessor counts from the item's start.
  local start_s = reaper.GetAudioAccessorStartTime(accessor) + from_s - entry.position_s
  return begin(proj, entry.take, "MediaItem_Take*", accessor, start_s, to_s - from_s, rate, channels, in_use(entry.take, channels))
end

--- Begin to export what a track plays from `from_s` to `to_s`: all its items, before its effects.
function M.track(proj, track, from_s, to_s, rate)
  local accessor = reaper.CreateTrackAudioAccessor(track)
  if not accessor then return nil, "REAPER can't read this track" end
  return begin(proj, track, "MediaTrack*", accessor, from_s, to_s - from_s, rate, TRACK_CHANNELS, TRACK_CHANNELS)
end

return M
