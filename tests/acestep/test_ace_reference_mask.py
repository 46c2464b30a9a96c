"""The known vocal is taken out of a mix that sings it anew."""

import numpy as np
import pytest
import torch
from vocal_material import band, voice

from daemon.engines.acestep.separate import reference
from daemon.engines.base import Cancelled

LENGTH_S = 12


def as_tensor(x):
    return torch.from_numpy(np.ascontiguousarray(x.T))


def unchecked():
    return None


def sdr_db(wanted, found):
    """Signal to distortion, dB."""
    return 10 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum())


@pytest.fixture(scope="module")
def parts():
    return voice(LENGTH_S), voice(LENGTH_S, again=3), band(LENGTH_S)


# Measured: from −2.8 dB in the mix to 12.3 dB, from 3.3 to 14.1, and from −8.8 to 9.1.
@pytest.mark.parametrize(("gain", "least_db"), [(1.0, 11.8), (0.5, 13.5), (2.0, 8.5)])
def test_a_vocal_sung_anew_is_taken_out(parts, gain, least_db):
    known, anew, music = parts
    mix = music + gain * anew
    found = reference.backing(as_tensor(mix), as_tensor(known), unchecked)[0].numpy().T
    assert found.shape == music.shape
    assert sdr_db(music, found) > least_db > sdr_db(music, mix) + 8


def test_music_without_the_vocal_stays(parts):
    known, _, music = parts
    found = reference.backing(as_tensor(music), as_tensor(known), unchecked)[0].numpy().T
    assert sdr_db(music, found) > 25


def test_a_silent_vocal_changes_nothing(parts):
    music = parts[2]
    found = reference.backing(as_tensor(music), torch.zeros(2, len(music)), unchecked)[0]
    assert torch.allclose(found, as_tensor(music), atol=1e-5)


def test_the_share_of_the_vocal_tells_more_from_less(parts):
    known, anew, music = parts
    shares = [
        reference.vocal_share(as_tensor(music + gain * anew), as_tensor(known), unchecked)
        for gain in (0.0, 0.25, 0.5, 1.0, 2.0)
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.01
    assert shares[3] > 0.4
    assert (
        reference.vocal_share(torch.zeros(2, 48_000), as_tensor(known)[:, :48_000], unchecked) == 0
    )


@pytest.mark.parametrize("frames", [48_000 * 3 + 1, 1000, 1])
def test_any_length_comes_back(parts, frames):
    known, anew, _ = (as_tensor(x)[:, :frames] for x in parts)
    assert reference.backing(anew, known, unchecked)[0].shape == (2, frames)


def test_blocks_make_no_difference(parts, monkeypatch):
    known, anew, music = (as_tensor(x) for x in parts)
    whole, share = reference.backing(music + anew, known, unchecked)
    assert share == pytest.approx(reference.vocal_share(music + anew, known, unchecked))
    monkeypatch.setattr(reference, "_BLOCK", 150)
    parted, again = reference.backing(music + anew, known, unchecked)
    assert again == pytest.approx(share, rel=1e-2)
    assert (whole - parted).abs().max() < 2e-5


def test_a_cancel_ends_it(parts):
    def cancelled():
        raise Cancelled

    with pytest.raises(Cancelled):
        reference.backing(as_tensor(parts[1]), as_tensor(parts[0]), cancelled)
