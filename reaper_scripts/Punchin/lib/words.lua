-- @noindex
-- Lyrics and prompt of a selection: from the item's notes, the project's regions, else Settings.
-- In an item's notes a line `prompt: …` is the prompt, all other lines are lyrics.

local settings = require "settings"

local M = {}

local function notes_of(item)
  if not item then return "" end
  local _, notes = reaper.GetSetMediaItemInfo_String(item, "P_NOTES", "", false)
  return notes
end

--- Return lyrics and prompt as an item's notes have them; empty texts for what is not there.
function M.of_notes(notes)
  local lyrics, prompts = {}, {}
  for line in (notes:gsub("\r\n?", "\n") .. "\n"):gmatch("(.-)\n") do
    local prompt = line:match("^%s*[Pp]rompt%s*:%s*(.-)%s*$")
    if prompt then prompts[#prompts + 1] = prompt else lyrics[#lyrics + 1] = line end
  end
  local text = table.concat(lyrics, "\n"):gsub("^%s+", ""):gsub("%s+$", "")
  return text, table.concat(prompts, ", ")
end

-- Regions as {start_s, end_s, name}; REAPER 7's functions where there are any, else the older ones.
local function regions(proj)
  local out = {}
  if reaper.GetNumRegionsOrMarkers then
    for index = 0, reaper.GetNumRegionsOrMarkers(proj) - 1 do
      local one = reaper.GetRegionOrMarker(proj, index, "")
      if one and reaper.GetRegionOrMarkerInfo_Value(proj, one, "B_ISREGION") > 0 then
        local _, name = reaper.GetSetRegionOrMarkerInfo_String(proj, one, "P_NAME", "", false)
        out[#out + 1] = {
          start_s = reaper.GetRegionOrMarkerInfo_Value(proj, one, "D_STARTPOS"),
          end_s = reaper.GetRegionOrMarkerInfo_Value(proj, one, "D_ENDPOS"), name = name,
        }
      end
    end
    return out
  end
  local index = 0
  while true do
    local following, is_region, start_s, end_s, name = reaper.EnumProjectMarkers3(proj, index)
    if following == 0 then return out end
    if is_region then out[#out + 1] = {start_s = start_s, end_s = end_s, name = name} end
    index = following
  end
end

--- Return the section tags of regions named `[verse]`, `[chorus]` … that the stretch overlaps, in order.
function M.tags(proj, start_s, end_s)
  local found = {}
  for _, region in ipairs(regions(proj)) do
    local tag = region.name:match("^%s*(%[[^%]]+%])%s*$")
    if tag and region.start_s < end_s and region.end_s > start_s then
      found[#found + 1] = {at_s = region.start_s, tag = tag}
    end
  end
  table.sort(found, function(a, b) return a.at_s < b.at_s end)
  for i, one in ipairs(found) do found[i] = one.tag end
  return found
end

--- Return `{lyrics, prompt, language}` for a stretch of a project and, if there is one, its item.
function M.of(proj, item, start_s, end_s)
  local lyrics, prompt = M.of_notes(notes_of(item))
  if lyrics == "" then lyrics = settings.get("lyrics") end
  if prompt == "" then prompt = settings.get("prompt") end
  if not lyrics:find("%[[^%]]+%]") then
    local tags = M.tags(proj, start_s, end_s)
    if #tags > 0 then lyrics = table.concat(tags, "\n") .. (lyrics ~= "" and "\n" .. lyrics or "") end
  end
  return {lyrics = lyrics, prompt = prompt, language = settings.get("language")}
end

return M
