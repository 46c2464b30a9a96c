"""Start noise: the same from a seed everywhere, unmoved by what a musician changes around it."""

import numpy as np
import pytest
import torch

from daemon.engines.acestep.dit.noise import mixed, window_noise


def test_a_region_keeps_its_noise_when_its_end_or_its_context_changes():
    short = window_noise(7, 400, [(200, 300)], 64)
    longer = window_noise(7, 400, [(200, 350)], 64)
    moved = window_noise(7, 600, [(300, 400)], 64)
    assert torch.equal(short[200:300], longer[200:300])
    assert torch.equal(short[200:300], moved[300:400])


def test_context_keeps_its_noise_when_there_is_more_of_it():
    narrow = window_noise(7, 400, [(200, 300)], 64)
    wide = window_noise(7, 700, [(400, 500)], 64)
    assert torch.equal(narrow[:200], wide[200:400])
    assert torch.equal(narrow[300:], wide[500:600])
    ends_later = window_noise(7, 400, [(200, 350)], 64)
    assert torch.equal(narrow[350:], ends_later[350:])
    assert not torch.equal(narrow[300:350], ends_later[300:350])


def test_two_regions_have_noise_of_their_own():
    both = window_noise(7, 300, [(200, 300), (0, 100)], 8)
    assert torch.equal(both[:100], window_noise(7, 300, [(0, 100)], 8)[:100])
    assert not torch.equal(both[200:], both[:100])
    longer = window_noise(7, 350, [(0, 100), (200, 350)], 8)
    assert torch.equal(both[200:], longer[200:300])


def test_another_seed_is_other_noise():
    one, other = (window_noise(seed, 250, [(50, 100)], 64) for seed in (40, 41))
    assert not (one == other).any(1).any()


def test_draws_of_a_seed_differ_and_streams_do_not_repeat():
    draws = [window_noise(7, 300, [(100, 200)], 64, draw) for draw in range(3)]
    parts = [part.flatten().double() for d in draws for part in (d[:100], d[100:200], d[200:])]
    agreement = np.corrcoef(torch.stack(parts).numpy())
    assert np.abs(agreement - np.eye(9)).max() < 0.06


def test_it_is_normal_noise():
    noise = window_noise(2**31 - 1, 2500, [(0, 2500)], 64).double()
    assert noise.mean().abs() < 0.02
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert torch.equal(noise.float(), window_noise(2**31 - 1, 2500, [], 64))


def test_the_global_generators_are_left_alone():
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    window_noise(3, 100, [(10, 20)], 8)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()


@pytest.mark.parametrize("variance", [0.0, 0.2, 0.5, 1.0])
def test_mixed_noise_stays_of_unit_variance(variance):
    first, second = (window_noise(seed, 2000, [], 64) for seed in (1, 2))
    got = mixed(first, second, variance)
    assert got.std() == pytest.approx(1, abs=0.01)
    share = float((got * second).mean())
    assert share == pytest.approx(np.sin(variance * np.pi / 2), abs=0.02)
    if variance == 0:
        assert torch.equal(got, first)
