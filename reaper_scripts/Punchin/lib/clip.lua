-- @noindex
-- The source file behind an item, where the item plays it plainly: then the daemon reads the file
-- itself and the region is exact to the sample. Else `plain` says why not, and the part is exported.

local M = {}

local NEAR = 1e-9

local function root_of(source)
  while true do
    local parent = reaper.GetMediaSourceParent(source)
    if not parent then return source end
    source = parent
  end
end

-- What keeps a take from being its file, sample for sample; nil when nothing does. Volume, pan and
-- polarity do not: a new take has the same ones.
local function bent(take, source)
  local value = reaper.GetMediaItemTakeInfo_Value
  if math.abs(value(take, "D_PLAYRATE") - 1) > NEAR then return "its play rate is not 1" end
  if math.abs(value(take, "D_PITCH")) > NEAR then return "its pitch is shifted" end
  if reaper.GetTakeNumStretchMarkers(take) > 0 then return "it has stretch markers" end
  if value(take, "I_CHANMODE") ~= 0 then return "its channels are rearranged" end
  local is_section, _, _, is_reversed = reaper.PCM_Source_GetSectionInfo(source)
  if is_section then return is_reversed and "it is reversed" or "it is a section of a file" end
end

--- Return the path of a take's file when it can't be read (a missing drive, a removed file), else nil.
function M.offline(take)
  local source = take and reaper.GetMediaItemTake_Source(take)
  if not source then return nil end
  local path = reaper.GetMediaSourceFileName(root_of(source), "")
  -- Sources that REAPER makes itself (click, video notes) have no file.
  return path ~= "" and not reaper.file_exists(path) and path or nil
end

--- Return the item's file as `{path, rate, channels, frames, start_frame, end_frame, at}`, or nil
--- and the reason. `start_frame…end_frame` is the part that the item shows; `at(project_s)` is the
--- source frame that sounds then.
function M.plain(entry)
  local take = entry.take
  local source = take and reaper.GetMediaItemTake_Source(take)
  if not source or entry.kind ~= "audio" then return nil, "it has no audio" end
  local root = root_of(source)
  local path = reaper.GetMediaSourceFileName(root, "")
  if path == "" or M.offline(take) then return nil, "its file is offline" end
  local why = bent(take, source)
  if why then return nil, why end
  local rate = reaper.GetMediaSourceSampleRate(root)
  local length_s, is_quarters = reaper.GetMediaSourceLength(root)
  if rate <= 0 or is_quarters then return nil, "its file has no sample rate" end
  local offset_s = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
  local frames = math.floor(length_s * rate + 0.5)
  local function at(project_s) return math.floor((offset_s + project_s - entry.position_s) * rate + 0.5) end
  local start_frame, end_frame = at(entry.position_s), at(entry.end_s)
  if start_frame < 0 or end_frame > frames + math.floor(rate / 100) then return nil, "it shows more than its file holds" end
  return {
    path = path, rate = rate, channels = reaper.GetMediaSourceNumChannels(root), frames = frames,
    start_frame = start_frame, end_frame = math.min(end_frame, frames), at = at,
  }
end

return M
