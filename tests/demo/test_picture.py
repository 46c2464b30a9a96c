"""Outlines and pictures of results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from daemon.demo import envelope as outline
from daemon.demo.envelope import envelope
from daemon.demo.picture import Chord, Scene, joined, overview, pretty

RATE = 8000
NEW, KEPT, REGION = (0xD9, 0x62, 0x2B), (0x5B, 0x6B, 0x7F), (0xFB, 0xE9, 0xD0)


def write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def noise(seconds: float, channels: int = 2) -> np.ndarray:
    generator = np.random.Generator(np.random.PCG64(3))
    return generator.uniform(-0.5, 0.5, (round(seconds * RATE), channels)).astype(np.float32)


# -- outlines ------------------------------------------------------------------------------------


@given(frames=st.integers(1, 3000), columns=st.integers(1, 200), block=st.integers(1, 500))
@settings(deadline=None, max_examples=40)
def test_an_outline_is_that_of_each_column_whatever_the_block(
    tmp_path_factory: pytest.TempPathFactory, frames: int, columns: int, block: int
) -> None:
    samples = noise(frames / RATE)
    path = write(tmp_path_factory.mktemp("wave") / "x.wav", samples)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outline, "_BLOCK", block)
        found = envelope(path, columns)
    size = -(-frames // columns)
    cuts = [samples[i : i + size] for i in range(0, frames, size)]
    assert len(found.low) == len(cuts) <= columns
    np.testing.assert_array_equal(found.low, [c.min() for c in cuts])
    np.testing.assert_array_equal(found.high, [c.max() for c in cuts])
    assert found.column_s == size / RATE
    assert found.seconds == frames / RATE


def test_an_empty_file_has_an_empty_outline(tmp_path: Path) -> None:
    found = envelope(write(tmp_path / "x.wav", noise(0)), 10)
    assert (len(found.times), found.peak, found.seconds) == (0, 0.0, 0.0)


# -- pictures ------------------------------------------------------------------------------------


def pixels(path: Path, colour: tuple[int, int, int]) -> np.ndarray:
    """Return the columns (share of the width) in which a colour appears."""
    image = np.round(imread(path)[..., :3] * 255).astype(int)
    hit = np.abs(image - np.array(colour)).max(axis=2) <= 2
    return np.flatnonzero(hit.any(axis=0)) / image.shape[1]


def drawn(folder: Path, scene: Scene) -> Path:
    path = folder / "overview.png"
    overview(path, scene)
    return path


def test_new_material_is_coloured_inside_the_region_only(tmp_path: Path) -> None:
    source, result = write(tmp_path / "s.wav", noise(4)), write(tmp_path / "r.wav", noise(4))
    path = drawn(tmp_path, Scene("", result, source, (1.0, 2.0), [0, 1, 2, 3]))
    left, right = 0.058, 0.985
    at = [left + share * (right - left) for share in (0.25, 0.5)]
    new = pixels(path, NEW)
    new = new[new < 0.8]  # the length is told in the same colour at the right
    assert new.min() == pytest.approx(at[0], abs=0.002)
    assert new.max() == pytest.approx(at[1], abs=0.002)
    shade = pixels(path, REGION)
    assert (shade.min(), shade.max()) == (
        pytest.approx(at[0], abs=0.002),
        pytest.approx(at[1], abs=0.002),
    )
    kept = pixels(path, KEPT)
    assert kept.min() == pytest.approx(left, abs=0.002)
    assert kept.max() == pytest.approx(right, abs=0.002)


def test_a_source_that_starts_later_is_drawn_later(tmp_path: Path) -> None:
    source, result = write(tmp_path / "s.wav", noise(2)), write(tmp_path / "r.wav", noise(4))
    path = drawn(tmp_path, Scene("", result, source, source_start_s=2.0))
    assert pixels(path, KEPT).min() == pytest.approx(0.058 + 0.5 * 0.927, abs=0.002)


def test_music_from_nothing_has_one_panel(tmp_path: Path) -> None:
    result = write(tmp_path / "r.wav", noise(2, 1))
    alone = imread(drawn(tmp_path, Scene("", result)))
    both = imread(drawn(tmp_path, Scene("", result, result)))
    assert alone.shape[1] == both.shape[1]
    assert alone.shape[0] < both.shape[0]


def test_chords_bars_and_odd_sizes_are_drawn(tmp_path: Path) -> None:
    result = write(tmp_path / "r.wav", noise(0.05))
    chords = [Chord(0, 0.02, "F#m7"), Chord(0.02, 9, "N")]
    plain = imread(drawn(tmp_path, Scene("", result)))
    full = imread(
        drawn(tmp_path, Scene("", result, chords=chords, bar_lines=np.arange(0, 900, 0.01)))
    )
    assert plain.shape == full.shape
    assert np.any(plain != full)


def test_silence_is_drawn(tmp_path: Path) -> None:
    assert drawn(tmp_path, Scene("", write(tmp_path / "r.wav", 0 * noise(1)))).stat().st_size > 1000


def test_pictures_are_the_same_every_time(tmp_path: Path) -> None:
    scene = Scene("same", write(tmp_path / "r.wav", noise(1)), chords=[Chord(0, 1, "C")])
    first = drawn(tmp_path, scene).read_bytes()
    assert drawn(tmp_path, scene).read_bytes() == first


def test_neighbours_of_one_chord_are_joined() -> None:
    chords = [Chord(2, 3, "G"), Chord(0, 1, "C"), Chord(1, 2, "C"), Chord(4, 5, "G")]
    assert joined(chords) == [Chord(0, 2, "C"), Chord(2, 3, "G"), Chord(4, 5, "G")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("C", "C"), ("F#m", "F♯m"), ("Bb7", "B♭7"), ("Bdim", "Bdim"), ("Gsus4", "Gsus4")],
)
def test_chord_names(name: str, shown: str) -> None:
    assert pretty(name) == shown
