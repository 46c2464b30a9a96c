from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listen_material import RATE, add, drums, song, sung, tone

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen import listen
from daemon.engines.sketch.stems import NAMES, split

GRID = Grid.steady(120.0)


def heard_in(clip, rate=RATE):
    return listen(clip, rate, GRID, downbeat_told=True)


@pytest.mark.parametrize("rate", [22050, 44100])
def test_the_stems_sum_to_the_clip(rate):
    clip = song(bars=8, rate=rate)
    stems = split(clip, rate, heard_in(clip, rate))
    assert tuple(stems) == NAMES
    total = sum(stem.astype(np.float64) for stem in stems.values())
    assert np.abs(total - clip).max() <= 1e-6
    assert all(stem.dtype == np.float32 and stem.shape == clip.shape for stem in stems.values())


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 9000))
def test_any_length_splits(frames):
    clip = song(bars=2)[:frames]
    heard = replace(heard_in(clip), kind="mix")
    stems = split(clip, RATE, heard)
    assert np.abs(sum(stems.values()) - clip).max(initial=0) <= 1e-6


def energy_share(stem, part):
    """Share of `part`'s energy that a projection of `stem` onto it holds."""
    along = np.vdot(stem, part) / np.vdot(part, part)
    return float(along)


def test_strokes_bass_and_held_chords_go_their_ways():
    parts = {name: np.zeros((8 * RATE, 2)) for name in ("drums", "bass", "other")}
    drums(parts["drums"], 120, 4, 4)
    for bar, root in enumerate((0, 7, 9, 5)):
        for midi, pan in ((60, 0.0), (64, 1.0), (67, 0.0)):
            add(parts["other"], tone(midi + root, 1.9, decay_s=4), 2 * bar, 0.1, pan)
        add(parts["bass"], tone(36 + root % 12, 1.9, partials=2, decay_s=4), 2 * bar, 0.3)
    clip = (0.3 * sum(parts.values())).astype(np.float32)
    stems = split(clip, RATE, replace(heard_in(clip), kind="mix"))
    for name, part in parts.items():
        shares = {stem: energy_share(stems[stem], 0.3 * part) for stem in NAMES}
        assert max(shares, key=shares.get) == name
        assert shares[name] > 0.6


def test_a_centred_line_that_never_repeats_goes_to_the_vocals():
    back = song(bars=12, lead=False, with_drums=False)
    spread = np.stack([back[:, 0], np.roll(back[:, 1], 301)], axis=1)
    random = np.random.Generator(np.random.PCG64(2))
    line = [(0.5 * i, 0.5 * i + 0.45, int(random.integers(64, 80))) for i in range(46)]
    voice = 0.8 * sung(line, length_s=len(back) / RATE)
    clip = (0.4 * spread + voice).astype(np.float32)
    stems = split(clip, RATE, replace(heard_in(clip), kind="mix"))
    assert energy_share(stems["vocals"], voice) > 2 * energy_share(stems["vocals"], 0.4 * spread)
    assert energy_share(stems["vocals"], voice) > 0.4


def test_a_lone_voice_and_lone_drums_stay_whole():
    voice = sung([(0.1, 1.5, 60), (1.6, 2.5, 64)])
    stems = split(voice, RATE, heard_in(voice))
    assert np.array_equal(stems["vocals"], voice)
    assert not stems["drums"].any()


def test_silence_splits_into_silence():
    clip = np.zeros((RATE, 2), np.float32)
    assert not any(stem.any() for stem in split(clip, RATE, heard_in(clip)).values())


def test_splitting_can_be_stopped():
    class Stopped(Exception):
        pass

    def stop():
        raise Stopped

    clip = song(bars=2)
    with pytest.raises(Stopped):
        split(clip, RATE, heard_in(clip), stop)
