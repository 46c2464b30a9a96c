"""How far a repaint goes from what was there, and how loud and sharp it is where it meets it."""

from itertools import pairwise

import numpy as np
import pytest
from engine_desk import ENGINE, HANDLE, RATE, Desk, band, request_of, voice
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.grid import Grid
from daemon.audio.loudness import integrated_lufs
from daemon.audio.splice import CONTEXT_S, splice
from daemon.engines.base import Span
from daemon.engines.sketch.jobs.levelling import beside, levelled, target_lufs
from daemon.engines.sketch.jobs.regions import without_upbeat
from daemon.engines.sketch.jobs.softening import limited, sharpness_of, softened
from daemon.engines.sketch.plan.types import Part, Plan, PlanNote

BAR = 2 * RATE
STEPS = (0.0, 0.3, 0.6, 1.0)


def _region(clip: np.ndarray, span: Span, **options: object) -> tuple[np.ndarray, str]:
    desk = Desk()
    seed = options.pop("seed", 1)
    request = request_of("repaint", clip, (span,), key="C major", seed=seed, options=options)
    notes = ENGINE.run(request, desk).notes
    return desk.sounds()["region"][HANDLE:-HANDLE], " ".join(notes)


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """1 − correlation of two magnitude spectrograms, on a log scale."""
    rows = [
        np.log1p(
            100
            * np.abs(
                np.fft.rfft(
                    np.lib.stride_tricks.sliding_window_view(x.mean(axis=1), 1024)[::256]
                    * np.hanning(1024)
                )
            )
        ).ravel()
        for x in (a, b)
    ]
    return 1 - float(np.corrcoef(*rows)[0, 1])


@pytest.mark.parametrize("bars", [8, 4], ids=["other bars fit", "none fit"])
def test_the_distance_from_the_source_rises_with_strength(bars: int) -> None:
    clip, span = band(bars), Span(BAR, 3 * BAR)
    source = clip[span.start : span.end]
    found = [_distance(source, _region(clip, span, strength=s)[0]) for s in STEPS]
    assert all(later > earlier + 0.01 for earlier, later in pairwise(found))


def test_strength_0_holds_to_the_source_and_1_has_nothing_of_it() -> None:
    clip, span = band(4), Span(BAR, 3 * BAR)
    source = clip[span.start : span.end].mean(axis=1)

    def likeness(strength: float) -> float:
        return float(
            np.corrcoef(source, _region(clip, span, strength=strength)[0].mean(axis=1))[0, 1]
        )

    assert 0.8 < likeness(0.0) < 0.9999
    assert likeness(1.0) < 0.3


def test_the_notes_tell_what_is_new() -> None:
    clip, span = band(8), Span(2 * BAR, 4 * BAR)
    told = [_region(clip, span, strength=s)[1].lower() for s in (0.0, 0.3, 0.6, 1.0)]
    assert ["other bars" in t for t in told] == [True, True, True, False]
    assert ["new parts" in t for t in told] == [False, False, True, True]


def test_a_prompt_at_the_default_strength_is_followed_whole() -> None:
    clip, span = band(8), Span(2 * BAR, 4 * BAR)
    assert "other bars" not in _region(clip, span, prompt="busy rock")[1].lower()
    assert "other bars" in _region(clip, span, prompt="busy rock", strength=0.2)[1].lower()


def test_one_seed_gives_one_take() -> None:
    clip, span = band(8), Span(2 * BAR, 4 * BAR)
    takes = [_region(clip, span, strength=0.4, seed=s)[0] for s in (5, 5, 6)]
    assert np.array_equal(takes[0], takes[1])
    assert not np.array_equal(takes[0], takes[2])


@pytest.mark.parametrize("strength", [0.2, 1.0])
@pytest.mark.parametrize("kind", ["loud", "soft", "rising", "voice"])
def test_what_comes_out_of_the_splice_is_as_loud_as_its_surroundings(
    kind: str, strength: float
) -> None:
    clip, span = band(8), Span(2 * BAR, 4 * BAR)
    if kind == "voice":
        clip = voice([60, 62, 64, 65] * 8)
    elif kind == "soft":
        clip = clip * np.float32(0.02)
    elif kind == "rising":
        clip = clip * (10 ** (np.linspace(-12, 0, len(clip)) / 20)).astype(np.float32)[:, None]
    desk = Desk()
    request = request_of("repaint", clip, (span,), options={"strength": strength})
    ENGINE.run(request, desk)
    reach = round(CONTEXT_S * RATE)
    done = splice(
        clip[span.start - reach : span.start],
        clip[span.start : span.end],
        clip[span.end : span.end + reach],
        desk.sounds()["region"],
        HANDLE,
        RATE,
    ).samples
    loud = integrated_lufs(done, RATE)
    assert loud is not None
    assert abs(loud - target_lufs(beside(request, span), RATE)) < 1.0


@settings(deadline=None, max_examples=20)
@given(st.floats(-15, 15), st.floats(-6, 6), st.floats(0.3, 5.0))
def test_material_of_any_level_is_brought_to_the_target(
    level_db: float, tilt_db: float, seconds: float
) -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    clip = (0.1 * rng.standard_normal((12 * RATE, 2))).astype(np.float32)
    span = Span(4 * RATE, 4 * RATE + round(seconds * RATE))
    request = request_of("repaint", clip, (span,))
    sound = 0.1 * rng.standard_normal((span.frames + 2 * HANDLE, 2))
    curve = level_db + np.linspace(-tilt_db, tilt_db, len(sound)) / 2
    sound = (sound * (10 ** (curve / 20))[:, None]).astype(np.float32)
    target = target_lufs(beside(request, span), RATE)
    inside = levelled(sound, target, request, span)[HANDLE:-HANDLE]
    assert len(inside) == span.frames
    loud = integrated_lufs(np.resize(inside, (max(len(inside), RATE), 2)), RATE)
    assert loud is not None
    assert abs(loud - target) < 1.0


def test_silence_stays_silent_and_beside_silence_there_is_a_level() -> None:
    clip, span = band(4), Span(BAR, 2 * BAR)
    nothing = np.zeros((span.frames + 2 * HANDLE, 2), np.float32)
    assert levelled(nothing, -16.0, request_of("repaint", clip, (span,)), span) is nothing
    assert target_lufs(np.zeros((RATE, 2), np.float32), RATE) == -20
    assert target_lufs(np.zeros((0, 2), np.float32), RATE) == -20


def test_treble_is_lowered_only_where_it_bends_too_much() -> None:
    t = np.arange(RATE) / RATE
    sound = np.stack([0.3 * np.sin(2 * np.pi * 200 * t)] * 2, axis=1).astype(np.float32)
    clicking = sound.copy()
    clicking[RATE // 2] += 0.5
    most = np.full(RATE, 0.02)
    done = limited(clicking, most, RATE)
    assert np.abs(np.diff(clicking.mean(axis=1), 2)).max() > 0.5
    assert np.abs(np.diff(done.mean(axis=1), 2)).max() < 0.08
    far = np.abs(np.arange(RATE) - RATE // 2) > 0.01 * RATE
    assert np.abs(done - sound)[far].max() < 1e-6
    assert limited(sound, most, RATE) is sound


def test_an_attack_at_a_seam_is_no_sharper_than_a_soft_clips_own() -> None:
    t = np.arange(8 * RATE) / RATE
    clip = np.stack([0.2 * np.sin(2 * np.pi * 300 * t)] * 2, axis=1).astype(np.float32)
    span = Span(3 * RATE, 5 * RATE)
    rng = np.random.Generator(np.random.PCG64(1))
    sound = (0.05 * rng.standard_normal((span.frames + 2 * HANDLE, 2))).astype(np.float32)
    request = request_of("repaint", clip, (span,))
    done = softened(sound, sharpness_of(clip), request, span)
    at = slice(HANDLE - 60, HANDLE + 60)
    bends = [float(np.abs(np.diff(x[at].mean(axis=1), 2)).max()) for x in (sound, done)]
    assert bends[1] < 0.3 * bends[0]


def test_the_beat_after_the_region_is_left_to_what_follows() -> None:
    notes = tuple(PlanNote(q, 0.5, 60, 90, offset) for q, offset in ((0, 0), (3.5, 0), (4, -0.01)))
    part = Part("a", "keyboard", "piano", notes=notes)
    late = Part("b", "pad", "pad-warm", notes=notes[2:])
    plan = Plan("pop", 1, "C major", Grid.steady(120), 0.0, 2.1, parts=(part, late))
    kept = without_upbeat(plan, 2.0)
    assert [p.name for p in kept.parts] == ["a"]
    assert [n.start_quarter for n in kept.parts[0].notes] == [0, 3.5]
