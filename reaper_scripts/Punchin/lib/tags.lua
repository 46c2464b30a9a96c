-- @noindex
-- The mark that a job carries, so that it finds its way home: which project, which item, and which
-- part of it. The daemon keeps it in job.json, whoever started the job.
--   reaper:{project}:{item or -}:{op}:{start}:{end}      times in project seconds, 9 decimals
-- The op is `any` in the tag that the selection gives to whatever a pad starts.

local M = {}

--- Return the tag of a job; `item` is an item's GUID or nil.
function M.tag(mark)
  local tag = ("reaper:%s:%s:%s:%.9f:%.9f"):format(
    mark.project, mark.item or "-", mark.op, mark.start_s, mark.end_s)
  return (tag:gsub(",", ".")) -- a host's locale may write decimal commas
end

--- Return what a tag says, or nil for one that is not ours.
function M.read(tag)
  local project, item, op, start_s, end_s =
    tostring(tag):match("^reaper:([^:]+):([^:]+):(%a+):(%-?[%d%.]+):(%-?[%d%.]+)$")
  if not project then return nil end
  return {
    project = project, item = item ~= "-" and item or nil, op = op,
    start_s = tonumber(start_s), end_s = tonumber(end_s),
  }
end

return M
