-- @noindex
-- The project tab: who it is, where its media lie, how its items are found again.

local files = require "files"

local M = {}

local SECTION = "punchin"
local MOST_TABS = 1000
local UNSAVED = "unsaved" -- where files went before the project had a file of its own

--- Return the project in front.
function M.current() return (reaper.EnumProjects(-1)) end

-- The project's mark, "" when it has none. It goes with a file: one that was saved under another name
-- is another project, and gets a mark of its own when it needs one.
local function own_id(proj, path)
  local _, id = reaper.GetProjExtState(proj, SECTION, "id")
  local _, of = reaper.GetProjExtState(proj, SECTION, "path")
  if id == "" or of == path then return id end
  if of ~= "" then return "" end
  reaper.SetProjExtState(proj, SECTION, "path", path)
  return id
end

local function path_of(proj)
  local projects, paths = M.open()
  for i, each in ipairs(projects) do
    if each == proj then return paths[i] end
  end
  return ""
end

--- Return the project's own mark, made on first use.
function M.id(proj)
  local path = path_of(proj)
  local id = own_id(proj, path)
  if id == "" then
    id = reaper.genGuid(""):gsub("[{}]", "")
    reaper.SetProjExtState(proj, SECTION, "id", id)
    reaper.SetProjExtState(proj, SECTION, "path", path)
    -- Closed without being saved, it would forget who it is.
    reaper.MarkProjectDirty(proj)
  end
  return id
end

--- Return the open projects in the order of their tabs, and the paths of their files.
function M.open()
  local projects, paths = {}, {}
  for index = 0, MOST_TABS do
    local proj, path = reaper.EnumProjects(index)
    if not proj then break end
    projects[#projects + 1], paths[#projects + 1] = proj, path
  end
  return projects, paths
end

--- Whether a project that was open still is; its pointer must not be used otherwise.
function M.is_open(proj)
  for _, each in ipairs(M.open()) do
    if each == proj then return true end
  end
  return false
end

--- Return the open projects as `{project, id, is_front}`; `id` is "" for one without a mark.
function M.marked()
  local projects, paths = M.open()
  local out, front = {}, M.current()
  for i, proj in ipairs(projects) do
    out[i] = {project = proj, id = own_id(proj, paths[i]), is_front = proj == front}
  end
  return out
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
function M.is_saved(proj) return path_of(proj) ~= "" end

--- Return the folder that the project's recordings go to.
function M.media_folder(proj)
  local path = reaper.GetProjectPathEx(proj, "")
  return path
end

--- Return the folder where files went while the project had none of its own; "" when there were none.
function M.unsaved_folder(proj)
  local _, folder = reaper.GetProjExtState(proj, SECTION, UNSAVED)
  return folder
end

--- Return the folder for Punchin's files of this project, made if need be.
function M.own_folder(proj)
  local folder = files.join(M.media_folder(proj), "Punchin")
  reaper.RecursiveCreateDirectory(folder, 0)
  if not M.is_saved(proj) then reaper.SetProjExtState(proj, SECTION, UNSAVED, folder) end
  return folder
end

return M
