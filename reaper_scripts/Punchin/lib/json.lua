-- @noindex
-- JSON as the daemon's files and the mailbox have it (RFC 8259).
-- decode gives tables, `M.null` for null; encode takes lists (1…n) and tables with text keys.

local M = {}

M.null = setmetatable({}, {__tostring = function() return "null" end})

local DEEPEST = 100 -- levels; what is deeper is damage, not data

-- -- writing ---------------------------------------------------------------------------------------

local ESCAPES = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function text_of(s)
  return '"' .. s:gsub('[%c"\\\127]', function(c) return ESCAPES[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number_of(n)
  if n ~= n or n == math.huge or n == -math.huge then error("JSON has no " .. tostring(n)) end
  if math.type(n) == "integer" then return ("%d"):format(n) end
  -- %.17g brings every double back; a decimal comma of the host's locale is none of JSON's.
  local s = ("%.17g"):format(n):gsub(",", ".")
  return s:find("[%.eE]") and s or s .. ".0"
end

-- An empty table is an object; M.list marks one that is an empty list.
local LIST = {}

--- Mark a table as a list, so that it is written as one when it is empty.
function M.list(t) return setmetatable(t or {}, LIST) end

local function is_list(t) return getmetatable(t) == LIST or #t > 0 end

local write

local function write_object(t, depth)
  local keys = {}
  for k in pairs(t) do
    if type(k) ~= "string" then error("a JSON object has text keys, not " .. type(k)) end
    keys[#keys + 1] = k
  end
  table.sort(keys)
  for i, k in ipairs(keys) do keys[i] = text_of(k) .. ":" .. write(t[k], depth) end
  return "{" .. table.concat(keys, ",") .. "}"
end

local function write_list(t, depth)
  local out = {}
  for i = 1, #t do out[i] = write(t[i], depth) end
  return "[" .. table.concat(out, ",") .. "]"
end

function write(v, depth)
  if v == M.null then return "null" end
  local kind = type(v)
  if kind == "string" then return text_of(v) end
  if kind == "number" then return number_of(v) end
  if kind == "boolean" then return tostring(v) end
  if kind ~= "table" then error("JSON has no " .. kind) end
  if depth > DEEPEST then error("too deep for JSON") end
  return is_list(v) and write_list(v, depth + 1) or write_object(v, depth + 1)
end

--- Return `v` as JSON on one line; raises an error for what JSON can't hold.
function M.encode(v) return write(v, 1) end

-- -- reading ---------------------------------------------------------------------------------------

local LITERALS = {["true"] = true, ["false"] = false, ["null"] = M.null}
local PLAIN = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/"}

local function fail(at, what) error({json = ("%s at byte %d"):format(what, at)}, 0) end

local function skip(s, at) return s:find("[^ \t\r\n]", at) or #s + 1 end

local function code_point(s, at)
  local hex = s:match("^%x%x%x%x", at)
  if not hex then fail(at, "bad \\u") end
  return tonumber(hex, 16), at + 4
end

local function escaped(s, at)
  local c = s:sub(at, at)
  if PLAIN[c] then return PLAIN[c], at + 1 end
  if c ~= "u" then fail(at, "bad escape") end
  local code, after = code_point(s, at + 1)
  if code >= 0xD800 and code < 0xDC00 and s:sub(after, after + 1) == "\\u" then
    local low, behind = code_point(s, after + 2)
    if low >= 0xDC00 and low < 0xE000 then return utf8.char(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), behind end
  end
  if code >= 0xD800 and code < 0xE000 then code = 0xFFFD end
  return utf8.char(code), after
end

local function read_text(s, at)
  local out = {}
  while true do
    local stop = s:find('["\\]', at)
    if not stop then fail(at, "text without end") end
    out[#out + 1] = s:sub(at, stop - 1)
    if s:sub(stop, stop) == '"' then return table.concat(out), stop + 1 end
    out[#out + 1], at = escaped(s, stop + 1)
  end
end

local read

local function read_list(s, at, depth)
  local out = M.list({})
  at = skip(s, at)
  if s:sub(at, at) == "]" then return out, at + 1 end
  while true do
    out[#out + 1], at = read(s, at, depth)
    at = skip(s, at)
    local c = s:sub(at, at)
    if c == "]" then return out, at + 1 end
    if c ~= "," then fail(at, "no , or ]") end
    at = at + 1
  end
end

local function read_object(s, at, depth)
  local out = {}
  at = skip(s, at)
  if s:sub(at, at) == "}" then return out, at + 1 end
  while true do
    at = skip(s, at)
    if s:sub(at, at) ~= '"' then fail(at, "no key") end
    local key
    key, at = read_text(s, at + 1)
    at = skip(s, at)
    if s:sub(at, at) ~= ":" then fail(at, "no :") end
    out[key], at = read(s, at + 1, depth)
    at = skip(s, at)
    local c = s:sub(at, at)
    if c == "}" then return out, at + 1 end
    if c ~= "," then fail(at, "no , or }") end
    at = at + 1
  end
end

local function read_number(s, at)
  local word = s:match("^-?%d+%.?%d*[eE]?[-+]?%d*", at)
  local value = word and (math.tointeger(tonumber(word)) and not word:find("[%.eE]") and math.tointeger(tonumber(word)) or tonumber(word))
  if not value then fail(at, "no value") end
  return value, at + #word
end

function read(s, at, depth)
  if depth > DEEPEST then fail(at, "too deep") end
  at = skip(s, at)
  local c = s:sub(at, at)
  if c == '"' then return read_text(s, at + 1) end
  if c == "{" then return read_object(s, at + 1, depth + 1) end
  if c == "[" then return read_list(s, at + 1, depth + 1) end
  local word = s:match("^%a+", at)
  if word then
    if LITERALS[word] == nil then fail(at, "no value") end
    return LITERALS[word], at + #word
  end
  return read_number(s, at)
end

--- Return the value in a text, or nil and what is wrong with it.
function M.decode(s)
  local ok, value, at = pcall(read, s, 1, 1)
  if not ok then return nil, type(value) == "table" and value.json or tostring(value) end
  at = skip(s, at)
  if at <= #s then return nil, "more than one value" end
  return value
end

return M
