-- @noindex
-- Writes float32 WAV (IEEE float, little endian) a piece at a time; the sizes are put in at the end.

local M = {}

local HEADER_BYTES = 44
local BIGGEST_BYTES = 0xFFFFFFFF - HEADER_BYTES
local AT_ONCE = 128 -- samples packed by one call: Lua hands over no more than some 200 values

local function header(rate, channels, bytes)
  local frame = channels * 4
  return "RIFF" .. string.pack("<I4", bytes + HEADER_BYTES - 8) .. "WAVEfmt "
    .. string.pack("<I4I2I2I4I4I2I2", 16, 3, channels, rate, rate * frame, frame, 32)
    .. "data" .. string.pack("<I4", bytes)
end

local Writer = {}
Writer.__index = Writer

-- Add the first `frames` interleaved frames of a reaper.array that has `stride` channels, of which
-- the file's are the first; returns nil and the reason if it fails.
function Writer:add(samples, frames, stride)
  local count = frames * self.channels
  if self.bytes + count * 4 > BIGGEST_BYTES then return nil, "a WAV file holds at most 4 GB" end
  local at_once = math.max(1, AT_ONCE // stride) -- frames
  local out = {}
  for from = 0, frames - 1, at_once do
    local n = math.min(at_once, frames - from)
    local values = samples.table(from * stride + 1, n * stride)
    if stride ~= self.channels then values = self:_own(values, n, stride) end
    out[#out + 1] = string.pack("<" .. ("f"):rep(#values), table.unpack(values))
  end
  local ok, reason = self.file:write(table.concat(out))
  if not ok then return nil, reason end
  self.bytes = self.bytes + count * 4
  return true
end

-- The file's own channels out of `stride`.
function Writer:_own(values, frames, stride)
  local own = {}
  for frame = 0, frames - 1 do
    for channel = 1, self.channels do own[#own + 1] = values[frame * stride + channel] end
  end
  return own
end

-- Finish the file; true, or nil and the reason.
function Writer:close()
  self.file:seek("set", 0)
  local ok, reason = self.file:write(header(self.rate, self.channels, self.bytes))
  local closed, trouble = self.file:close()
  if ok and closed then return true end
  return nil, reason or trouble
end

-- Leave nothing behind.
function Writer:abandon()
  self.file:close()
  os.remove(self.path)
end

--- Begin a file; nil and the reason if it can't be written.
function M.open(path, rate, channels)
  local file, reason = io.open(path, "wb")
  if not file then return nil, reason end
  file:write(header(rate, channels, 0))
  return setmetatable({file = file, path = path, rate = rate, channels = channels, bytes = 0}, Writer)
end

return M
