-- @noindex
-- The project tab: who it is, where its media lie, how its items are found again.

local files = require "files"

local M = {}

local SECTION = "punchin"

--- Return the project in front.
function M.current() return (reaper.EnumProjects(-1)) end

--- Return the project's own mark, made on first use; a copy of a project keeps it.
function M.id(proj)
  local _, id = reaper.GetProjExtState(proj, SECTION, "id")
  if id == "" then
    id = reaper.genGuid(""):gsub("[{}]", "")
    reaper.SetProjExtState(proj, SECTION, "id", id)
  end
  return id
end

--- Return the open project with this mark, nil when none is open.
function M.find(id)
  for index = 0, 1000 do
    local proj = reaper.EnumProjects(index)
    if not proj then return nil end
    local _, found = reaper.GetProjExtState(proj, SECTION, "id")
    if found == id then return proj end
  end
end

--- Return the item with this GUID in a project, nil when it is gone.
function M.find_item(proj, guid)
  for index = 0, reaper.CountMediaItems(proj) - 1 do
    local item = reaper.GetMediaItem(proj, index)
    if M.guid(item) == guid then return item end
  end
end

--- Return an item's GUID.
function M.guid(item)
  local _, guid = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
  return guid
end

--- Return the project's sample rate in Hz: its own, else the audio device's.
function M.rate(proj)
  if reaper.GetSetProjectInfo(proj, "PROJECT_SRATE_USE", 0, false) > 0 then
    return math.floor(reaper.GetSetProjectInfo(proj, "PROJECT_SRATE", 0, false) + 0.5)
  end
  local found, rate = reaper.GetAudioDeviceInfo("SRATE", "")
  return found and math.tointeger(tonumber(rate)) or 44100
end

--- Whether the project has a file of its own.
function M.is_saved(proj)
  for index = 0, 1000 do
    local found, path = reaper.EnumProjects(index)
    if not found then return false end
    if found == proj then return path ~= "" end
  end
  return false
end

--- Return the folder that the project's recordings go to.
function M.media_folder(proj)
  local path = reaper.GetProjectPathEx(proj, "")
  return path
end

--- Return the folder for Punchin's files of this project, made if need be.
function M.own_folder(proj)
  local folder = files.join(M.media_folder(proj), "Punchin")
  reaper.RecursiveCreateDirectory(folder, 0)
  return folder
end

return M
