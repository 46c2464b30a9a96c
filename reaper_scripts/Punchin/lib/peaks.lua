-- @noindex
-- Builds the peaks of new sources a little each turn, so that waveforms appear without a stall.

local M = {}

local waiting = {}

--- Ask for a source's peaks. Older REAPERs without this function build them when it draws the item.
function M.want(source)
  if not reaper.PCM_Source_BuildPeaks then return end
  if reaper.PCM_Source_BuildPeaks(source, 0) ~= 0 then waiting[#waiting + 1] = source end
end

--- Do a little; true while there is more to do.
function M.step()
  local source = waiting[1]
  if not source then return false end
  if not reaper.ValidatePtr2(0, source, "PCM_source*") then
    table.remove(waiting, 1)
  elseif reaper.PCM_Source_BuildPeaks(source, 1) == 0 then
    reaper.PCM_Source_BuildPeaks(source, 2)
    table.remove(waiting, 1)
  end
  return #waiting > 0
end

return M
