import json

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listen_material import song

from daemon.engines.sketch.listen import analysis_dict, find_grid, listen, melody
from daemon.engines.sketch.listen.level import loudness_lufs, peak_dbfs
from daemon.engines.sketch.listen.onsets import attack_strength, onset_strength


class Stopped(Exception):
    pass


def test_silence_is_silence_and_valid_json():
    heard = listen(np.zeros((44100, 2), np.float32), 44100)
    assert heard.kind == "silence"
    assert heard.key is None
    assert heard.notes == ()
    data = json.loads(json.dumps(analysis_dict(heard), allow_nan=False))
    assert data["loudness_lufs"] == -120
    assert data["peak_dbfs"] == -120
    assert data["chords"] == [{"start": 0.0, "end": 1.0, "name": "N"}]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 12000), st.sampled_from([8000, 22050, 44100, 96000]), st.integers(0, 2))
def test_short_clips_of_any_length_and_rate_are_heard_without_harm(frames, rate, what):
    random = np.random.Generator(np.random.PCG64(frames))
    clip = np.zeros((frames, 2), np.float32)
    if what == 1:
        clip += random.standard_normal((frames, 2)).astype(np.float32) * 0.1
    elif what == 2:
        clip += np.sin(np.arange(frames) * 2 * np.pi * 220 / rate)[:, None].astype(np.float32)
    for bpm in (None, 90.0):
        heard = listen(clip, rate, bpm=bpm)
        json.dumps(analysis_dict(heard), allow_nan=False)
        assert heard.chords[-1].end_s == pytest.approx(frames / rate)
        find_grid(clip, rate, bpm)
    melody(clip, rate)


def test_samples_that_are_not_finite_do_not_spread():
    clip = song(bars=4)
    clip[3000:3010] = np.nan
    clip[9000] = np.inf
    heard = listen(clip, 22050, bpm=120)
    json.dumps(analysis_dict(heard), allow_nan=False)
    assert heard.key == "C major"
    assert heard.peak_dbfs < 0


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_any_rate_gives_the_same_chords(rate):
    heard = listen(song(bars=4, rate=rate), rate, bpm=120, metre=(4, 4))
    assert [heard.chord_at(2.0 * bar + 1) for bar in range(4)] == ["C", "G", "Am", "F"]


def test_listening_stops_where_the_check_says_so():
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 4:
            raise Stopped

    with pytest.raises(Stopped):
        listen(song(bars=8), 22050, check=check)


def test_the_check_is_asked_all_along():
    calls = []
    listen(song(bars=16), 22050, bpm=120, check=lambda: calls.append(1))
    assert len(calls) > 30


def test_loudness_agrees_with_pyloudnorm():
    for rate in (22050, 48000):
        clip = song(bars=4, rate=rate)
        expected = pyloudnorm.Meter(rate).integrated_loudness(clip.astype(np.float64))
        assert loudness_lufs(clip, rate) == pytest.approx(expected, abs=0.02)


def test_peak_is_the_largest_sample():
    clip = np.zeros((1000, 2), np.float32)
    clip[700, 1] = -0.5
    assert peak_dbfs(clip) == pytest.approx(-6.02, abs=0.01)


def test_rulers_for_onsets_agree_with_a_click_track():
    clicks = np.zeros(22050 * 4, np.float32)
    at = np.arange(1, 8) * 0.5
    for second in at:
        start = int(second * 22050)
        clicks[start : start + 400] = np.exp(-np.arange(400) / 80) * np.sin(np.arange(400) * 0.5)
    onsets = onset_strength(clicks)
    seconds, rise = attack_strength(clicks)
    for second in at:
        near = np.abs(onsets.seconds - second) < 0.1
        centre = (onsets.seconds * onsets.strength)[near].sum() / onsets.strength[near].sum()
        assert centre == pytest.approx(second, abs=0.004)
        near = np.abs(seconds - second) < 0.1
        assert seconds[near][rise[near].argmax()] == pytest.approx(second, abs=0.004)
