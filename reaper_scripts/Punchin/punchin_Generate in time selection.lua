-- @description Punchin: Generate in time selection
-- @version 0.1.0
-- @author Punchin
-- @about Makes new music for the time selection on new tracks.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("jobs").start("generate")
