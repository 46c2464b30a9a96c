-- @noindex
-- The panel as a form, where ReaImGui is not installed: the main things in one box.

local cancel = require "cancel"
local dialog = require "dialog"
local import = require "import"
local model = require "panel_model"
local service = require "service"
local settings = require "settings"
local takes = require "takes"

local M = {}

-- What can be typed as the action besides the ops.
local COMMANDS = {
  ["next take"] = function() takes.step(1) end,
  ["previous take"] = function() takes.step(-1) end,
  ["cancel"] = cancel.all,
  ["import"] = import.run,
  ["status"] = service.show,
  ["save"] = function() end,
}

local function words_allowed()
  local out = {}
  for _, action in ipairs(model.ACTIONS) do out[#out + 1] = action.label:lower() end
  for _, name in ipairs({"next take", "previous take", "cancel", "import", "status", "save"}) do out[#out + 1] = name end
  return out
end

local function title(state)
  local open = {}
  for _, row in ipairs(state.jobs) do
    if not row.ended then open[#open + 1] = ("%s %d%%"):format(row.op, math.floor(row.fraction * 100)) end
  end
  return "Punchin" .. (#open > 0 and ": " .. table.concat(open, " · ") or "")
end

-- Long words stay where they are: REAPER would cut them off.
local function fields_of(state, with_lyrics)
  local seed = dialog.by_key("seed")
  local fields = {
    {name = "action", label = "Do (repaint; next take; cancel …)", value = "repaint", check = dialog.one_of(words_allowed())},
    {name = "prompt", label = "Prompt", value = dialog.one_line(state.words.prompt)},
    {name = "preset", label = "Preset (empty: none)", value = state.preset},
    {name = "strength", label = "Strength 0 to 1", value = settings.get("strength"), check = dialog.by_key("strength")},
    {name = "seed", label = "Seed (empty: a new one; keep: this take's)", value = state.seed, check = function(text)
      if text:lower() == "keep" then return "keep" end
      return seed(text)
    end},
    {name = "takes", label = "Takes 1 to 8", value = settings.get("takes"), check = dialog.by_key("takes")},
  }
  if with_lyrics then
    table.insert(fields, 3, {name = "lyrics", label = "Lyrics (new line: /)", value = dialog.one_line(state.words.lyrics)})
  end
  return fields
end

local function keep(state, values)
  local prompt = values.prompt:gsub("%s+/%s+", ", ")
  if prompt ~= state.words.prompt then state:write(state.entry, "prompt", prompt) end
  local lyrics = values.lyrics and dialog.many_lines(values.lyrics)
  if lyrics and lyrics ~= state.words.lyrics then state:write(state.entry, "lyrics", lyrics) end
  for _, name in ipairs({"preset", "strength", "takes"}) do settings.set(name, values[name]) end
  if values.seed == "keep" then state:lock_seed(true) else settings.set("seed", values.seed) end
end

local function act(state, word)
  if COMMANDS[word] then return COMMANDS[word]() end
  for _, action in ipairs(model.ACTIONS) do
    if action.label:lower() == word then return state:press(action.label) end
  end
end

--- Show the form, keep what was typed and do what was asked.
function M.run()
  local state = model.new()
  local with_lyrics = dialog.fits(state.words.lyrics, state.words.prompt, settings.get("preset"))
  local values = dialog.form(title(state), fields_of(state, with_lyrics))
  if not values then return end
  keep(state, values)
  act(state, values.action)
end

return M
