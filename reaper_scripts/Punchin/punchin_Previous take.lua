-- @description Punchin: Previous take
-- @version 0.1.0
-- @author Punchin
-- @about Goes back to the previous take of the selected items.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("takes").step(-1)
