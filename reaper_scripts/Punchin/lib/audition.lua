-- @noindex
-- Listening to a take with REAPER's own transport: it becomes the active one and its track sounds
-- alone, until playback stops. Then all is as it was. No undo point: nothing stays changed.

local project = require "project"

local M = {}

local SOLO = 1 -- I_SOLO: soloed
local START_S = 3.0 -- an audio device may take so long to open before anything plays

local Audition = {}
Audition.__index = Audition

local function is_there(proj, pointer, kind) return reaper.ValidatePtr2(proj, pointer, kind) end

-- Put back what listening changed, as far as it is still there.
function Audition:_restore()
  local one = self.one
  self.one = nil
  if not one or not project.is_open(one.proj) then return end
  if is_there(one.proj, one.before, "MediaItem_Take*") then reaper.SetActiveTake(one.before) end
  if is_there(one.proj, one.track, "MediaTrack*") then
    reaper.SetMediaTrackInfo_Value(one.track, "I_SOLO", one.solo)
  end
  reaper.UpdateArrange()
end

--- Play a take from where its item begins.
function Audition:play(proj, take)
  self:stop()
  local item = reaper.GetMediaItemTake_Item(take)
  local track = reaper.GetMediaItemTake_Track(take)
  self.one = {
    proj = proj, take = take, track = track, before = reaper.GetActiveTake(item),
    solo = reaper.GetMediaTrackInfo_Value(track, "I_SOLO"), since_s = reaper.time_precise(),
  }
  reaper.SetActiveTake(take)
  reaper.SetMediaTrackInfo_Value(track, "I_SOLO", SOLO)
  reaper.SetEditCurPos2(proj, reaper.GetMediaItemInfo_Value(item, "D_POSITION"), false, true)
  reaper.OnPlayButtonEx(proj)
  reaper.UpdateArrange()
end

--- Stop, if something plays.
function Audition:stop()
  if not self.one then return end
  if project.is_open(self.one.proj) then reaper.OnStopButtonEx(self.one.proj) end
  self:_restore()
end

--- Call every turn: when playback was stopped in REAPER, all is put back.
function Audition:step()
  local one = self.one
  if not one then return end
  if not project.is_open(one.proj) then
    self.one = nil
  elseif reaper.GetPlayStateEx(one.proj) % 2 == 1 then
    one.was_heard = true
  elseif one.was_heard or reaper.time_precise() - one.since_s > START_S then
    self:_restore()
  end
end

--- Whether this take is being listened to.
function Audition:plays(take) return self.one ~= nil and self.one.take == take end

--- Return a listening place; only one take sounds at a time.
function M.new() return setmetatable({}, Audition) end

return M
