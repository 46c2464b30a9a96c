-- @noindex
-- Everything that is said to the musician: one line, what happened and what to do.

local M = {}

local TITLE = "Punchin"
local told = {}

--- A line in REAPER's console, which stays shut, and in its help line below the tracks.
function M.note(text)
  reaper.ShowConsoleMsg("!SHOW:Punchin: " .. text .. "\n")
  reaper.Help_Set("Punchin: " .. text, true)
end

--- A box with one button.
function M.tell(text) reaper.MB(text, TITLE, 0) end

--- A question; true for yes.
function M.ask(text) return reaper.MB(text, TITLE, 4) == 6 end

--- Tell once in this session for each `key`, also when another script asks; true when it was told.
function M.once(key, text)
  if told[key] or reaper.GetExtState("punchin", "told." .. key) ~= "" then return false end
  told[key] = true
  reaper.SetExtState("punchin", "told." .. key, "1", false)
  M.tell(text)
  return true
end

--- Make `once` speak again about `key`.
function M.forget(key)
  told[key] = nil
  reaper.DeleteExtState("punchin", "told." .. key, false)
end

return M
