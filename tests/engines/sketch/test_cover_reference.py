"""`cover` with `reference`: the style that it is like, and its spectrum."""

import numpy as np
import pytest
import soundfile
from engine_desk import HANDLE, RATE, Desk, band, empty, request_of, run, whole

from bridge.protocol.errors import PunchinError
from daemon.audio.grid import Grid
from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.base import Result, Span
from daemon.engines.sketch.jobs.matching import band_levels
from daemon.engines.sketch.plan.codec import plan_from_json

CLIP = band(4)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A piece in a style at its tempo, rendered without swing of its own; returns its path."""
    folder = tmp_path_factory.mktemp("references")

    def make(style: str, bpm: float, tilt: bool = False) -> str:
        path = folder / f"{style}{tilt}.wav"
        if not path.exists():
            span = Span(0, round(8 * 240 / bpm * RATE))
            _, desk = run(
                request_of(
                    "generate", empty(), (span,), grid=Grid.steady(bpm), options={"preset": style}
                )
            )
            mix = sum(desk.sounds().values())[HANDLE:-HANDLE]
            mix = np.diff(mix, axis=0, prepend=mix[:1]) if tilt else mix
            soundfile.write(path, 0.5 * mix / np.abs(mix).max(), RATE, "PCM_24")
        return str(path)

    return make


def _cover(path: str, **options: object) -> tuple[Result, Desk]:
    asked = {"reference": path, **options}
    return run(request_of("cover", CLIP, whole(CLIP), key="C major", options=asked))


def _region(desk: Desk) -> np.ndarray:
    return desk.sounds()["region"][HANDLE:-HANDLE]


@pytest.mark.parametrize(
    ("style", "title", "bpm"), [("reggae", "Reggae", 79), ("trap", "Trap", 130)]
)
def test_the_band_is_one_like_the_reference(reference, style, title, bpm):
    result, _ = _cover(reference(style, bpm))
    assert result.notes[0] == f"Style: {title} (nearest to the reference)."
    assert any("its style and its spectrum; not its key" in note for note in result.notes)
    assert plan_from_json(str(result.documents["plan"])).style == style
    assert result.key == "C major"


def test_a_style_that_the_prompt_names_comes_first(reference):
    result, _ = _cover(reference("techno", 134), prompt="folk")
    assert result.notes[0].startswith("Style: Folk")
    assert any(": its spectrum; not its key" in note for note in result.notes)


def test_the_cover_has_the_spectrum_of_the_reference_and_the_planned_loudness(reference):
    bright = reference("techno", 134, tilt=True)
    options = {"prompt": "folk", "seed": 1}
    _, plain = run(request_of("cover", CLIP, whole(CLIP), key="C major", options=options))
    result, followed = _cover(bright, **options)
    want = band_levels(soundfile.read(bright, dtype="float32")[0].T, RATE)
    heard = want > want.max() - 40

    def off(desk: Desk) -> float:
        gap = (band_levels(_region(desk).T, RATE) - want)[heard]
        return float(np.abs(gap - np.median(gap)).mean())

    assert off(followed) < 0.6 * off(plain)
    target = plan_from_json(str(result.documents["plan"])).mix.loudness_lufs
    assert integrated_lufs(_region(followed), RATE) == pytest.approx(target, abs=0.5)
    assert true_peak_db(_region(followed), RATE) <= -0.9


def test_the_same_request_gives_the_same_samples(reference):
    path = reference("reggae", 79)
    assert np.array_equal(_region(_cover(path)[1]), _region(_cover(path)[1]))


def _silence(path):
    soundfile.write(path, np.zeros((3 * RATE, 2)), RATE)


def _blip(path):
    soundfile.write(path, np.full((RATE, 2), 0.3), RATE)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_silence, 201),
        (_blip, 201),
        (lambda path: path.write_text("not audio at all"), 201),
        (lambda path: None, 200),
    ],
)
def test_a_bad_reference_is_told_by_number(tmp_path, make, code):
    path = tmp_path / "reference.wav"
    make(path)
    with pytest.raises(PunchinError) as caught:
        _cover(str(path))
    assert caught.value.code == code
    assert str(path) in caught.value.message


def test_other_ops_say_that_they_do_not_follow_it(reference):
    options = {"track": "bass", "reference": reference("reggae", 79)}
    result, _ = run(request_of("layer", CLIP, whole(CLIP), key="C major", options=options))
    assert any("`reference` was not used" in note for note in result.notes)
