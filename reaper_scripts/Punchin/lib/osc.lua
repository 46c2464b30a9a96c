-- @noindex
-- OSC 1.0 packets: one message to bytes and back (types i h f d s T F N), for the UDP link.
-- Whole numbers go as int32, int64 where that is too small; others as float64: float32 seconds
-- lose samples beyond four minutes.

local M = {}

local AT_ONCE = "\0\0\0\0\0\0\0\1" -- a bundle's time tag

local function padded(s)
  local ended = s .. "\0"
  return ended .. ("\0"):rep(-#ended % 4)
end

local function one(v)
  if type(v) == "string" then return "s", padded(v) end
  if type(v) == "boolean" then return v and "T" or "F", "" end
  if math.type(v) == "integer" then
    if v >= -0x80000000 and v <= 0x7fffffff then return "i", string.pack(">i4", v) end
    return "h", string.pack(">i8", v)
  end
  if type(v) == "number" then return "d", string.pack(">d", v) end
  error("OSC has no " .. type(v))
end

--- Return the packet of one message.
function M.packet(address, args)
  local tags, data = {}, {}
  for i = 1, #args do tags[i], data[i] = one(args[i]) end
  return padded(address) .. padded("," .. table.concat(tags)) .. table.concat(data)
end

--- Return the packet of a bundle of messages {address, args} that is to be applied at once.
function M.bundle(messages)
  local out = {"#bundle\0" .. AT_ONCE}
  for _, message in ipairs(messages) do out[#out + 1] = string.pack(">s4", M.packet(message.address, message.args)) end
  return table.concat(out)
end

local function text_at(bytes, at)
  local stop = bytes:find("\0", at, true)
  if not stop then error("text without end") end
  return bytes:sub(at, stop - 1), at + (stop - at) + 4 - (stop - at) % 4
end

local READERS = {
  i = function(b, at) return string.unpack(">i4", b, at) end,
  h = function(b, at) return string.unpack(">i8", b, at) end,
  f = function(b, at) return string.unpack(">f", b, at) end,
  d = function(b, at) return string.unpack(">d", b, at) end,
  s = text_at,
  T = function(_, at) return true, at end,
  F = function(_, at) return false, at end,
  N = function(_, at) return nil, at end,
}

local function messages_in(bytes, out)
  if bytes:sub(1, 8) == "#bundle\0" then
    local at = 17
    while at + 3 <= #bytes do
      local size = string.unpack(">I4", bytes, at)
      messages_in(bytes:sub(at + 4, at + 3 + size), out)
      at = at + 4 + size
    end
    return out
  end
  local address, at = text_at(bytes, 1)
  local tags
  tags, at = text_at(bytes, at)
  local args = {}
  for i = 2, #tags do args[i - 1], at = READERS[tags:sub(i, i)](bytes, at) end
  out[#out + 1] = {address = address, args = args}
  return out
end

--- Return the messages of a packet, in order; nil for bytes that are none.
function M.messages(bytes)
  local ok, out = pcall(messages_in, bytes, {})
  return ok and out or nil
end

return M
