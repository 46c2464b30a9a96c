"""New material beside a clip: its chord loop carried on, its loudness and spectrum matched."""

from dataclasses import replace

import numpy as np
import pytest
from engine_desk import ENGINE, RATE, Desk, band, empty, request_of

from daemon.audio.grid import Grid
from daemon.engines.base import Span
from daemon.engines.sketch.jobs.asking import key_of, wish_of
from daemon.engines.sketch.jobs.backing import known_chords, sung
from daemon.engines.sketch.jobs.matching import (
    LIMIT_DB,
    band_levels,
    correction_db,
    matched,
    shaped,
)
from daemon.engines.sketch.jobs.regions import asks_for_new, chords_beyond, loop_quarters
from daemon.engines.sketch.jobs.studio import Studio, open_studio
from daemon.engines.sketch.listen import ChordSpan, Listening, Note
from daemon.engines.sketch.listen.frames import to_ear
from daemon.engines.sketch.listen.onsets import onset_strength, pick_onsets
from daemon.engines.sketch.plan.caption import Caption
from daemon.engines.sketch.plan.types import PlanChord

GRID = Grid.steady(120)


@pytest.fixture(scope="module")
def studio() -> Studio:
    return open_studio()


def _heard(names: list[str], notes: tuple[Note, ...] = ()) -> Listening:
    """What would be heard in a clip with one chord a bar at 120 quarter notes per minute."""
    chords = tuple(ChordSpan(2.0 * i, 2.0 * i + 2, name) for i, name in enumerate(names))
    return Listening(
        length_s=2.0 * len(names), grid=GRID, tempo_confidence=1, downbeat_confidence=1,
        key="C major", key_confidence=1, relative_key="A minor", chords=chords, notes=notes,
        voiced=0, kind="mix", has_drums=True, loudness_lufs=-14, peak_dbfs=-1, onsets_per_beat=2,
    )  # fmt: skip


def _noise(rng_seed: int, seconds: float = 3.0) -> np.ndarray:
    rng = np.random.Generator(np.random.PCG64(rng_seed))
    return (0.1 * rng.standard_normal((2, round(seconds * RATE)))).astype(np.float32)


def _name_at(chords: list[PlanChord], quarter: float) -> str:
    return next(c.name for c in chords if c.start_quarter <= quarter < c.end_quarter)


@pytest.mark.parametrize(
    ("names", "bars"),
    [(["C", "G", "Am", "F"] * 2, 4), (["C", "G"] * 4, 2), (["C"] * 4, 1), (["C", "F", "G"], 3)],
)
def test_the_chord_loop_is_found(names: list[str], bars: int) -> None:
    assert loop_quarters(known_chords(_heard(names), GRID), (4, 4)) == 4 * bars


def test_the_loop_goes_on_after_the_clip_and_before_it() -> None:
    heard = _heard(["C", "G", "Am", "F"] * 2)
    clip = np.zeros((16 * RATE, 2), np.float32)
    after = Span(16 * RATE, 24 * RATE)
    later = chords_beyond(heard, request_of("extend", clip, (after,)), after)
    assert [_name_at(later, 32 + 4 * i + 1) for i in range(4)] == ["C", "G", "Am", "F"]
    before = Span(-8 * RATE, 0)
    earlier = chords_beyond(heard, request_of("extend", clip, (before,)), before)
    assert [_name_at(earlier, -16 + 4 * i + 1) for i in range(4)] == ["C", "G", "Am", "F"]


def test_a_clip_without_chords_has_no_loop() -> None:
    span = Span(0, RATE)
    assert chords_beyond(_heard(["N", "N"]), request_of("extend", empty(), (span,)), span) == []


def test_chord_edges_move_to_half_beats() -> None:
    heard = _heard(["C", "G"])
    off = tuple(ChordSpan(c.start_s + 0.06, c.end_s + 0.06, c.name) for c in heard.chords)
    moved = known_chords(Listening(**{**vars(heard), "chords": off}), GRID)
    assert [(c.start_quarter, c.end_quarter) for c in moved] == [(0, 4), (4, 8)]


def test_a_singer_who_is_sharp_is_heard_in_their_own_tuning() -> None:
    notes = tuple(
        Note(0.5 * i, 0.5 * i + 0.45, 60.45 + step, 1) for i, step in enumerate((0, 2, 4))
    )
    assert [n.midi for n in sung(_heard(["C"], notes), GRID)] == [60, 62, 64]


def test_spectrum_is_matched_within_its_limit() -> None:
    new = _noise(1)
    tilt = np.linspace(8, -8, 26)
    context = shaped(_noise(2), tilt, RATE)
    got = matched(new, context, RATE)
    middle = slice(4, 22)
    have, want = band_levels(got, RATE)[middle], band_levels(context, RATE)[middle]
    difference = (have - np.median(have)) - (want - np.median(want))
    assert np.abs(difference).max() < 2.5
    extreme = shaped(_noise(2), 3 * tilt, RATE)
    assert np.abs(correction_db(new, extreme, RATE)).max() <= LIMIT_DB
    assert got.shape == new.shape


def test_beside_silence_nothing_is_matched() -> None:
    new = _noise(1)
    assert matched(new, np.zeros((2, RATE), np.float32), RATE) is new


def test_a_flat_correction_leaves_the_sound_where_it_is() -> None:
    new = _noise(1)
    assert np.abs(shaped(new, np.zeros(26), RATE) - new).max() < 1e-3


def test_a_prompt_with_a_wish_asks_for_new_parts() -> None:
    plain = request_of("repaint", empty(), (Span(0, RATE),))
    assert not asks_for_new(plain, Caption())
    assert asks_for_new(plain, Caption(style="pop"))
    assert asks_for_new(plain, Caption(density=-1))
    assert asks_for_new(replace(plain, options={"chords": "C | F"}), Caption())


def test_style_and_key_come_from_what_is_told_first(studio: Studio) -> None:
    request = request_of("generate", empty(), (Span(0, RATE),), options={"prompt": "sad house"})
    wish = wish_of(studio, request)
    assert wish.style.name == "house"
    assert key_of(request, None, wish.caption).endswith("minor")
    assert key_of(request, "F major", wish.caption) == "F major"
    told = request_of("generate", empty(), (Span(0, RATE),), key="Bb", options={"preset": "jazz"})
    assert key_of(told, "F major", wish.caption) == "Bb major"
    assert wish_of(studio, told).style.name == "jazz"


def test_a_prompt_for_less_gives_fewer_onsets() -> None:
    clip, span = band(8), Span(4 * RATE, 12 * RATE)

    def onsets(prompt: str) -> int:
        desk = Desk()
        options = {"prompt": prompt, "strength": 1.0}
        ENGINE.run(request_of("repaint", clip, (span,), key="C major", options=options), desk)
        return len(pick_onsets(onset_strength(to_ear(desk.sounds()["region"], RATE))))

    assert onsets("busy double-time rock") >= 1.5 * onsets("sparse half-time rock")
