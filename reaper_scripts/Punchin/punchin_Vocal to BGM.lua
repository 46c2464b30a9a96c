-- @description Punchin: Vocal to BGM
-- @version 0.1.0
-- @author Punchin
-- @about Makes an accompaniment for the selected vocal: stems on new tracks in a folder below.
-- @noindex

local here = ({reaper.get_action_context()})[2]:match("^(.*[/\\])")
package.path = here .. "lib/?.lua;" .. package.path
require("jobs").start("bgm")
