-- @description Punchin: Edit lyrics of the selection
-- @version 0.1.0
-- @author Punchin
-- @about Shows the words of the selected items, keeps them in their notes and has them sung.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("lyrics").edit()
