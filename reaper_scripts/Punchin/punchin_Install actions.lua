-- @description Punchin: Install actions
-- @version 0.1.0
-- @author Punchin
-- @about Puts all of Punchin's actions into REAPER's action list. Load this one by hand, run it once.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("actions").install(here)
