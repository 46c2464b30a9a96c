-- @description Punchin: Retake selected item
-- @version 0.1.0
-- @author Punchin
-- @about Varies the selected items, as a new take.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("jobs").start("retake")
