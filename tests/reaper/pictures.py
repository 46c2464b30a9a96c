"""Pictures of REAPER for the docs, from what the fake one draws and holds.

    python -m tests.reaper.pictures [FOLDER]    writes reaper-panel.png, reaper-before-after.png

The panel is ReaImGui's draw list, laid out from top to bottom as Dear ImGui does; the timelines are
the fake project's items with the sound that they play, before and after a repaint by `sketch`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import soundfile

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "house")]
mpl.use("agg")

import matplotlib.pyplot as plt  # noqa: E402
from desk import Desk  # noqa: E402
from fake_imgui import ImGui, Widget  # noqa: E402
from fake_model import Item, Take  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.patches import FancyBboxPatch  # noqa: E402
from wire_house import House  # noqa: E402

CLIP = ROOT / "presets" / "clips" / "band.flac"
CLIP_BPM = 110.0
DPI = 150
# Dear ImGui's dark colours, and its default spaces in pixels.
GROUND, TITLE, FRAME, BUTTON, BAR = "#0f0f0f", "#294a7a", "#1d2f49", "#274972", "#b8860b"
TEXT, DIM = "#ffffff", "#808080"
LINE, PAD, GAP, WIDTH = 22.0, 4.0, 8.0, 520.0
LETTER = 7.0  # mean width of a letter


class Sheet:
    """Lays widgets out from top to bottom and draws them; y grows downwards, in pixels."""

    def __init__(self, ax: Axes) -> None:
        self.ax = ax
        self.x, self.y, self.height = GAP, LINE + 2 * PAD, LINE
        self.after: tuple[float, float] = (GAP, 0.0)
        self.same_line = False
        self.width: float | None = None

    def box(self, width: float, height: float, colour: str) -> tuple[float, float]:
        """Draw a frame at the cursor; return where it begins."""
        x, y = self.place(width, height)
        shape = FancyBboxPatch(
            (x, y), width, height, boxstyle="square,pad=0", fc=colour, ec="#3a3a3a", lw=0.5
        )
        self.ax.add_patch(shape)
        return x, y

    def place(self, width: float, height: float) -> tuple[float, float]:
        if self.same_line:
            x, y = self.after
        else:
            x, y = GAP, self.y
        self.same_line = False
        self.after = (x + width + GAP, y)
        self.y = max(self.y, y + height + PAD)
        return x, y

    def text(self, x: float, y: float, text: str, colour: str = TEXT) -> None:
        self.ax.text(x, y + LINE / 2, text, color=colour, va="center", ha="left", fontsize=7.5)

    def draw(self, w: Widget) -> None:
        run = getattr(self, f"on_{w.kind}", None)
        if run:
            run(w)

    # -- one method a widget -------------------------------------------------------------------

    def on_Begin(self, w: Widget) -> None:  # noqa: N802
        self.ax.add_patch(plt.Rectangle((0, 0), WIDTH, LINE, fc=TITLE))
        self.text(GAP, 0, w.label)
        self.text(WIDTH - 18, 0, "×")

    def on_SameLine(self, w: Widget) -> None:  # noqa: N802
        self.same_line = True

    def on_SetNextItemWidth(self, w: Widget) -> None:  # noqa: N802
        self.width = w.args[0]

    def on_SeparatorText(self, w: Widget) -> None:  # noqa: N802
        x, y = self.place(WIDTH - 2 * GAP, LINE)
        self.text(x + 14, y, w.label, "#c8c8c8")
        begin = x + 22 + len(w.label) * LETTER
        self.ax.plot([x, x + 10], [y + LINE / 2] * 2, color="#5a5a66", lw=1)
        self.ax.plot([begin, WIDTH - GAP], [y + LINE / 2] * 2, color="#5a5a66", lw=1)

    def on_Separator(self, w: Widget) -> None:  # noqa: N802
        _, y = self.place(WIDTH - 2 * GAP, GAP)
        self.ax.plot([GAP, WIDTH - GAP], [y + GAP / 2] * 2, color="#5a5a66", lw=1)

    def on_Text(self, w: Widget) -> None:  # noqa: N802
        self.text(*self.place(len(w.label) * LETTER, LINE), w.label)

    on_TextWrapped = on_Text  # noqa: N815

    def on_TextDisabled(self, w: Widget) -> None:  # noqa: N802
        self.text(*self.place(len(w.label) * LETTER, LINE), w.label, DIM)

    def on_Button(self, w: Widget) -> None:  # noqa: N802
        colour = "#1b2a3d" if w.disabled else BUTTON
        x, y = self.box(len(w.label) * LETTER + 2 * GAP, LINE, colour)
        self.text(x + GAP, y, w.label, DIM if w.disabled else TEXT)

    def on_Checkbox(self, w: Widget) -> None:  # noqa: N802
        x, y = self.box(LINE, LINE, FRAME)
        if w.args[1]:
            self.text(x + 5, y, "✓")
        self.text(x + LINE + PAD, y, w.label)

    def on_InputTextWithHint(self, w: Widget) -> None:  # noqa: N802
        x, y = self.box(WIDTH - 2 * GAP, LINE, FRAME)
        self.text(x + PAD, y, w.args[2] or w.args[1], TEXT if w.args[2] else DIM)

    def on_InputTextMultiline(self, w: Widget) -> None:  # noqa: N802
        x, y = self.box(WIDTH - 2 * GAP, w.args[3], FRAME)
        for i, line in enumerate(w.args[1].splitlines()):
            self.text(x + PAD, y + i * 18, line)

    def on_BeginCombo(self, w: Widget) -> None:  # noqa: N802
        width = self.width or 200.0
        x, y = self.box(width, LINE, FRAME)
        self.text(x + PAD, y, w.args[1])
        self.text(x + width - 16, y, "▾")
        self.text(x + width + PAD, y, w.label)

    def on_ProgressBar(self, w: Widget) -> None:  # noqa: N802
        fraction, width, _, overlay = w.args
        x, y = self.box(width, LINE, FRAME)
        self.ax.add_patch(plt.Rectangle((x, y), width * fraction, LINE, fc=BAR))
        self.text(x + GAP, y, overlay)


def draw_panel(gui: ImGui, path: Path) -> None:
    """Write the last frame of a panel as a picture."""
    figure, ax = plt.subplots(figsize=(WIDTH / 90, 6.9), facecolor=GROUND)
    sheet = Sheet(ax)
    for widget in gui.drawn:
        sheet.draw(widget)
    ax.set(xlim=(0, WIDTH), ylim=(sheet.y + GAP, 0), aspect="equal")
    _save(figure, [ax], path)


def _save(figure: Any, axes: list[Axes], path: Path) -> None:
    for ax in axes:
        ax.set_facecolor(figure.get_facecolor())
        ax.axis("off")
    figure.savefig(path, dpi=DPI, bbox_inches="tight", pad_inches=0.04)
    plt.close(figure)


# -- panel -----------------------------------------------------------------------------------------


def panel(folder: Path, home: Path) -> ImGui:
    """A panel with a running job, jobs that are over, and takes to choose from."""
    house = House(home)
    try:
        desk = Desk("lua54", folder, home)
        gui = ImGui(desk.world, folder)
        item = desk.item(desk.audio(seconds=4), at=4.0, length=4.0)
        desk.world.ext["punchin", "takes"] = "2"
        desk.world.ext["punchin", "seed"] = "2026"
        desk.select(5.0, 7.0)
        desk.press("Panel")
        gui.click("Repaint")
        desk.until(lambda: len(item.takes) == 3)
        item.notes = "prompt: wait 10"
        gui.click("Retake")
        desk.until(lambda: any(0.28 < w.args[0] < 1 for w in gui.drawn if w.kind == "ProgressBar"))
        item.notes = (
            "prompt: darker drums, no cymbals\n"
            "[verse]\nAll the lights go out\nand the street begins to hum"
        )
        desk.world.ext["punchin", "preset"] = "darker-drums"
        desk.world.tick(6)
        with house.udp() as client:
            for job in [w.path[-1] for w in gui.drawn if w.label == "Cancel"]:
                client.send("/punchin/cancel", job)
                client.until("cancelled", id=job)
        return gui
    finally:
        house.stop()


# -- timeline --------------------------------------------------------------------------------------


def _colour(take: Take) -> str:
    native = int(take.values["I_CUSTOMCOLOR"])
    if not native & 0x1000000:
        return "#7d8a94"
    return f"#{native & 255:02x}{native >> 8 & 255:02x}{native >> 16 & 255:02x}"


def _lane(ax: Axes, desk: Desk, take: Take, top: float, height: float, active: bool) -> None:
    """Draw one take of an item: its frame, its name and its sound."""
    item = take.item
    colour = _colour(take)
    box = plt.Rectangle((item.start, top), item.values["D_LENGTH"], height, fc=colour, ec="#111111")
    box.set_alpha(0.95 if active else 0.35)
    ax.add_patch(box)
    sound = desk.heard(take, item.start, item.end).mean(axis=1)
    bins = np.array_split(sound, 900)
    at = np.linspace(item.start, item.end, len(bins))
    low, high = np.array([b.min() for b in bins]), np.array([b.max() for b in bins])
    middle, scale = top + height * 0.56, height * 0.42
    ink = "#10151a" if active else "#3a444c"
    ax.fill_between(at, middle + low * scale, middle + high * scale, color=ink, lw=0)
    name = take.name + ("   ← active take" if active and len(item.takes) > 1 else "")
    ax.text(item.start + 0.06, top + 0.08, name, fontsize=7.5, va="top", color="white")


def _timeline(ax: Axes, desk: Desk, item: Item, title: str) -> None:
    first, last = item.start - 0.5, item.end + 0.5
    start, end = desk.project.loop
    lanes = len(item.takes)
    ax.add_patch(
        plt.Rectangle((start, 0.0), end - start, 0.3 + lanes * 1.05, fc="#56697c", alpha=0.55)
    )
    bar = 4 * 60 / desk.project.bpm
    for number in range(int(last / bar) + 1):
        if number * bar >= first:
            ax.plot([number * bar] * 2, [0.0, 0.3 + lanes * 1.05], color="#54595f", lw=0.6)
            ax.text(
                number * bar + 0.04, 0.14, f"{number + 1}", fontsize=7, va="center", color="#c4c9ce"
            )
    for i, take in enumerate(item.takes):
        _lane(ax, desk, take, 0.3 + i * 1.05, 1.0, i == item.active)
    for edge in (start, end):
        ax.plot([edge] * 2, [0.0, 0.3 + lanes * 1.05], color="#e8eef4", lw=1.2, ls=(0, (4, 3)))
    ax.set(xlim=(first, last), ylim=(0.35 + lanes * 1.05, -0.35))
    ax.text(first, -0.18, title, fontsize=9, va="center", color="white")


def before_after(folder: Path, home: Path, path: Path) -> None:
    """Write the timeline before and after a repaint of two bars."""
    house = House(home, engine="sketch")
    try:
        desk = Desk("lua54", folder, home)
        desk.project.bpm = CLIP_BPM
        bar = 4 * 60 / CLIP_BPM
        length = min(8 * bar, soundfile.info(CLIP).duration)
        item = desk.item(CLIP, at=bar, length=length)
        item.takes[0].name = "band.flac"
        desk.select(4 * bar, 6 * bar)
        desk.world.ext["punchin", "seed"] = "7"
        figure, (above, below) = plt.subplots(
            2, 1, figsize=(8.2, 4.1), height_ratios=[1.7, 2.75], facecolor="#2b2f33"
        )
        _timeline(above, desk, item, "Before: two bars are selected")
        desk.delivered("Repaint time selection")
        undo = desk.project.undo[-1][0]
        _timeline(below, desk, item, f"After: a new take on the same item · Undo: {undo}")
        figure.subplots_adjust(hspace=0.05)
        _save(figure, [above, below], path)
    finally:
        house.stop()


def main() -> None:
    """Write both pictures."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    with tempfile.TemporaryDirectory() as made:
        folders = [Path(made, name) for name in ("a", "b")]
        for folder in folders:
            folder.mkdir()
        draw_panel(panel(folders[0], folders[0] / "home"), target / "reaper-panel.png")
        before_after(folders[1], folders[1] / "home", target / "reaper-before-after.png")


if __name__ == "__main__":
    main()
