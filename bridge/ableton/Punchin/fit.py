"""Makes a clip that Live has just created lie as it must: warping, markers, loop, name, sound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import lom, warp
from .facts import Shape

NEAR_S = 1e-3  # how far warping may be off before the clip is left unwarped


def fit(clip: Any, shape: Shape, name: str, make_marker: Any) -> str:
    """Set a new clip up; return what could not be done, as a line for the musician, or nothing.

    `make_marker(second, beat)` is Live's `Clip.WarpMarker`, None where this Live has none.
    """
    lom.put(clip, "name", name)
    trouble = ""
    if shape.pairs is not None and not _warp(clip, shape.pairs, make_marker):
        shape = _unwarped(shape, warp.Warp(shape.pairs))
        trouble = "its warp markers could not be set: switch Warp on and set them by hand"
    if shape.pairs is None:
        lom.put(clip, "looping", False)
        lom.put(clip, "warping", False)
    for each, value in shape.sound.items():
        lom.put(clip, each, value)
    _markers(clip, shape)
    return trouble


def _unwarped(shape: Shape, line: warp.Warp) -> Shape:
    start, end = line.second_at(shape.start), line.second_at(shape.end)
    return replace(shape, start=start, end=end, loop=None, pairs=None)


def _markers(clip: Any, shape: Shape) -> None:
    looping = shape.loop is not None
    lom.put(clip, "looping", looping)
    _pair(clip, ("start_marker", "end_marker"), shape.start, shape.end)
    first, last = shape.loop or (shape.start, shape.end)
    _pair(clip, ("loop_start", "loop_end"), first, last)


def _pair(clip: Any, names: tuple[str, str], first: float, last: float) -> None:
    """Set a start and an end in the order in which neither passes the other."""
    start, end = names
    if first >= lom.number(clip, end):
        lom.put(clip, end, last)
        lom.put(clip, start, first)
    else:
        lom.put(clip, start, first)
        lom.put(clip, end, last)


def _warp(clip: Any, pairs: list[tuple[float, float]], make_marker: Any) -> bool:
    if make_marker is None or not lom.put(clip, "warping", True):
        return False
    try:
        _replace_markers(clip, pairs, make_marker)
    except lom.UNREADABLE:
        return False
    wanted, made = warp.Warp(pairs), warp.of(clip)
    if made is None:
        return False
    return all(abs(made.second_at(b) - wanted.second_at(b)) < NEAR_S for b, _ in pairs)


def _replace_markers(clip: Any, pairs: list[tuple[float, float]], make_marker: Any) -> None:
    """Put `pairs` in the place of the markers that Live found. Raises what Live raises."""
    visible = list(clip.warp_markers)[:-1]
    for marker in reversed(visible[1:]):
        clip.remove_warp_marker(marker.beat_time)
    if visible:
        anchor = visible[0]
        # The first marker can't be removed: it is moved to where its second belongs.
        where = warp.Warp(pairs).beat_at(anchor.sample_time)
        if abs(where - anchor.beat_time) > 1e-9:
            clip.move_warp_marker(anchor.beat_time, where - anchor.beat_time)
        pairs = [p for p in pairs if abs(p[1] - anchor.sample_time) > NEAR_S]
    for beat, second in pairs:
        clip.add_warp_marker(make_marker(second, beat))
