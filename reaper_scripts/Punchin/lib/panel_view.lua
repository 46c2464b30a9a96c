-- @noindex
-- Draws the panel with ReaImGui. Nothing is decided here: what is clicked goes to the model.

local forms = require "forms"
local import = require "import"
local model = require "panel_model"
local protocol = require "protocol"
local service = require "service"

local M = {}

local WIDTH, HEIGHT = 520, 640 -- pixels, when it opens for the first time
local IN_A_ROW = 5 -- buttons
local LYRICS_HEIGHT = 110
local BAR_WIDTH = 260
local RIGHT_EDGE = -1.1754943508222875e-38 -- ImGui's -FLT_MIN: as far as the window goes

local View = {}
View.__index = View

-- What is clicked is done when the frame is over: it may open a box, and a frame must not wait for one.
function View:later(work) self.due[#self.due + 1] = work end

local function actions(self)
  local ImGui, ctx = self.ImGui, self.ctx
  ImGui.SeparatorText(ctx, "Actions")
  for i, action in ipairs(model.ACTIONS) do
    if (i - 1) % IN_A_ROW ~= 0 then ImGui.SameLine(ctx) end
    if ImGui.Button(ctx, action.label) then
      self:later(function() self.model:press(action.label) end)
    end
  end
end

-- What is typed stays here until the line is left, with the item that it was typed for: leaving it
-- by a click on another item must not give that one these words.
local function text_field(self, name, draw)
  local ImGui, ctx = self.ImGui, self.ctx
  local typing = self.typing[name]
  local changed, text = draw(typing and typing.text or self.model.words[name])
  if changed then
    typing = typing or {entry = self.model.entry}
    typing.text, self.typing[name] = text, typing
  end
  if ImGui.IsItemDeactivatedAfterEdit(ctx) and typing then
    self.model:write(typing.entry, name, typing.text)
    self.typing[name] = nil
  end
end

local function words(self)
  local ImGui, ctx = self.ImGui, self.ctx
  ImGui.SeparatorText(ctx, self.model.words.on_item and "Words of the selected item" or "Words for every action")
  text_field(self, "prompt", function(text)
    ImGui.SetNextItemWidth(ctx, RIGHT_EDGE)
    return ImGui.InputTextWithHint(ctx, "##prompt", "Prompt", text)
  end)
  text_field(self, "lyrics", function(text)
    return ImGui.InputTextMultiline(ctx, "##lyrics", text, RIGHT_EDGE, LYRICS_HEIGHT)
  end)
end

local function presets(self)
  local ImGui, ctx = self.ImGui, self.ctx
  local chosen = self.model.preset
  ImGui.SetNextItemWidth(ctx, BAR_WIDTH)
  if ImGui.BeginCombo(ctx, "Preset", chosen ~= "" and chosen or "none") then
    if ImGui.Selectable(ctx, "none", chosen == "") then self.model:set_preset("") end
    for _, preset in ipairs(self.model.presets) do
      if ImGui.Selectable(ctx, preset.name, preset.name == chosen) then self.model:set_preset(preset.name) end
      ImGui.SetItemTooltip(ctx, preset.description)
    end
    ImGui.EndCombo(ctx)
  end
end

local function instrument(self)
  local ImGui, ctx = self.ImGui, self.ctx
  ImGui.SetNextItemWidth(ctx, BAR_WIDTH)
  if ImGui.BeginCombo(ctx, "Instrument of Layer", self.model.track) then
    for _, name in ipairs(protocol.KEYS.track.choices) do
      if ImGui.Selectable(ctx, name, name == self.model.track) then self.model:set_track(name) end
    end
    ImGui.EndCombo(ctx)
  end
end

local function seed(self)
  local ImGui, ctx = self.ImGui, self.ctx
  local locked = self.model.seed ~= ""
  local changed, on = ImGui.Checkbox(ctx, locked and "Seed " .. self.model.seed .. " locked" or "Lock seed", locked)
  if changed then self.model:lock_seed(on) end
end

local function job(self, row)
  local ImGui, ctx = self.ImGui, self.ctx
  local fraction = row.state == "done" and 1.0 or row.fraction
  local percent = row.state == "running" and (" %d%%"):format(math.floor(fraction * 100)) or ""
  ImGui.PushID(ctx, row.id)
  ImGui.ProgressBar(ctx, fraction, BAR_WIDTH, 0.0, row.op .. " · " .. row.state .. percent)
  if not row.ended then
    ImGui.SameLine(ctx)
    if ImGui.Button(ctx, "Cancel") then
      self:later(function() self.model:cancel(row.id) end)
    end
  end
  ImGui.PopID(ctx)
end

local function jobs(self)
  local ImGui, ctx = self.ImGui, self.ctx
  ImGui.SeparatorText(ctx, "Jobs")
  if #self.model.jobs == 0 then ImGui.TextDisabled(ctx, "No jobs yet") end
  for _, row in ipairs(self.model.jobs) do job(self, row) end
end

local function take(self, index, row)
  local ImGui, ctx = self.ImGui, self.ctx
  ImGui.PushID(ctx, tostring(index))
  if ImGui.Button(ctx, row.plays and "Stop" or "Play") then
    self:later(function() self.model:play(row) end)
  end
  ImGui.SameLine(ctx)
  ImGui.BeginDisabled(ctx, row.active)
  if ImGui.Button(ctx, "Use") then
    self:later(function() self.model:swap(row) end)
  end
  ImGui.EndDisabled(ctx)
  ImGui.SameLine(ctx)
  ImGui.Text(ctx, row.name ~= "" and row.name or "(no name)")
  ImGui.PopID(ctx)
end

local function takes(self)
  local ImGui, ctx = self.ImGui, self.ctx
  ImGui.SeparatorText(ctx, "Takes of the selected item")
  if #self.model.takes == 0 then ImGui.TextDisabled(ctx, "No item is selected") end
  for i, row in ipairs(self.model.takes) do take(self, i, row) end
end

local function service_buttons(self)
  local ImGui, ctx = self.ImGui, self.ctx
  ImGui.Text(ctx, self.model:headline())
  if not self.model.daemon and ImGui.Button(ctx, "Start daemon") then self:later(service.start) end
  if self.model.message ~= "" then ImGui.TextWrapped(ctx, self.model.message) end
end

local function further(self)
  local ImGui, ctx = self.ImGui, self.ctx
  ImGui.Separator(ctx)
  if ImGui.Button(ctx, "Settings …") then self:later(forms.settings) end
  ImGui.SameLine(ctx)
  if ImGui.Button(ctx, "Import finished jobs") then self:later(import.run) end
end

local PARTS = {service_buttons, actions, words, presets, instrument, seed, jobs, takes, further}

-- ReaImGui removes a context that was not drawn for a turn, as happens while a box is open.
local function context(self)
  local ImGui = self.ImGui
  if not self.ctx or not ImGui.ValidatePtr(self.ctx, "ImGui_Context*") then self.ctx = ImGui.CreateContext("Punchin") end
  return self.ctx
end

--- Draw one frame, then do what was clicked in it; false when the window was closed.
function View:draw()
  local ImGui, ctx = self.ImGui, context(self)
  ImGui.SetNextWindowSize(ctx, WIDTH, HEIGHT, ImGui.Cond_FirstUseEver)
  local visible, open = ImGui.Begin(ctx, "Punchin", true)
  if visible then
    for _, part in ipairs(PARTS) do part(self) end
    ImGui.End(ctx)
  end
  local due = self.due
  self.due = {}
  for _, work in ipairs(due) do work() end
  return open
end

--- Return a view of a model; `ImGui` is what ReaImGui's `imgui` module gives.
function M.new(ImGui, of)
  return setmetatable({ImGui = ImGui, model = of, typing = {}, due = {}}, View)
end

return M
