"""All functions of the fake REAPER by their names, and what extensions may add."""

from __future__ import annotations

from fake_desk import *  # noqa: F403
from fake_items import *  # noqa: F403
from fake_machine import *  # noqa: F403
from fake_play import *  # noqa: F403
from fake_sound import *  # noqa: F403

# Extensions that a script may ask for (`if reaper.X then`): absent here unless a test adds them.
FOREIGN = frozenset({
    "ReaPack_BrowsePackages", "ReaPack_GetOwner", "CF_LocateInExplorer", "CF_ShellExecute",
    "JS_Window_Find", "BR_GetMediaItemGUID", "SNM_GetIntConfigVar",
})  # fmt: skip
EXTENSIONS: dict[str, object] = {}
