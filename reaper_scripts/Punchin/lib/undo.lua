-- @noindex
-- One undo step for one delivery, closed also when something inside goes wrong.

local M = {}

local ALL = -1 -- undo flags: everything may have changed

--- Run `work` as one undo step `name`; return what it returns, or nil and the error's text.
function M.step(proj, name, work)
  reaper.Undo_BeginBlock2(proj)
  reaper.PreventUIRefresh(1)
  local ok, result = pcall(work)
  reaper.PreventUIRefresh(-1)
  reaper.Undo_EndBlock2(proj, name, ALL)
  reaper.UpdateArrange()
  if ok then return result end
  return nil, tostring(result)
end

return M
