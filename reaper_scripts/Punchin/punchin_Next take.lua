-- @description Punchin: Next take
-- @version 0.1.0
-- @author Punchin
-- @about Goes on to the next take of the selected items.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("takes").step(1)
