-- @description Punchin: Cancel
-- @version 0.1.0
-- @author Punchin
-- @about Cancels the open jobs of this project.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("cancel").all()
