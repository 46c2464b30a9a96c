"""One open set: what the musician does becomes jobs, what the daemon finishes becomes clips.

Everything it needs is handed in as `Tools`. `tick` is called every 100 ms from Live's main thread;
`press` and the listeners only take notes for it, because Live forbids changes while it notifies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import (
    actions,
    deliver,
    lom,
    memory,
    names,
    places,
    reading,
    request,
    results,
    sending,
    tags,
    watch,
)
from .link import Link

CONTEXT_S = {"udp": 0.1, "mailbox": 1.0}
VIEW_SIGNS = ("detail_clip", "highlighted_clip_slot")
SONG_SIGNS = ("tempo", "signature_numerator", "signature_denominator", "is_playing")
LOOP_SIGNS = ("loop", "loop_start", "loop_length")
CLIP_SIGNS = ("loop_start", "loop_end", "start_marker", "end_marker", "looping", "warping")
FILE_SIGNS = ("warp_markers", "file_path", "pitch_coarse", "pitch_fine")
MOST_WAITING = 16


@dataclass
class Tools:
    """What Live and the system offer.

    `say(text)` writes the status bar, `log(text)` Live's log, `clock()` gives seconds that never go
    back, `open_udp(host, port)` a `udp.Udp`. `make_marker(second, beat)` is Live's class, None
    where it has none; `main_view()` names the view that is shown, `folder` is where this script
    lies.
    """

    song: Any
    say: Callable[[str], Any]
    log: Callable[[str], Any]
    clock: Callable[[], float]
    open_udp: Callable[[str, int], Any]
    make_marker: Any = None
    main_view: Callable[[], str] = lambda: "Session"
    home: str = ""
    folder: str = places.HERE


class Script:
    """The script in one set."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.song, self.clock = tools.song, tools.clock
        self.home = tools.home or places.home(folder=tools.folder)
        self.names = tags.Names(self.song)
        self.memory = memory.Memory(self.song)
        self.link = Link(self.home, tools.open_udp, tools.clock)
        self.watch = watch.Watch(self.home, self.names.set_id)
        self.sending = sending.Sending(self.link, tools.clock, self._taken, self._refused)
        self.delivery = deliver.Delivery(self.song, self.names, self.say, tools.make_marker)
        self.results = results.Results(self)
        self._listeners, self._clip_listeners = lom.Listeners(), lom.Listeners()
        self._pressed: list[str] = []
        self._clip: Any = None
        self._clip_name = self._was = self._last_fault = self._told_prompt = ""
        self._changed, self._told_wrong = True, False
        self._context_at = self.clock()
        self._listeners.add(lom.get(self.song, "view"), VIEW_SIGNS, self._on_selection)
        self._listeners.add(self.song, (*SONG_SIGNS, *LOOP_SIGNS), self._on_change)
        self._on_selection()

    def press(self, action: str) -> None:
        """Note an action (see `buttons.ACTIONS`) for the next tick."""
        if len(self._pressed) < MOST_WAITING:
            self._pressed.append(action)

    def show(self, text: str) -> None:
        """Show one line in Live's status bar."""
        self._tools.say(f"Punchin: {text}")

    def say(self, text: str) -> None:
        """Show one line in Live's status bar, and keep it in Live's log."""
        self.show(text)
        self._tools.log(f"Punchin: {text}")

    def tick(self) -> None:
        """Do a little of everything that is due; never raises."""
        for step in (self._hear, self._act, self.results.tick, self._tell_context):
            try:
                step()
            except Exception as e:  # a fault here must not stop Live's timer
                self._fault(e)

    def close(self) -> None:
        """Let go of Live and of the daemon. Jobs go on; the set finds them when it is opened."""
        self._listeners.clear()
        self._clip_listeners.clear()
        self.link.close(request.farewell(bool(self._told_prompt)))

    def results_folder(self) -> str | None:
        """Return where results of this set belong, None to leave them with the daemon."""
        set_file = str(lom.get(self.song, "file_path", "") or "")
        return places.results_folder(set_file, self._tools.folder)

    def in_arrangement(self) -> bool:
        """Whether Live shows the arrangement."""
        return self._tools.main_view() == "Arranger"

    def tag(self, clip: Any) -> str:
        """Return the mark of a job on a clip that was read, or on none."""
        if clip is None:
            return tags.build(self.names.set_id, "", "")
        return tags.build(self.names.set_id, self.names.of(clip.track), clip.place)

    # -- what Live tells ---------------------------------------------------------------------------

    def _on_change(self) -> None:
        self._changed = True

    def _on_selection(self) -> None:
        self._changed = True
        self._clip_listeners.clear()
        self._clip = lom.get(lom.get(self.song, "view"), "detail_clip")
        if lom.alive(self._clip):
            self._clip_name = str(lom.get(self._clip, "name", ""))
            self._clip_listeners.add(self._clip, (*CLIP_SIGNS, *FILE_SIGNS), self._on_change)
            self._clip_listeners.add(self._clip, ("name",), self._on_name)

    def _on_name(self) -> None:
        """Start the order of a clip that was just renamed to one with an `!`."""
        self._changed = True
        before, self._clip_name = self._clip_name, str(lom.get(self._clip, "name", ""))
        order = names.read(self._clip_name)
        if order and order.now and self._clip_name != before:
            self.press("go")

    # -- what the daemon tells ---------------------------------------------------------------------

    def _hear(self) -> None:
        heard = self.link.tick()
        self.sending.tick(heard)
        for address, args in heard:
            self.results.hear(address, args)
        state, self._was = self._was, self.link.state
        if state == self._was:
            return
        self._changed = True
        self._told_wrong = self._told_wrong and not self.link.up
        if self._was == "wrong" and not self._told_wrong:
            self._told_wrong = True
            self.say(sending.OTHER)
        elif self._was in ("away", "silent") and self.memory.open:
            self.say("the daemon is gone; open jobs go on when it is started again")

    def _taken(self, job_id: str) -> None:
        self.say(f"{self.memory.open.get(job_id, {}).get('op', 'a job')} is on its way")

    def _refused(self, job_id: str, why: str) -> None:
        self.memory.end(job_id)
        self.say(why)

    # -- what the daemon is told -------------------------------------------------------------------

    def _act(self) -> None:
        pressed, self._pressed = self._pressed, []
        for action in pressed:
            actions.do(self, action)

    def _tell_context(self) -> None:
        if not self._changed or not self.link.up or self.clock() < self._context_at:
            return
        self._context_at = self.clock() + CONTEXT_S[self.link.state]
        self._changed = False
        try:
            clip: Any = reading.selected(self.song)
        except reading.Unsuitable:
            clip = None
        told = request.context(self.song, clip, self.tag(clip), self.results_folder())
        prompts = [o.keys.get("prompt", "") for o in actions.named_orders(self.song)]
        prompt = next(iter(prompts), "")
        if prompt != self._told_prompt:  # one that somebody else has set stays while ours is empty
            told.append(("/punchin/prompt", [prompt]))
            self._told_prompt = prompt
        self.link.send(told)

    def _fault(self, fault: Exception) -> None:
        text = f"{type(fault).__name__}: {fault}"
        if text != self._last_fault:
            self._last_fault = text
            self._tools.log(f"Punchin: {text}")
