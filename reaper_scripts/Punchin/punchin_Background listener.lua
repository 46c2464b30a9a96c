-- @description Punchin: Background listener
-- @version 0.1.0
-- @author Punchin
-- @about Brings finished jobs into their projects and shows progress; other actions start it.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("listener").run()
