-- @description Punchin: Extend item left
-- @version 0.1.0
-- @author Punchin
-- @about Leads into the selected items by the number of bars in Settings.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("jobs").start("extend", {side = "before"})
