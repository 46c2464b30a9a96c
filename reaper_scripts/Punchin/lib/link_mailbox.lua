-- @noindex
-- Messages to the daemon as files: needs nothing but a folder. See section 5 of docs/osc.md.
-- A link has `send(address, args)` → ticket or nil and a reason, `answers(ticket)` → a list of
-- {address, args} or nil while there is none yet, `drop(ticket)`, `bundle(messages)` → ticket for
-- messages that are applied together, `taken(ticket)`, and a `name`.

local files = require "files"
local json = require "json"
local places = require "places"

local M = {}

local sent = 0

local function fresh_name()
  sent = sent + 1
  -- The time orders the files; the rest keeps two scripts of one tick apart.
  return ("reaper-%017.6f-%04d-%s"):format(reaper.time_precise(), sent, reaper.genGuid(""):gsub("[{}]", ""))
end

local Link = {name = "mailbox"}
Link.__index = Link

local function put(home, value)
  local inbox = files.join(home, "inbox")
  reaper.RecursiveCreateDirectory(inbox, 0)
  local name = fresh_name()
  local ok, reason = files.write(files.join(inbox, name .. ".json"), json.encode(value))
  if not ok then return nil, reason end
  return name
end

function Link:send(address, args) return put(self.home, {address = address, args = json.list(args)}) end

-- Send messages {address, args} that are applied in order with nothing between them.
function Link:bundle(messages)
  local rows = json.list({})
  for i, message in ipairs(messages) do rows[i] = {address = message.address, args = json.list(message.args)} end
  return put(self.home, rows)
end

function Link:answers(ticket)
  local bytes = files.read(files.join(self.home, "outbox", ticket .. ".json"))
  local told = bytes and json.decode(bytes)
  return type(told) == "table" and told or nil
end

-- Whether the daemon has taken the message; one that is never taken was sent to nobody.
function Link:taken(ticket) return not files.exists(files.join(self.home, "inbox", ticket .. ".json")) end

-- Take back a message that nobody has taken, so that no daemon runs it hours later.
function Link:drop(ticket) os.remove(files.join(self.home, "inbox", ticket .. ".json")) end

--- Open a link through the mailbox of `home`.
function M.open(home) return setmetatable({home = home or places.home()}, Link) end

return M
