"""Players for stems that no style has, and which player of the styles stands for a stem."""

from __future__ import annotations

from collections.abc import Mapping

from daemon.engines.sketch.plan.choosing import nearest_style
from daemon.engines.sketch.plan.styles import DrumStyle, PartStyle, Style

PERCUSSION = DrumStyle(
    kit="drums-acoustic",
    gain_db=-2.0,
    send_db=-18.0,
    low=(
        {"shaker": "x.o.x.o.x.o.x.o.", "rim": "....x.......x..."},
        {"shaker": "xoxoxoxoxoxoxoxo"},
        {"tambourine": "....x.......x...", "shaker": "x.x.x.x.x.x.x.x."},
    ),
    high=(
        {"shaker": "xoxoxoxoxoxoxoxo", "tambourine": "....x.......x..."},
        {"tambourine": "x.o.X.o.x.o.X.o.", "cowbell": "x...x...x...x..."},
        {"shaker": "xooxxooxxooxxoox", "rim": "..x...x...x..x.."},
    ),
    fill=({"tom_high": "........x.x.x...", "tom_low": "............x.xx"},),
)

_EXTRAS: Mapping[str, PartStyle] = {
    "vocals": PartStyle(
        "voices", "vocals", "lead", "pad-choir", ("x---x-------x---",), ("x---x---x---x---",),
        (60, 79), gain_db=-4.0, send_db=-12.0,
    ),
    "backing_vocals": PartStyle(
        "voices", "backing_vocals", "pad", "pad-choir", range=(55, 76), gain_db=-7.0, send_db=-12.0
    ),
    "fx": PartStyle(
        "hits", "fx", "chords", "stab", ("x...............",), ("x.......x.......",), (60, 84),
        gain_db=-8.0, send_db=-8.0,
    ),
    "other": PartStyle(
        "pluck", "other", "arp", "pluck", ("1.2.3.2.1.2.3.2.", "1..2..3.1..2..3."),
        ("1232123212321232", "1.324.321.324.32"), (60, 84), voices=4, gain_db=-6.0, send_db=-14.0,
    ),
}  # fmt: skip


def player_for(stem: str, style: Style, styles: Mapping[str, Style], bpm: float) -> PartStyle:
    """Return who plays `stem`: of the style itself, else of the nearest style that has one.

    Not for `drums` and `percussion`.
    """
    if own := _of(style, stem):
        return own
    able = {name: other for name, other in styles.items() if _of(other, stem)}
    if able:
        found = _of(able[nearest_style(bpm, style.busy, able)], stem)
        assert found is not None
        return found
    return _EXTRAS[stem]


def _of(style: Style, stem: str) -> PartStyle | None:
    rows = [part for part in style.parts if part.stem.split("-")[0] == stem]
    # A line of its own comes last: chords and patterns leave the clip's melody alone.
    return min(rows, key=lambda part: part.role == "lead", default=None)
