-- @description Punchin: Import finished jobs
-- @version 0.1.0
-- @author Punchin
-- @about Brings in finished jobs that could not be delivered before.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("import").run()
