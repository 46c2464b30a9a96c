-- @noindex
-- Edit lyrics: shows an item's words, writes them back to its notes, and asks the engine to sing
-- them. Where the engine can't change words alone, a repaint with them is offered.

local dialog = require "dialog"
local jobs = require "jobs"
local project = require "project"
local say = require "say"
local selection = require "selection"
local targets = require "targets"
local undo = require "undo"
local words = require "words"

local M = {}

local NOT_SUPPORTED = 301

--- Return an item's notes with these words in them.
function M.notes_of(lyrics, prompt)
  if prompt == "" then return lyrics end
  return "prompt: " .. prompt .. (lyrics ~= "" and "\n" .. lyrics or "")
end

local function read(item)
  local _, notes = reaper.GetSetMediaItemInfo_String(item, "P_NOTES", "", false)
  return notes, words.of_notes(notes)
end

--- Write words `{item, lyrics, prompt}` into the items' notes, as one undo step; nothing happens
--- where they are there already.
function M.write(proj, rows)
  local changed = {}
  for _, row in ipairs(rows) do
    local _, lyrics, prompt = read(row.item)
    if row.lyrics ~= lyrics or row.prompt ~= prompt then changed[#changed + 1] = row end
  end
  if #changed == 0 then return end
  undo.step(proj, "Punchin: Edit lyrics", function()
    for _, row in ipairs(changed) do
      reaper.GetSetMediaItemInfo_String(row.item, "P_NOTES", M.notes_of(row.lyrics, row.prompt), true)
    end
  end)
end

-- Returns `{item, lyrics, prompt}` as they are to be sent, nil when the musician does not want to.
local function ask(entry)
  local _, lyrics, prompt = read(entry.item)
  if not dialog.fits(lyrics, prompt) then
    local sends = say.ask("The words are too long for this form: edit them in the item's notes. Send them as the notes have them?")
    return sends and {item = entry.item, lyrics = lyrics, prompt = prompt} or nil
  end
  local values = dialog.form("Punchin: Edit lyrics", {
    {name = "lyrics", label = "Lyrics (new line: /)", value = dialog.one_line(lyrics)},
    {name = "prompt", label = "Prompt", value = dialog.one_line(prompt)},
  })
  if not values then return nil end
  return {item = entry.item, lyrics = dialog.many_lines(values.lyrics), prompt = (values.prompt:gsub("%s+/%s+", ", "))}
end

local function wants_repaint(message)
  return say.ask(message .. "\n\nRepaint the selection with these lyrics instead?")
end

-- Repaint an entry from `part.start_s` to `part.end_s`, which sings the words that the engine can't
-- change alone.
local function repaint(proj, entry, part, keys)
  local chosen, why = targets.of("repaint", {project = proj, items = {entry}, time = part})
  if not chosen then return say.tell(why) end
  jobs.run("repaint", proj, chosen, keys)
end

local function text_of(value) return type(value) == "string" and value or nil end

--- Offer a repaint for an edit that failed (its job.json) where the engine can't do it; `facts` are
--- what was noted of the job. True when it was offered.
function M.offer_after(proj, facts, job)
  local wrong = type(job.error) == "table" and job.error or {}
  local item = facts.item and project.find_item(proj, facts.item)
  if math.tointeger(wrong.code) ~= NOT_SUPPORTED or not item then return false end
  if wants_repaint(tostring(wrong.message)) then
    local keys = {lyrics = text_of(job.request.lyrics), prompt = text_of(job.request.prompt)}
    repaint(proj, selection.entry(item), {start_s = facts.start_s, end_s = facts.end_s}, keys)
  end
  return true
end

-- What the daemon says to edits that it refuses at once; one answer holds for all items.
local function refused(proj)
  local answer
  return function(message, code, target)
    if code ~= NOT_SUPPORTED then return say.tell(message) end
    if answer == nil then answer = wants_repaint(message) end
    if answer and reaper.ValidatePtr2(proj, target.entry.item, "MediaItem*") then
      repaint(proj, target.entry, target, {})
    end
  end
end

--- Have the words of the selected items sung, as their notes (else Settings) have them.
function M.sing()
  local gathered = selection.gather()
  local chosen, why = targets.of("edit", gathered)
  if not chosen then return say.tell(why) end
  for _, target in ipairs(chosen) do
    local told = words.of(gathered.project, target.entry.item, target.start_s, target.end_s)
    if told.lyrics == "" and told.prompt == "" then
      return say.tell("There are no words: type lyrics or a prompt, or write them in the item's notes.")
    end
  end
  jobs.run("edit", gathered.project, chosen, {}, refused(gathered.project))
end

--- Edit the words of the selected items, one form each, then have them sung; cancelling a form
--- leaves all as it was.
function M.edit()
  local gathered = selection.gather()
  local chosen, why = targets.of("edit", gathered)
  if not chosen then return say.tell(why) end
  local rows = {}
  for i, target in ipairs(chosen) do
    rows[i] = ask(target.entry)
    if not rows[i] then return end
  end
  M.write(gathered.project, rows)
  M.sing()
end

return M
