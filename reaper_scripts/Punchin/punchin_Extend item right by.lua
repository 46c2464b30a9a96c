-- @description Punchin: Extend item right by
-- @version 0.1.0
-- @author Punchin
-- @about Asks for a number of bars and continues the selected items by it.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("forms").extend("after")
