-- @description Punchin: Extend item right
-- @version 0.1.0
-- @author Punchin
-- @about Continues the selected items by the number of bars in Settings.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("jobs").start("extend", {side = "after"})
