-- @description Punchin: Panel
-- @version 0.1.0
-- @author Punchin
-- @about Prompt, lyrics, presets, jobs and takes in one window (ReaImGui), or as a form.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("panel").run()
