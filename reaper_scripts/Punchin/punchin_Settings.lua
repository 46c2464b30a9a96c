-- @description Punchin: Settings
-- @version 0.1.0
-- @author Punchin
-- @about Shows and changes what all actions use: prompt, seed, takes, engine and more.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("forms").settings()
