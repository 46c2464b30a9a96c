-- @noindex
-- When a project is saved for the first time, the files that Punchin made for it before move into its
-- media folder: they are copied and its takes play the copies, so that the project is complete when
-- it goes to another machine. A little each turn.

local files = require "files"
local peaks = require "peaks"
local project = require "project"
local say = require "say"

local M = {}

local BYTES_A_TURN = 4 << 20

-- The copy under way: {from, to, draft, input, output}.
local copying
-- By project: the change count at which nothing was left to do; files that can't be copied.
local settled, given_up = {}, {}

local function plain(path) return (path:gsub("\\", "/")) end

local function name_of(path) return path:match("[^/\\]+$") end

local function is_below(path, folder) return plain(path):sub(1, #folder + 1) == plain(folder) .. "/" end

-- Calls `found(take, source, path)` for every take whose file lies in a folder.
local function each_take(proj, folder, found)
  for index = 0, reaper.CountMediaItems(proj) - 1 do
    local item = reaper.GetMediaItem(proj, index)
    for number = 0, reaper.CountTakes(item) - 1 do
      local take = reaper.GetTake(item, number)
      local source = take and reaper.GetMediaItemTake_Source(take)
      -- A section or reversed source is the musician's own doing: it keeps its file where it is.
      if source and not reaper.GetMediaSourceParent(source) then
        local path = reaper.GetMediaSourceFileName(source, "")
        if is_below(path, folder) then found(take, source, path) end
      end
    end
  end
end

local function next_path(proj, folder)
  local path
  each_take(proj, folder, function(_, _, each)
    if not path and not given_up[each] and reaper.file_exists(each) then path = each end
  end)
  return path
end

local function give_up(path, why)
  given_up[path] = true
  say.once("collect", ("The project was saved, but %s could not be copied into its media folder (%s): copy it by hand, or save with Copy all media."):format(path, why))
end

-- A name that no other file has.
local function free_path(folder, name)
  local stem, ending = name:match("^(.*)(%.[^.]*)$")
  local path, number = files.join(folder, name), 1
  while reaper.file_exists(path) do
    number = number + 1
    path = files.join(folder, ("%s-%d%s"):format(stem or name, number, ending or ""))
  end
  return path
end

-- Let every take that plays the old file play the copy; nothing else of it changes.
local function point_takes(proj, from, to, folder)
  each_take(proj, folder, function(take, old, path)
    if path ~= from then return end
    local source = reaper.PCM_Source_CreateFromFile(to)
    if not source then return give_up(from, "REAPER can't open the copy") end
    reaper.SetMediaItemTake_Source(take, source)
    reaper.PCM_Source_Destroy(old)
    peaks.want(source)
  end)
  reaper.MarkProjectDirty(proj)
end

local function begin(proj, path)
  local folder = project.own_folder(proj)
  local there = files.join(folder, name_of(path))
  -- Copied before, and then undone.
  if files.size(there) and files.size(there) == files.size(path) then
    return point_takes(proj, path, there, project.unsaved_folder(proj))
  end
  local to = free_path(folder, name_of(path))
  local draft = to .. ".draft"
  local input, why = io.open(path, "rb")
  if not input then return give_up(path, why) end
  local output, trouble = io.open(draft, "wb")
  if not output then
    input:close()
    return give_up(path, trouble)
  end
  copying = {project = proj, from = path, to = to, draft = draft, input = input, output = output}
end

local function close()
  copying.input:close()
  copying.output:close()
end

local function stop(why)
  close()
  os.remove(copying.draft)
  give_up(copying.from, why)
  copying = nil
end

local function copy()
  if not project.is_open(copying.project) then
    close()
    os.remove(copying.draft)
    copying = nil
    return
  end
  local bytes, trouble = copying.input:read(BYTES_A_TURN)
  if bytes then
    local ok, why = copying.output:write(bytes)
    if not ok then stop(why) end
    return
  end
  if trouble then return stop(trouble) end
  copying.input:close()
  local ok, why = copying.output:close()
  if ok then ok, why = os.rename(copying.draft, copying.to) end
  local done = copying
  copying = nil
  if not ok then
    os.remove(done.draft)
    return give_up(done.from, why)
  end
  point_takes(done.project, done.from, done.to, project.unsaved_folder(done.project))
end

--- Do what is due: at most one piece of one file.
function M.step()
  if copying then return copy() end
  for _, proj in ipairs(project.open()) do
    local folder = project.unsaved_folder(proj)
    local changes = reaper.GetProjectStateChangeCount(proj)
    if folder ~= "" and settled[tostring(proj)] ~= changes and project.is_saved(proj) then
      local path = not is_below(project.own_folder(proj) .. "/x", folder) and next_path(proj, folder)
      if path then return begin(proj, path) end
      settled[tostring(proj)] = changes
    end
  end
end

return M
