"""A strict ReaImGui that keeps what a script draws, and lets a test click and type.

    gui = ImGui(world, tmp_path)
    world.run("punchin_Panel.lua")
    gui.click("Repaint"); world.tick()
    gui.drawn     # the widgets of the last whole frame, in order

Only functions that ReaImGui has are there, with the arguments that it takes; every Begin needs
its End, every pushed id its pop; two widgets of one id, a widget outside of a window, a box that is
opened in the middle of a frame, and a context that was not used for a turn (ReaImGui removes it
then, also while a box is open) are breaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "0.9.3"
# Functions with the kinds of their arguments after the context: s text, n number, b true or false;
# after `|` they may be left out. From ReaImGui 0.9's own definitions (api/*.cpp).
FUNCTIONS = {
    "SetNextWindowSize": "nn|n", "Begin": "s|bn", "End": "", "Text": "s", "TextDisabled": "s",
    "TextWrapped": "s", "TextColored": "ns", "Separator": "", "SeparatorText": "s", "Spacing": "",
    "SameLine": "|nn", "NewLine": "", "Button": "s|nn", "SmallButton": "s", "Checkbox": "sb",
    "InputText": "ss|n", "InputTextWithHint": "sss|n", "InputTextMultiline": "ss|nnn",
    "SetNextItemWidth": "n", "ProgressBar": "n|nns", "BeginCombo": "ss|n", "EndCombo": "",
    "Selectable": "s|bnnn", "SetItemTooltip": "s", "PushID": "s", "PopID": "",
    "BeginDisabled": "|b", "EndDisabled": "", "IsItemDeactivatedAfterEdit": "",
    "IsItemHovered": "|n", "BeginChild": "s|nnnn", "EndChild": "", "BeginGroup": "",
    "EndGroup": "", "PushStyleColor": "nn", "PopStyleColor": "|n",
}  # fmt: skip
CONSTANTS = {"Cond_FirstUseEver": 4, "Cond_Always": 1, "WindowFlags_None": 0, "Col_Text": 0}
PAIRS = {
    "End": "Begin", "EndCombo": "BeginCombo", "PopID": "PushID", "EndDisabled": "BeginDisabled",
    "EndChild": "BeginChild", "EndGroup": "BeginGroup", "PopStyleColor": "PushStyleColor",
}  # fmt: skip
CLICKED = {"Button", "SmallButton", "Selectable"}
TYPED = {"InputText", "InputTextWithHint", "InputTextMultiline"}
ANSWERS = CLICKED | TYPED | {"Checkbox", "BeginCombo"}
FREE = {"SetNextWindowSize", "Begin"}  # what may come outside of a window


@dataclass(frozen=True)
class Widget:
    """One call that draws: `path` holds the ids around it."""

    kind: str
    args: tuple[Any, ...]
    path: tuple[str, ...]
    disabled: bool

    @property
    def label(self) -> str:
        return str(self.args[0]) if self.args else ""


class Context:
    """What a script holds as the context."""

    alive = True


class ImGui:
    """One installed ReaImGui. `versions` are those that its shim knows."""

    def __init__(self, world: Any, folder: Path, versions: tuple[str, ...] = (VERSION,)) -> None:
        self.world, self.versions = world, versions
        self.drawn: list[Widget] = []
        self.to_click: list[tuple[str, ...]] = []
        self.to_type: dict[str, str] = {}
        self.edited: set[str] = set()
        self.open_combos: set[str] = set()
        self.close_window = False
        self.context: Context | None = None
        self._frame_at, self._boxes_before = -1.0, 0
        self._reset()
        (folder / "imgui.lua").write_text("return reaper.ImGui__init\n")
        world.extensions["ImGui_GetBuiltinPath"] = lambda: str(folder)
        world.extensions["ImGui__init"] = self._init

    # -- what tests do -------------------------------------------------------------------------

    def click(self, *path: str) -> None:
        """Click a widget in the next frame; `path` are the ids around it and its label."""
        self.to_click.append(path)

    def type(self, label: str, text: str) -> None:
        """Type into a field in the next frame and leave it in the one after."""
        self.to_type[label] = text

    def texts(self) -> list[str]:
        """Return all that the last whole frame shows as text or label."""
        return [str(a) for w in self.drawn for a in w.args if isinstance(a, str)]

    def find(self, kind: str, label: str) -> Widget:
        return next(w for w in self.drawn if (w.kind, w.label) == (kind, label))

    # -- inside --------------------------------------------------------------------------------

    def _reset(self) -> None:
        self._frame: list[Widget] = []
        self._stack: list[tuple[str, Any]] = []
        self._ids: set[tuple[str, ...]] = set()
        self._last = ""

    def _init(self, version: str) -> Any:
        if version not in self.versions:
            raise RuntimeError(f"ReaImGui has no version {version}")
        lua = self.world.states[-1].state
        table = lua.table()
        for name in FUNCTIONS:
            table[name] = self._function(name)
        for name, value in CONSTANTS.items():
            table[name] = value
        table["CreateContext"] = self._create
        table["ValidatePtr"] = lambda ctx, kind: ctx is self.context and self._is_valid()
        return lua.eval("""function(t, ask) return setmetatable(t, {__index = function(_, name)
            ask(name) end}) end""")(table, self._no_such)

    def _no_such(self, name: str) -> None:
        raise self.world.breach(f"ReaImGui has no {name} (or the fake lacks it)")

    def _create(self, label: str, flags: int = 0) -> Context:
        self.context = Context()
        self._frame_at = self.world.clock_s
        self._boxes_before = self._boxes()
        return self.context

    def _function(self, name: str) -> Any:
        needed, _, optional = FUNCTIONS[name].partition("|")
        kinds = needed + optional

        def call(ctx: Any, *args: Any) -> Any:
            self._turn(ctx)
            if not len(needed) <= len(args) <= len(kinds):
                raise self.world.breach(f"ImGui.{name} takes {FUNCTIONS[name]!r}, not {args!r}")
            for arg, kind in zip(args, kinds, strict=False):
                if not _fits(arg, kind):
                    raise self.world.breach(f"ImGui.{name}: {arg!r} is no {kind!r}")
            return self._run(name, args)

        return call

    def _boxes(self) -> int:
        """How many boxes and forms there were so far."""
        return len(self.world.forms) + self.world.calls.count("MB")

    def _is_valid(self) -> bool:
        """Whether the context was used in each turn, and no box stopped the turns."""
        assert self.context
        idle = self.world.clock_s - self._frame_at > 1.5 / 30
        self.context.alive &= not idle and self._boxes() == self._boxes_before
        return self.context.alive

    def _turn(self, ctx: Any) -> None:
        """Notice that a new frame has begun."""
        now = self.world.clock_s
        if now == self._frame_at and (self._frame or self._stack):
            if self._boxes() != self._boxes_before:
                raise self.world.breach("a box was opened in the middle of an ImGui frame")
            return
        if ctx is not self.context or not self._is_valid():
            raise self.world.breach("this ImGui context is not valid (any more)")
        self.finish()
        self._frame_at = now

    def finish(self) -> None:
        """End the frame: what is open now was forgotten."""
        if self._stack:
            raise self.world.breach(f"ImGui: left open {[name for name, _ in self._stack]}")
        if self._frame:
            self.drawn = self._frame
        self._reset()

    @property
    def _path(self) -> tuple[str, ...]:
        return tuple(v for name, v in self._stack if name in ("PushID", "BeginCombo"))

    def _run(self, name: str, args: tuple[Any, ...]) -> Any:
        if not self._stack and name not in FREE:
            raise self.world.breach(f"ImGui.{name} outside of a window")
        if name in PAIRS:
            return self._close(name)
        disabled = any(n == "BeginDisabled" and v for n, v in self._stack)
        widget = Widget(name, args, self._path, disabled)
        if name in ANSWERS:
            self._one_of_its_id(widget)
        self._frame.append(widget)
        return self._answer(widget)

    def _close(self, name: str) -> None:
        if not self._stack or self._stack[-1][0] != PAIRS[name]:
            raise self.world.breach(f"ImGui.{name} without {PAIRS[name]}")
        self._stack.pop()
        if name == "End":
            self.finish()

    def _one_of_its_id(self, widget: Widget) -> None:
        own = (*widget.path, widget.label.split("###")[-1])
        if own in self._ids:
            raise self.world.breach(f"ImGui: two widgets with the id {own}")
        self._ids.add(own)

    def _answer(self, w: Widget) -> Any:
        if w.kind in ("PushID", "BeginDisabled", "BeginGroup", "PushStyleColor", "BeginChild"):
            self._stack.append((w.kind, w.args[0] if w.args else True))
            return True
        if w.kind == "Begin":
            self._stack.append(("Begin", w.args[0]))
            return True, not self.close_window
        if w.kind == "BeginCombo":
            return self._combo(w)
        if w.kind in CLICKED:
            return self._was_clicked(w)
        if w.kind == "Checkbox":
            clicked = self._was_clicked(w)
            return clicked, w.args[1] != clicked
        if w.kind in TYPED:
            return self._typed(w)
        if w.kind == "IsItemDeactivatedAfterEdit":
            left = self._last in self.edited and self._last not in self.to_type
            self.edited.discard(self._last)
            return left
        return None

    def _combo(self, w: Widget) -> bool:
        if self._was_clicked(w):
            self.open_combos.add(w.label)
        if w.label in self.open_combos:
            self._stack.append(("BeginCombo", w.label))
        return w.label in self.open_combos

    def _was_clicked(self, w: Widget) -> bool:
        own = (*w.path, w.label)
        if w.disabled or own not in self.to_click:
            return False
        self.to_click.remove(own)
        if w.kind == "Selectable":
            self.open_combos.discard(w.path[-1] if w.path else "")
        return True

    def _typed(self, w: Widget) -> tuple[bool, str]:
        self._last = w.label
        text = w.args[1 if w.kind != "InputTextWithHint" else 2]
        if w.label not in self.to_type:
            return False, text
        self.edited.add(w.label)
        return True, self.to_type.pop(w.label)


def _fits(arg: Any, kind: str) -> bool:
    if kind == "b":
        return isinstance(arg, bool)
    if kind == "s":
        return isinstance(arg, str)
    return isinstance(arg, (int, float)) and not isinstance(arg, bool)
