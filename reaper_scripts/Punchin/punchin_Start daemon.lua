-- @description Punchin: Start daemon
-- @version 0.1.0
-- @author Punchin
-- @about Starts the Punchin daemon in the background.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("service").start()
