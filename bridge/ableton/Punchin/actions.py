"""What a button, or a clip's new name, starts."""

from __future__ import annotations

import os
from typing import Any

from . import facts as facts_of
from . import lom, names, reading, request, tags

STATES = {
    "away": "the daemon is not running: run `punchin start`",
    "asking": "asking for the daemon",
    "silent": "the daemon does not answer: run `punchin start`",
    "wrong": "the daemon speaks another protocol: run `punchin install ableton` again",
}


def do(script: Any, action: str) -> None:
    """Carry out an action of `buttons.ACTIONS`; what can't be done is said in one line."""
    if action == "cancel":
        _cancel(script)
    elif action == "status":
        script.link.wake()
        open_ = len(script.memory.open)
        up = f"daemon {script.link.version} ({script.link.state}), {open_} open jobs"
        script.say(STATES.get(script.link.state, up))
    else:
        try:
            _start(script, action)
        except reading.Unsuitable as e:
            script.say(str(e))


def _cancel(script: Any) -> None:
    if not script.memory.open:
        script.say("nothing is running")
        return
    newest = list(script.memory.open)[-1]
    if not script.link.send([("/punchin/cancel", [newest])]):
        script.say("the daemon does not answer: run `punchin start`")


def _start(script: Any, action: str) -> None:
    order = _order(script, action)
    if order.op == "generate":
        _new_music(script, order.keys)
        return
    clip = reading.selected(script.song)
    keys = request.on_clip(script.song, order.op, clip, order.keys)
    whose = script.memory.whose(clip.path) if order.op == "retake" else ""
    if whose:  # a result is varied from its own recipe
        keys["of"] = whose
    track_id = script.names.of(clip.track)
    script.names.keep(clip.track)
    facts = facts_of.of(order.op, clip, track_id)
    _send(script, order.op, keys, facts, script.tag(clip))


def named_orders(song: Any) -> list[names.Order]:
    """Return the orders in the names of the clip and of the scene that are selected."""
    view = lom.get(song, "view")
    told = [lom.get(lom.get(view, each), "name", "") for each in ("detail_clip", "selected_scene")]
    return [order for order in map(names.read, map(str, told)) if order]


def _order(script: Any, action: str) -> names.Order:
    """Return what is asked: a button's op, with the words of the clip's or the scene's name."""
    orders = named_orders(script.song)
    if action == "go":
        return orders[0] if orders else names.Order("repaint", {}, False)
    for order in orders:
        if order.op == action:
            return order
    if action == "layer":
        raise reading.Unsuitable("name the clip `layer bass` (or another instrument), then press")
    prompts = [order.keys["prompt"] for order in orders if "prompt" in order.keys]
    keys = {"prompt": prompts[0]} if prompts and action != "stems" else {}
    return names.Order(action, keys, False)


def _new_music(script: Any, keys: dict[str, Any]) -> None:
    song = script.song
    made = request.new_music(song, keys)
    view = lom.get(song, "view")
    track = lom.get(view, "selected_track")
    track_id = script.names.of(track) if lom.has(track, "clip_slots") else ""
    if track_id:
        script.names.keep(track)
    tempo, scene = lom.number(song, "tempo", 120.0), None
    if not script.in_arrangement():
        scenes = list(lom.get(song, "scenes", ()))
        selected = lom.get(view, "selected_scene")
        scene = next((i for i, s in enumerate(scenes) if s == selected), 0)
    beat = lom.number(song, "loop_start") if lom.get(song, "loop", False) else 0.0
    facts = facts_of.of_nothing(track_id, scene, beat, tempo)
    mark = tags.build(script.names.set_id, track_id, "-" if scene is None else f"s{scene}")
    _send(script, "generate", made, facts, mark)


def _send(script: Any, op: str, keys: dict[str, Any], facts: dict[str, Any], tag: str) -> None:
    folder = script.results_folder()
    if folder and _writable(folder):
        keys["folder"] = facts["folder"] = folder
    keys["tag"] = tag
    script.names.keep(script.song)
    job_id = request.new_id()
    script.memory.begin(job_id, facts)
    script.sending.start(job_id, request.message(op, job_id, keys))


def _writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
