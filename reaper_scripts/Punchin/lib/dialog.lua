-- @noindex
-- Forms of up to 16 lines in REAPER's own input box. What is typed is checked; a mistake is told and
-- the form comes again as it was typed. Fields are parted by line breaks, which no field can hold, so
-- prompts may have commas.

local protocol = require "protocol"
local say = require "say"

local M = {}

local MOST_FIELDS = 16
local WIDTH_PX = 300
local MOST_BYTES = 900 -- REAPER gives scripts 1,024 bytes of a form

local SLASH = "%f[^%s\0](\\*/)%f[%s\0]" -- a slash that stands alone, with the backslashes that guard it
local BREAK = "\1"

--- Return a text of several lines as one line: `first / second`; a slash that stands alone is `\/`.
function M.one_line(text)
  return (text:gsub("\r\n?", "\n"):gsub(SLASH, "\\%1"):gsub("\n", " / "))
end

--- Return what `one_line` was made from.
function M.many_lines(line)
  local marked = line:gsub(SLASH, function(word) return word == "/" and BREAK or word:sub(2) end)
  return (marked:gsub(" ?" .. BREAK .. " ?", "\n"))
end

--- Whether texts are short enough for a form.
function M.fits(...)
  local bytes = 0
  for _, text in ipairs({...}) do bytes = bytes + #M.one_line(text) + 1 end
  return bytes <= MOST_BYTES
end

local function names_of(choices) return table.concat(choices, ", ") end

local function number_in(text, row, whole)
  local value = tonumber((text:gsub(",", ".")))
  if value and whole then value = math.tointeger(value) end
  if not value then return nil, whole and "is no whole number" or "is no number" end
  if value < row.low or value > row.high then return nil, ("is not between %s and %s"):format(row.low, row.high) end
  return value
end

--- Return a check for a key of the protocol: text → the text to keep, or nil and what is wrong. An
--- empty text is always right: it leaves the choice to the daemon.
function M.by_key(name)
  local row = protocol.KEYS[name]
  return function(text)
    if text == "" then return text end
    if row.choices then return M.one_of(row.choices)(text) end
    if row.type == "s" then return text end
    local value, why = number_in(text, row, row.type ~= "d" and row.type ~= "f")
    if value then return tostring(value) end
    return nil, why .. ": type another number, or leave the line empty"
  end
end

--- Return a check for one of a list of words.
function M.one_of(choices)
  return function(text)
    local word = text:lower()
    for _, choice in ipairs(choices) do
      if word == choice then return choice end
    end
    return nil, "is not known: type one of " .. names_of(choices)
  end
end

local function split(text)
  local out = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do out[#out + 1] = line end
  return out
end

-- Return the checked values by name, or nil and a line for the musician.
local function checked(fields, typed)
  local values = {}
  for i, field in ipairs(fields) do
    local text = typed[i]:gsub("^%s+", ""):gsub("%s+$", "")
    local value, why = text, nil
    if field.check then value, why = field.check(text) end
    if value == nil then return nil, ('%s: "%s" %s.'):format(field.label, text, why) end
    values[field.name] = value
  end
  return values
end

--- Show a form until it is right; return texts by name, nil when it was cancelled. Fields are
--- `{name, label, value, check}`.
function M.form(title, fields)
  assert(#fields <= MOST_FIELDS, "too many fields")
  local labels, typed = {}, {}
  for i, field in ipairs(fields) do
    labels[i] = field.label:gsub(",", ";")
    typed[i] = field.value:gsub("\n", " ")
  end
  local captions = table.concat(labels, ",") .. (",extrawidth=%d,separator=\n"):format(WIDTH_PX)
  while true do
    local ok, text = reaper.GetUserInputs(title, #fields, captions, table.concat(typed, "\n"))
    if not ok then return nil end
    typed = split(text)
    if #typed ~= #fields then
      say.tell("REAPER cut off what was typed: use shorter texts, then try again.")
      return nil
    end
    local values, why = checked(fields, typed)
    if values then return values end
    say.tell(why)
  end
end

return M
