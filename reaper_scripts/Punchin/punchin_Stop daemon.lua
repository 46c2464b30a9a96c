-- @description Punchin: Stop daemon
-- @version 0.1.0
-- @author Punchin
-- @about Stops the Punchin daemon; asks first when jobs are open.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("service").stop()
