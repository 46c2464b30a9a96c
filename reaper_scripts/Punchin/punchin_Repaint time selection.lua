-- @description Punchin: Repaint time selection
-- @version 0.1.0
-- @author Punchin
-- @about Replaces the selected bars of the selected items by new material, as a new take.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("jobs").start("repaint")
