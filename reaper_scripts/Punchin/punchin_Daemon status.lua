-- @description Punchin: Daemon status
-- @version 0.1.0
-- @author Punchin
-- @about Says whether the Punchin daemon runs, with which engine, and what it does.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("service").show()
