"""REAPER's functions on selected items and its transport."""

# ruff: noqa: N802 -- the names are REAPER's own

from __future__ import annotations


def _selected(w, proj):
    return [item for item in w.resolve(proj).items() if item.values["B_UISEL"] > 0]


def CountSelectedMediaItems(w, proj):
    return len(_selected(w, proj))


def GetSelectedMediaItem(w, proj, idx):
    items = _selected(w, proj)
    return items[int(idx)] if 0 <= idx < len(items) else None


def OnPlayButtonEx(w, proj):
    project = w.resolve(proj)
    project.playing, project.play_position = True, project.cursor


def OnStopButtonEx(w, proj):
    w.resolve(proj).playing = False
