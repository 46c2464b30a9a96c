"""REAPER 6.09, which lacks what later versions added: each is asked for before its use."""

from __future__ import annotations

import json

import pytest
from fake_model import Marker

NEWER = {
    "GetNumRegionsOrMarkers", "GetRegionOrMarker", "GetRegionOrMarkerInfo_Value",
    "GetSetRegionOrMarkerInfo_String", "InsertTrackInProject", "PCM_Source_BuildPeaks",
}  # fmt: skip


@pytest.fixture
def old_desk(desk):
    """A REAPER of 2020."""
    desk.world.missing |= NEWER
    desk.world.version = "6.09"
    return desk


def test_a_repaint_with_a_named_region(old_desk, reaper_house):
    item = old_desk.item(old_desk.audio())
    old_desk.project.markers.append(Marker("[chorus]", 0.0, 2.0, True, 1))
    old_desk.select(0.5, 1.0)
    old_desk.delivered("Repaint time selection")
    request = reaper_house.job(json.loads(item.takes[1].ext["punchin"])["job"])["request"]
    assert request["lyrics"] == "[chorus]"
    assert not NEWER & set(old_desk.world.calls)


def test_stems_on_new_tracks(old_desk):
    old_desk.item(old_desk.audio())
    old_desk.delivered("Vocal to BGM")
    assert len([t for t in old_desk.project.tracks[1:] if t.items]) > 1
    assert not NEWER & set(old_desk.world.calls)
