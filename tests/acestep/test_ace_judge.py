"""Accompaniments that fit a vocal get better marks than those that do not."""

import numpy as np
import pytest
import torch
from vocal_material import RATE, band, hz, voice

from daemon.engines.acestep.judge.onsets import onset_agreement, onsets_of
from daemon.engines.acestep.judge.pitches import chroma_agreement, chroma_of
from daemon.engines.acestep.judge.verdict import Verdict, hear, silent_share
from daemon.engines.acestep.judge.verdict import judge as judge_of
from daemon.engines.base import Cancelled

LENGTH_S = 12


def unchecked():
    return None


@pytest.fixture(scope="module")
def sung():
    return voice(LENGTH_S)


def onsets_agree(accompaniment, vocal):
    return onset_agreement(*(onsets_of(x, unchecked) for x in (accompaniment, vocal)))


def chromas_agree(accompaniment, vocal):
    return chroma_agreement(*(chroma_of(x, unchecked) for x in (accompaniment, vocal)))


def judge(accompaniment, vocal, removed, check):
    return judge_of(accompaniment, hear(vocal, check), removed, torch.device("cpu"), check)


def strokes(times_s, midi=60, length_s=LENGTH_S):
    """Short tones that begin at `times_s`."""
    out = np.zeros((int(length_s * RATE), 2), np.float32)
    tone = np.sin(2 * np.pi * hz(midi) * np.arange(RATE // 8) / RATE)
    tone = (0.3 * tone * np.exp(-np.arange(RATE // 8) / 1500)).astype(np.float32)
    for t in times_s:
        at = int(t * RATE)
        out[at : at + len(tone)] += tone[: len(out) - at, None]
    return out


def noise(seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (LENGTH_S * RATE, 2)).astype(np.float32)


TIMES = np.arange(0.5, LENGTH_S - 0.5, 0.6)


def test_onsets_that_coincide_are_told_from_those_that_do_not():
    line = strokes(TIMES)
    assert onsets_agree(strokes(TIMES + 0.01, 40), line) > 0.9
    assert onsets_agree(strokes(TIMES + 0.3, 40), line) < 0
    every_second = onsets_agree(strokes(TIMES[::2], 40), line)
    assert 0.3 < every_second < 0.7


def test_onsets_by_chance_count_for_nothing():
    rng = np.random.default_rng(4)
    line = strokes(TIMES)
    random = [onsets_agree(strokes(np.sort(rng.uniform(0.2, 11, 20))), line) for _ in range(8)]
    assert abs(np.mean(random)) < 0.2
    assert onsets_agree(noise(), line) < 0.5


@pytest.mark.parametrize("few", [[], [1.0, 2.0]])
def test_too_few_onsets_tell_nothing(few):
    assert onsets_agree(strokes(few), strokes(TIMES)) == 0


def test_the_right_key_fits_and_a_semitone_off_does_not(sung):
    own = chromas_agree(band(LENGTH_S), sung)
    semitone = chromas_agree(band(LENGTH_S, steps=1), sung)
    tritone = chromas_agree(band(LENGTH_S, steps=6), sung)
    assert own > 0.6
    assert semitone < -0.5
    assert tritone < -0.5


@pytest.mark.parametrize("other", [np.zeros((RATE, 2), np.float32), np.zeros((10, 2), np.float32)])
def test_nothing_to_hear_says_nothing_of_pitches(sung, other):
    assert chromas_agree(other, sung[: len(other)]) == 0


def test_silence_is_told():
    music = band(4)
    still = np.zeros_like(music)
    assert silent_share(music) == 0
    assert silent_share(np.concatenate([music, still])) == pytest.approx(0.5, abs=0.05)
    assert silent_share(still) == 1
    assert silent_share(still[:0]) == 1


def test_marks_sort_candidates(sung):
    """The one in the key wins; the vocal left in, another key and silence come after it."""
    fits = band(LENGTH_S)
    candidates = {
        "fits": fits,
        "sings": fits + voice(LENGTH_S, again=3),
        "off key": band(LENGTH_S, steps=1),
        "half": np.concatenate([fits[: len(fits) // 2], np.zeros_like(fits[len(fits) // 2 :])]),
        "silent": np.zeros_like(fits),
    }
    marks = {name: judge(x, sung, 0.0, unchecked).mark for name, x in candidates.items()}
    assert max(marks, key=marks.get) == "fits"
    assert marks["silent"] == 0
    assert all(0 <= mark <= 1 for mark in marks.values())
    assert marks["fits"] > marks["sings"] + 0.05
    assert marks["fits"] > marks["off key"] + 0.15
    assert marks["fits"] > marks["half"] + 0.15


def test_what_had_to_be_removed_counts_against_it():
    kept = Verdict(0.0, 0.0, 0.2, 0.5, 0.0)
    cut = Verdict(0.0, 0.6, 0.2, 0.5, 0.0)
    assert kept.mark > cut.mark
    assert "mark" in kept.words()


def test_a_vocal_that_is_left_is_found(sung):
    found = judge(band(LENGTH_S) + voice(LENGTH_S, again=3), sung, 0.0, unchecked)
    assert found.residual > 0.4
    assert judge(band(LENGTH_S), sung, 0.0, unchecked).residual < 0.01


def test_a_cancel_ends_it(sung):
    def cancelled():
        raise Cancelled

    with pytest.raises(Cancelled):
        judge(sung, sung, 0.0, cancelled)
