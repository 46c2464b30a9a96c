-- @description Punchin: Layer an instrument
-- @version 0.1.0
-- @author Punchin
-- @about Asks which instrument, and adds one that fits the selected items, on a new track.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("forms").layer()
