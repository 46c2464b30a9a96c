"""Jobs that a SoundFont plays: what they tell, their level, and a font that can't be used."""

import json
from pathlib import Path

import numpy as np
import pytest
from engine_desk import RATE, Desk, empty, mix_of, request_of, voice
from soundfont_writer import KEYS, Wave, Zone, font_bytes, sine, span

from bridge.protocol.errors import PunchinError
from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.base import Request, Result, Span
from daemon.engines.sketch import jobs
from daemon.engines.sketch.jobs.sounds import SOUNDFONT
from daemon.engines.sketch.jobs.studio import Studio, open_studio

SECONDS = 16.0


def whole_band(lacking: tuple[int, ...] = ()) -> bytes:
    """A font with every General MIDI program but some, and a kit of three sounds."""
    saw = sum(sine(441 * k, 1.0, 0.3 / k).astype(int) for k in range(1, 8))
    noise = np.random.Generator(np.random.PCG64(3)).standard_normal((2, 6000))
    hits = noise * np.exp(-np.arange(6000) / [[1500], [500]]) * 6000
    waves = [
        Wave(np.asarray(saw, np.int16), loop=(4400, 39600)),
        Wave(np.asarray(np.clip(hits[0], -32000, 32000), np.int16)),
        Wave(np.asarray(np.clip(hits[1], -32000, 32000), np.int16)),
        Wave(sine(60, 0.2, 0.8)),
    ]
    band = [Zone([(54, 1), (38, -2400), (36, 1200), (37, 300)], target=0)]
    kit = [
        Zone([(KEYS, span(0, 37)), (56, 0)], target=3),
        Zone([(KEYS, span(38, 41)), (56, 0)], target=1),
        Zone([(KEYS, span(42, 127)), (56, 0), (57, 1)], target=2),
    ]
    presets = {(0, p): [Zone()] for p in range(128) if p not in lacking}
    return font_bytes(waves, [band, kit], {**presets, (128, 0): [Zone(target=1)]})


@pytest.fixture(scope="module")
def band(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fonts") / "band.sf2"
    path.write_bytes(whole_band())
    return path


def generate(**options: object) -> Request:
    spans = (Span(0, round(SECONDS * RATE)),)
    return request_of("generate", empty(), spans, options={"preset": "pop", **options})


def done(studio: Studio, request: Request) -> tuple[Result, Desk]:
    desk = Desk()
    return jobs.perform(studio, request, desk), desk


def test_a_piece_is_played_by_the_font_at_the_wanted_level(band: Path) -> None:
    studio = open_studio(soundfont=band)
    result, desk = done(studio, generate())
    assert "Played with the SoundFont Tiny (band.sf2)." in result.notes
    assert not any("lacks" in note for note in result.notes)
    assert integrated_lufs(mix_of(desk), RATE) == pytest.approx(-16, abs=0.5)
    assert true_peak_db(mix_of(desk), RATE) <= -1
    plain, own = done(open_studio(), generate())
    assert plain.documents["plan"] == result.documents["plan"]
    assert not any("SoundFont" in note for note in plain.notes)
    for name, sound in own.sounds().items():
        heard, built_in = (integrated_lufs(s, RATE) for s in (desk.sounds()[name], sound))
        assert heard == pytest.approx(built_in, abs=6), name
    again, second = done(open_studio(soundfont=band), generate())
    warm = done(studio, generate())[1]
    assert again.notes == result.notes
    for name, sound in desk.sounds().items():
        assert np.array_equal(sound, second.sounds()[name])
        assert np.array_equal(sound, warm.sounds()[name])


def test_what_the_font_lacks_is_told_and_played_by_the_built_in_voices(tmp_path: Path) -> None:
    path = tmp_path / "some.sf2"
    path.write_bytes(whole_band(lacking=(33, 4)))
    result, desk = done(open_studio(soundfont=path), generate())
    (told,) = [note for note in result.notes if "lacks" in note]
    assert "bass-finger" in told
    assert "some.sf2" in told
    assert np.abs(desk.sounds()["stem:bass"]).max() > 0.01


def test_a_job_that_plays_nothing_names_no_font(band: Path) -> None:
    studio = open_studio(soundfont=band)
    done(studio, generate())
    clip = voice([60, 62, 64, 65])
    result, _ = done(studio, request_of("analyze", clip, ()))
    assert not any("SoundFont" in note for note in result.notes)


@pytest.mark.parametrize("data", [None, b"no font", whole_band()[:2000]])
def test_a_font_that_can_t_be_used_stops_what_makes_sound_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None
) -> None:
    path = tmp_path / "broken.sf2"
    if data is not None:
        path.write_bytes(data)
    monkeypatch.setenv(SOUNDFONT, str(path))
    studio = open_studio()
    with pytest.raises(PunchinError) as caught:
        done(studio, generate())
    assert caught.value.code == 303
    assert str(path) in caught.value.message
    clip = voice([60, 62, 64, 65])
    assert done(studio, request_of("analyze", clip, ()))[0].analysis


def test_the_environment_names_the_font(band: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOUNDFONT, str(band))
    result, _ = done(open_studio(), generate())
    assert any("band.sf2" in note for note in result.notes)
    assert json.loads(result.documents["plan"])["parts"]
