"""The actions and the keys that are suggested for them, most used first.

Alt+Shift and a letter: REAPER's own map uses few of them, and it asks before a key is given away.
On macOS Alt is Option.
"""

from __future__ import annotations

KEYS = {
    "Repaint time selection": "Alt+Shift+R",
    "Next take": "Alt+Shift+Down",
    "Previous take": "Alt+Shift+Up",
    "Retake selected item": "Alt+Shift+T",
    "Extend item right": "Alt+Shift+E",
    "Extend item left": "Alt+Shift+W",
    "Vocal to BGM": "Alt+Shift+B",
    "Generate in time selection": "Alt+Shift+G",
    "Cover selected item": "Alt+Shift+C",
    "Layer an instrument": "Alt+Shift+L",
    "Separate stems": "Alt+Shift+S",
    "Edit lyrics of the selection": "Alt+Shift+Y",
    "Panel": "Alt+Shift+P",
    "Cancel": "Alt+Shift+X",
}
