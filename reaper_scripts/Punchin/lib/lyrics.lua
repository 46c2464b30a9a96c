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

--- Write words into an item's notes, as one undo step; nothing happens when they are there already.
function M.write(proj, item, lyrics, prompt)
  local _, old_lyrics, old_prompt = read(item)
  if lyrics == old_lyrics and prompt == old_prompt then return end
  undo.step(proj, "Punchin: Edit lyrics", function()
    reaper.GetSetMediaItemInfo_String(item, "P_NOTES", M.notes_of(lyrics, prompt), true)
  end)
end

-- Returns lyrics and prompt as they are to be sent, nil when the musician does not want to.
local function ask(proj, entry)
  local _, lyrics, prompt = read(entry.item)
  if not dialog.fits(lyrics, prompt) then
    if say.ask("The words are too long for this form: edit them in the item's notes. Send them as the notes have them?") then
      return lyrics, prompt
    end
    return nil
  end
  local values = dialog.form("Punchin: Edit lyrics", {
    {name = "lyrics", label = "Lyrics (new line: /)", value = dialog.one_line(lyrics)},
    {name = "prompt", label = "Prompt", value = dialog.one_line(prompt)},
  })
  if not values then return nil end
  lyrics, prompt = dialog.many_lines(values.lyrics), (values.prompt:gsub("%s+/%s+", ", "))
  M.write(proj, entry.item, lyrics, prompt)
  return lyrics, prompt
end

-- Ask whether a repaint shall sing the words that the engine can't change alone; a yes starts it on
-- the entry, from `start_s` to `end_s`.
local function offer(proj, entry, part, keys, message)
  if not say.ask(message .. "\n\nRepaint the selection with these lyrics instead?") then return end
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
  local keys = {lyrics = text_of(job.request.lyrics), prompt = text_of(job.request.prompt)}
  offer(proj, selection.entry(item), {start_s = facts.start_s, end_s = facts.end_s}, keys, wrong.message)
  return true
end

-- What the daemon says to an edit that it refuses at once.
local function refused(proj, keys)
  return function(message, code, target)
    if code ~= NOT_SUPPORTED then return say.tell(message) end
    if not reaper.ValidatePtr2(proj, target.entry.item, "MediaItem*") then
      return say.tell("The item is gone: select another one, then try again.")
    end
    offer(proj, target.entry, target, keys, message)
  end
end

--- Edit the words of the selected items, one after the other; cancelling a form ends it.
function M.edit()
  local gathered = selection.gather()
  local chosen, why = targets.of("edit", gathered)
  if not chosen then return say.tell(why) end
  for _, target in ipairs(chosen) do
    local lyrics, prompt = ask(gathered.project, target.entry)
    if not lyrics then return end
    if lyrics == "" and prompt == "" then
      return say.tell("There are no words: type lyrics or a prompt, or write them in the item's notes.")
    end
    local keys = {lyrics = lyrics, prompt = prompt}
    jobs.run("edit", gathered.project, {target}, keys, refused(gathered.project, keys))
  end
end

return M
