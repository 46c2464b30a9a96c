-- @noindex
-- The actions of a folder in REAPER's action list. REAPER itself writes its key file, so nothing is
-- lost however many of its windows are open.

local say = require "say"

local M = {}

local MAIN = 0 -- the section of the arrange view's actions

--- Return the file names of the actions in `folder`, in order.
function M.list(folder)
  reaper.EnumerateFiles(folder, -1) -- reads the folder anew
  local names, index = {}, 0
  local name = reaper.EnumerateFiles(folder, index)
  while name do
    if name:find("^punchin_.*%.lua$") then names[#names + 1] = name end
    index = index + 1
    name = reaper.EnumerateFiles(folder, index)
  end
  table.sort(names)
  return names
end

-- Only the last one writes the key file; one that is there already keeps its number and its keys.
local function register(folder, names)
  local refused = {}
  for i, name in ipairs(names) do
    local command = reaper.AddRemoveReaScript(true, MAIN, folder .. name, i == #names)
    if command == 0 then refused[#refused + 1] = name end
  end
  return refused
end

--- Put all actions of `folder` (it ends with a separator) into the list, and say what was done.
function M.install(folder)
  local names = M.list(folder)
  local refused = register(folder, names)
  if #refused > 0 then
    return say.tell(("REAPER refused %d of %d actions (%s): load them in the action list with New action > Load ReaScript.")
      :format(#refused, #names, table.concat(refused, ", ")))
  end
  say.tell(("%d actions are in the action list: press ? and type punchin to find them and to give them keys.")
    :format(#names))
end

return M
