"""How the players make a style's patterns their own, and room for the voice."""

from dataclasses import replace
from itertools import pairwise

import pytest

from bridge.resources import folder
from daemon.audio.grid import Grid
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.bars import Bar, bars_between
from daemon.engines.sketch.plan.form import plan_form
from daemon.engines.sketch.plan.harmonise import Sung
from daemon.engines.sketch.plan.harmony import Changes
from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.song import Song
from daemon.engines.sketch.plan.styles import load_styles
from daemon.engines.sketch.plan.types import Plan, PlanChord, Section

STYLES = load_styles(folder("presets") / "styles")
GRID = Grid.steady(100, downbeat=0.3)


def _played(style: str, **more: object) -> Plan:
    return arrange(replace(Brief(GRID, 0.0, 20.0, "D major", STYLES[style], 1), **more))


@pytest.mark.parametrize("style", ["pop", "folk", "lofi", "ballad"])
def test_chords_and_pads_stay_below_the_singer(style: str) -> None:
    melody = tuple(Sung(q, q + 0.9, 66 + int(q) % 3) for q in range(32))
    plan = _played(style, melody=melody, level=3)
    roles = {p.name: p for p in STYLES[style].parts if p.role in ("chords", "pad", "strum")}
    tops = [
        (max(n.midi for n in part.notes), roles[part.name].range[0])
        for part in plan.parts
        if part.name in roles and roles[part.name].range[1] > 67 > roles[part.name].range[0]
    ]
    assert tops
    assert all(top <= max(67 - 2, low + 14) for top, low in tops)


def test_bars_are_put_together_from_halves_of_the_styles() -> None:
    rows = ("x...x...x.......", ".x.......x......", "..x.......x.....")
    bars = tuple(Bar(4.0 * i, 4.0, 4, 4) for i in range(8))
    sections = (Section(0.0, 32.0, "verse", 1),)
    phrases = []
    for seed in range(12):
        song = Song(
            STYLES["pop"], "C major", seed, bars, sections, Changes([PlanChord(0, 32, "C")])
        )
        phrase = [song.figure(rows, bar, "piano") for bar in bars]
        assert phrase[:4] == phrase[4:]
        assert {p[:8] for p in phrase} <= {r[:8] for r in rows}
        assert {p[8:] for p in phrase} <= {r[8:] for r in rows}
        phrases.append(tuple(phrase))
    assert len(set(phrases)) >= 10
    assert all(a[0][:8] != b[0][:8] and a[0][8:] != b[0][8:] for a, b in pairwise(phrases))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_bare_section_keeps_time(style: str) -> None:
    plan = _played(style, level=0)
    drums = next(p for p in plan.parts if is_drums(p.instrument))
    starts = {n.start_quarter // 4 for n in drums.notes}
    assert {bar.start // 4 for bar in bars_between(plan.grid, 0.0, 20.0)[1:-1]} <= starts
    kicks = [n for n in drums.notes if n.midi == 36 and n.start_quarter < 12]
    assert (len(kicks) >= 8) == (style in ("house", "techno"))


def test_a_song_with_clear_contrast_has_its_choruses_where_the_voice_rises() -> None:
    bars = bars_between(GRID, 0.3, 0.3 + 12 * 2.4)
    soft_to_loud = (-20.0,) * 4 + (-17.0,) * 4 + (-16.0,) * 4
    kinds = [s.kind for s in plan_form(bars, "", soft_to_loud)]
    assert kinds[-1] == "chorus"
    assert "chorus" not in [s.kind for s in plan_form(bars, "", (-18.0, -17.5) * 6)]
