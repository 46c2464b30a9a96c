-- @description Punchin: Separate stems
-- @version 0.1.0
-- @author Punchin
-- @about Separates the selected items into stems on new tracks in a folder below.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("jobs").start("stems")
