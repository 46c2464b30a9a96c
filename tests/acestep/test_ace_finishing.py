"""New music is brought onto the beat and to the colour of the clip, where that was asked for."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from ace_desk import HANDLE, RATE, Desk, asked, music  # noqa: E402

from daemon.engines.acestep.grid.colour import MOST_DB, coloured, curve_of  # noqa: E402
from daemon.engines.acestep.parts import HOP  # noqa: E402

CLIP = music(14.0)
LATE = round(0.035 * RATE)
BEFORE, SPAN = 4.0, (4.0, 9.0)


@pytest.fixture
def sounds(engine, monkeypatch):
    """Let whatever is decoded of the clip's time line be these samples instead."""

    def use(samples):
        def sound(latents, first, last, share):
            share.tell(0.0)
            for frame in range(first, last, 100):
                until = min(last, frame + 100)
                piece = np.zeros(((until - frame) * HOP, 2), np.float32)
                inside = samples[frame * HOP : until * HOP]
                piece[: len(inside)] = inside
                yield frame, piece

        monkeypatch.setattr(engine._session, "sound", sound)
        engine._session.own.clear()

    yield use
    engine._session.own.clear()


def _late(samples):
    return np.concatenate([np.zeros((LATE, 2), np.float32), samples[:-LATE]])


def _ran(engine, request):
    port = Desk()
    return engine.run(request, port), port


@pytest.mark.parametrize("told", [{}, {"grid": "correct"}])
def test_a_repaint_off_the_beat_is_moved(engine, sounds, told):
    sounds(_late(CLIP))
    result, port = _ran(engine, asked("repaint", CLIP, SPAN, steps=1, **told))
    (note,) = [n for n in result.notes if n.startswith("Timing")]
    assert 33 <= int(re.search(r"(\d+) ms late", note)[1]) <= 37
    assert "it was moved" in note
    assert "confidence" in note
    span = slice(*(round(s * RATE) for s in SPAN))
    made = port.sounds()["region"][HANDLE:-HANDLE]
    gain = np.sum(made * CLIP[span]) / np.sum(CLIP[span] ** 2)
    rest = made - gain * CLIP[span]
    # To a millisecond, as onsets tell it: what is left is a shift by a few samples.
    assert np.std(rest) < 0.7 * np.std(made)
    late = [c for c in port.chunks if c.provisional]
    assert late
    assert all(c.start >= span.start - HANDLE for c in port.chunks)


@pytest.mark.parametrize(("mode", "said"), [("measure", True), ("off", False)])
def test_it_is_left_where_it_is_if_told_so(engine, sounds, mode, said):
    sounds(_late(CLIP))
    result, port = _ran(engine, asked("repaint", CLIP, SPAN, steps=1, grid=mode))
    notes = [n for n in result.notes if n.startswith("Timing")]
    assert len(notes) == said
    assert not any("moved" in n for n in notes)
    span = slice(*(round(s * RATE) for s in SPAN))
    made = port.sounds()["region"][HANDLE:-HANDLE]
    wanted = _late(CLIP)[span]
    gain = np.sum(made * wanted) / np.sum(wanted**2)
    assert np.allclose(made, gain * wanted, atol=1e-5)


def test_a_cover_is_held_against_its_clip_and_a_piece_against_the_told_grid(engine, sounds):
    sounds(_late(CLIP))
    whole = (0.0, 14.0)
    covered, _ = _ran(engine, asked("cover", CLIP, whole, steps=1))
    assert any("it was moved" in n and "the music beside it" in n for n in covered.notes)
    made, _ = _ran(engine, asked("generate", CLIP[:0], whole, steps=1))
    assert any("it was moved" in n and "the told grid" in n for n in made.notes)
    untold = replace(asked("generate", CLIP[:0], whole, steps=1), grid_told=False)
    assert not any("Timing" in n for n in _ran(engine, untold)[0].notes)


def test_an_extension_is_held_against_the_clip(engine, sounds):
    longer = music(20.0)
    sounds(_late(longer))
    result, _ = _ran(engine, asked("extend", CLIP, (14.0, 19.0), steps=1))
    assert any("it was moved" in n for n in result.notes)


# -- colour --------------------------------------------------------------------------------------


def _dull(samples):
    low = butter(1, 2_000, "low", fs=RATE, output="sos")
    return np.asarray(0.7 * samples + 0.3 * sosfilt(low, samples, axis=0), np.float32)


def _noise(seconds, seed=4):
    rng = np.random.Generator(np.random.PCG64(seed))
    return (0.1 * rng.standard_normal((round(seconds * RATE), 2))).astype(np.float32)


def test_the_colour_is_measured_and_undone():
    clip = _noise(4.0)
    curve = curve_of(clip, _dull(clip))
    assert np.abs(curve).max() <= MOST_DB
    other = _noise(4.0, seed=9)
    mended = coloured(_dull(other), curve)
    assert mended.shape == other.shape
    hz = np.fft.rfftfreq(len(other), 1 / RATE)
    bands = [(hz > low) & (hz < 2 * low) for low in (200, 1_000, 5_000)]

    def colour(samples):
        power = np.abs(np.fft.rfft(samples[:, 0])) ** 2
        levels = np.log([power[band].sum() for band in bands])
        return levels - levels.mean()

    wanted, dull, found = (colour(x) for x in (other, _dull(other), mended))
    assert np.abs(dull - wanted).max() > 0.3
    assert np.abs(found - wanted).max() < 0.05


def test_a_flat_curve_changes_nothing():
    clip = _noise(1.0)
    assert np.allclose(coloured(clip, np.zeros(2049)), clip, atol=1e-4)
    assert curve_of(clip[:100], clip[:100]) is None
    assert curve_of(0 * clip, clip) is None


def test_matching_eq_is_off_by_default(engine):
    request = asked("repaint", CLIP, SPAN, steps=1, grid="off")
    plain, one = _ran(engine, request)
    told = replace(request, options={**request.options, "matching_eq": 1})
    matched, two = _ran(engine, told)
    assert not any("matching_eq" in n for n in plain.notes)
    assert any(n.startswith("matching_eq: by at most") for n in matched.notes)
    assert not np.allclose(one.sounds()["region"], two.sounds()["region"], atol=1e-3)


def test_the_clips_beat_is_read_once_for_all_takes(engine, sounds, monkeypatch):
    sounds(_late(CLIP))
    request = replace(asked("repaint", CLIP, SPAN, steps=1), source_mark="/song.wav 12 34")
    first, _ = _ran(engine, request)
    monkeypatch.setattr("daemon.engines.acestep.ops.finishing.beat_of", None)
    second, _ = _ran(engine, replace(request, seed=8))
    said = [[n for n in r.notes if n.startswith("Timing")] for r in (first, second)]
    assert said[0] == said[1] != []
