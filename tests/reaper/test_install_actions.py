"""The action that registers all others."""

from __future__ import annotations


def test_every_action_is_registered_once(lone_desk):
    world = lone_desk.world
    names = sorted(p.name for p in world.scripts.glob("punchin_*.lua"))
    for _ in range(2):
        world.boxes.clear()
        world.run("punchin_Install actions.lua")
        assert sorted(path.rpartition("/")[2] for path in world.registered.values()) == names
        assert len(world.boxes) == 1
        assert f"{len(names)} actions" in world.boxes[0][1]


def test_what_reaper_refuses_is_named(lone_desk, monkeypatch):
    import fake_api

    def refuse(w, add, section, path, commit):
        return 0 if "Panel" in path or "Cancel" in path else 50_000

    monkeypatch.setattr(fake_api, "AddRemoveReaScript", refuse)
    lone_desk.world.run("punchin_Install actions.lua")
    ((_, told),) = lone_desk.world.boxes
    assert "refused 2 of" in told
    assert "punchin_Cancel.lua, punchin_Panel.lua" in told
    assert "Load ReaScript" in told
