-- @noindex
-- The way to the daemon: UDP where a socket library is there, else the mailbox. What a job does
-- after it was accepted is read from its job.json in either case, so no event can be missed.

local mailbox = require "link_mailbox"
local udp = require "link_udp"

local M = {}

--- Open the best link; `told` is "udp", "mailbox" or "" (choose), as in Settings.
function M.open(told)
  if told == nil then told = reaper.GetExtState("punchin", "link") end
  if told == "mailbox" then return mailbox.open() end
  return udp.open() or mailbox.open()
end

return M
