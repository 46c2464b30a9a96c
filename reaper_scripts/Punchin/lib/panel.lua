-- @noindex
-- The panel: a window where ReaImGui is installed, else a form that does the same main things.

local form = require "panel_form"
local listener = require "listener"
local model = require "panel_model"
local say = require "say"
local view = require "panel_view"

local M = {}

local MADE_FOR = "0.9.3" -- ReaImGui's own way to ask for the functions as they were then

-- Return ReaImGui's functions; nil where it is not installed or too old.
local function imgui()
  if not reaper.ImGui_GetBuiltinPath then return nil, "not installed" end
  local path = package.path
  package.path = reaper.ImGui_GetBuiltinPath() .. "/?.lua;" .. path
  local found, functions = pcall(function() return require "imgui" (MADE_FOR) end)
  package.path = path
  if not found then return nil, "older than " .. MADE_FOR end
  return functions
end

local function window(functions)
  local state = model.new()
  local shown = view.new(functions, state)
  reaper.atexit(function() state:close() end)
  local function turn()
    state:step(reaper.time_precise())
    if shown:draw() then return reaper.defer(turn) end
    state:close()
  end
  turn()
end

--- Open the panel.
function M.run()
  listener.ensure()
  local functions, why = imgui()
  if functions then return window(functions) end
  say.note("ReaImGui is " .. why .. ": the panel is a form. ReaPack has it as `ReaImGui: ReaScript binding for Dear ImGui`.")
  form.run()
end

return M
