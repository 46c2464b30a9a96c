-- @noindex
-- Notices that the daemon went away while jobs were open, says so once, and asks for it again ever
-- more rarely. Open jobs are on the disk: they go on when the daemon is started again.

local daemon = require "daemon"
local link = require "link"
local say = require "say"
local settings = require "settings"

local M = {}

local QUIET_S = 15.0 -- nothing new for so long: ask whether anyone is there
local GONE_S = 5.0 -- no daemon.json for so long: it was stopped (a restart is quicker)
local MOST_ASKED = 8
local GONE = "The Punchin daemon stopped while a job was running. Start it (action Punchin: Start daemon, or `punchin start`): the job goes on then."

local state = {away = false, asked = 0, due_s = nil, sign = nil, since_s = nil, follow = nil}

--- Whether the daemon is known to be away.
function M.is_away() return state.away end

local function came_back(now_s)
  state.away, state.asked, state.since_s, state.due_s = false, 0, now_s, now_s + QUIET_S
end

local function went()
  if not state.away then
    state.away = true
    if settings.get("autostart") == "yes" then daemon.start() else say.tell(GONE) end
  end
end

local function ask(now_s)
  local way = link.open("mailbox")
  local ticket = way:send("/punchin/version", {})
  state.asked = state.asked + 1
  -- 15 s, 30 s, 60 s … between questions, and then no more.
  state.due_s = state.asked < MOST_ASKED and now_s + QUIET_S * 2 ^ state.asked or math.huge
  if not ticket then return end
  local follow = daemon.follow(way, ticket)
  state.follow = function()
    local told = follow()
    if told == "away" then way:drop(ticket) end
    return told
  end
end

-- What changes while a daemon is at work.
local function sign_of(rows)
  local facts, parts = daemon.facts(), {}
  parts[1] = facts and ("%s:%s"):format(facts.pid, facts.port) or "-"
  for _, row in ipairs(rows) do parts[#parts + 1] = row.id .. row.state .. row.fraction end
  return table.concat(parts, " "), facts ~= nil
end

--- Look whether the daemon is there, while `rows` (as from `watch.recent`) has open jobs.
function M.step(rows, now_s)
  local is_open = false
  for _, row in ipairs(rows) do is_open = is_open or not row.ended end
  local sign, is_announced = sign_of(rows)
  if sign ~= state.sign or not is_open then
    state.sign, state.follow = sign, nil
    came_back(now_s)
    -- A daemon that took its announcement back changed the sign as well.
    if is_announced or not is_open then return end
  end
  if state.follow then
    local told = state.follow()
    if told == "wait" then return end
    state.follow = nil
    if told == "answered" then
      came_back(now_s)
    else
      went()
    end
  elseif not is_announced then
    if now_s - state.since_s > GONE_S then went() end
  elseif now_s >= state.due_s then
    ask(now_s)
  end
end

return M
