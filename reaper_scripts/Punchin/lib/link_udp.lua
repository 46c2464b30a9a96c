-- @noindex
-- Messages to the daemon as OSC over UDP, where a socket library is installed. Never blocks.
-- The same link as `link_mailbox`.

local files = require "files"
local json = require "json"
local mailbox = require "link_mailbox"
local osc = require "osc"
local places = require "places"
local protocol = require "protocol"

local M = {}

local BIGGEST = 8000 -- bytes; what is bigger (macOS sends no more than 9,216) goes through the mailbox
local REPLY_TO = {["/punchin/status.reply"] = "/punchin/status", ["/punchin/version.reply"] = "/punchin/version",
  ["/punchin/context.reply"] = "/punchin/context", ["/punchin/jobs.reply"] = "/punchin/jobs",
  ["/punchin/job.reply"] = "/punchin/job", ["/punchin/presets.reply"] = "/punchin/presets",
  ["/punchin/describe.reply"] = "/punchin/describe"}

-- Commands whose answers carry an id that is not in the message, and those whose first argument is it.
local OWN_ID = {["/punchin/quit"] = "quit", ["/punchin/engine"] = "engine"}
local NAMES_JOB = {["/punchin/cancel"] = true, ["/punchin/accept"] = true, ["/punchin/forget"] = true}

local Link = {name = "udp"}
Link.__index = Link

local function id_of(address, args)
  if OWN_ID[address] then return OWN_ID[address] end
  local is_job = protocol.OPS[address:match("([^/]+)$")] ~= nil or NAMES_JOB[address]
  return is_job and args[1] or nil
end

-- A ticket for what went through the mailbox.
local function by_mail(name, reason)
  if not name then return nil, reason end
  return {mail = name}
end

-- Join the pieces of a reply that was too long for one packet; nil until it is whole.
local function whole(pieces, message)
  if message.address ~= "/punchin/part" then return message end
  local name, index, count, text = table.unpack(message.args)
  local got = pieces[name] or {}
  pieces[name], got[index + 1] = got, text
  for i = 1, count do
    if not got[i] then return nil end
  end
  pieces[name] = nil
  return {address = name:find("^/") and name or protocol.PREFIX .. name, args = {table.concat(got, "", 1, count)}}
end

-- Give each arriving message to the ticket that it answers: by job id, else by what was asked.
local function belongs(ticket, message)
  if REPLY_TO[message.address] then return REPLY_TO[message.address] == ticket.address end
  if message.address == "/punchin/error" then return message.args[3] == ticket.address end
  return ticket.id ~= nil and message.args[1] == ticket.id
end

function Link:send(address, args)
  local packet = osc.packet(address, args)
  if #packet > BIGGEST then return by_mail(self.mail:send(address, args)) end
  local ok, reason = self.socket:send(packet)
  if not ok then return nil, reason end
  local ticket = {address = address, id = id_of(address, args), answers = {}}
  self.tickets[#self.tickets + 1] = ticket
  return ticket
end

-- Send messages that are applied in order with nothing between them; nothing is answered.
function Link:bundle(messages)
  local packet = osc.bundle(messages)
  if #packet > BIGGEST then return by_mail(self.mail:bundle(messages)) end
  local ok, reason = self.socket:send(packet)
  if not ok then return nil, reason end
  return {answers = {true}}
end

function Link:answers(ticket)
  if ticket.mail then return self.mail:answers(ticket.mail) end
  while true do
    local bytes = self.socket:receive()
    if not bytes then break end
    for _, piece in ipairs(osc.messages(bytes) or {}) do
      local message = whole(self.pieces, piece)
      for _, open in ipairs(message and self.tickets or {}) do
        if belongs(open, message) then open.answers[#open.answers + 1] = message break end
      end
    end
  end
  return #ticket.answers > 0 and ticket.answers or nil
end

function Link:taken(ticket)
  if ticket.mail then return self.mail:taken(ticket.mail) end
  return #ticket.answers > 0
end

function Link:drop(ticket)
  if ticket.mail then return self.mail:drop(ticket.mail) end
  for i, open in ipairs(self.tickets) do
    if open == ticket then table.remove(self.tickets, i) return end
  end
end

local function port_of(home)
  local bytes = files.read(files.join(home, "daemon.json"))
  local told = bytes and json.decode(bytes)
  return type(told) == "table" and math.tointeger(told.port) or nil
end

--- Open a link over UDP; nil where there is no socket library or no daemon has been seen.
function M.open(home)
  local found, library = pcall(require, "socket")
  local port = found and port_of(home or places.home())
  if not port then return nil end
  local made, socket = pcall(library.udp)
  if not made or not socket then return nil end
  socket:settimeout(0)
  if not socket:setpeername("127.0.0.1", port) then return nil end
  return setmetatable({socket = socket, tickets = {}, pieces = {}, mail = mailbox.open(home)}, Link)
end

return M
