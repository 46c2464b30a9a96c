-- @noindex
-- Jobs that one key press started belong together: their results come as one undo step. REAPER can't
-- join undo steps afterwards, so the results wait for each other; what waits is safe on the disk.

local M = {}

local SECTION = "punchin"
local ALIVE_S = 5.0 -- a press that has not stirred for so long is over (its script was stopped)

local function key(id) return "batch." .. id end

--- Return the name of a new batch, which is being sent from now on.
function M.new()
  local id = reaper.genGuid(""):gsub("[{}]", "")
  M.touch(id)
  return id
end

--- Say that the batch is still being sent.
function M.touch(id) reaper.SetExtState(SECTION, key(id), ("%.3f"):format(reaper.time_precise()), false) end

--- Say that all jobs of the batch are sent.
function M.close(id) reaper.DeleteExtState(SECTION, key(id), false) end

--- Whether jobs of the batch may still be sent.
function M.is_open(id)
  local touched_s = tonumber(reaper.GetExtState(SECTION, key(id)))
  return touched_s ~= nil and math.abs(reaper.time_precise() - touched_s) < ALIVE_S
end

return M
