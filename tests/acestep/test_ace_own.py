"""Latents of own results are found by their samples, and only where these are what was decoded."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from daemon.engines.acestep.latents.own import Own  # noqa: E402
from daemon.engines.acestep.parts import HOP  # noqa: E402

FRAMES = 80


def _sound(frames, seed):
    """Noise whose level changes from frame to frame, as music's does."""
    rng = np.random.Generator(np.random.PCG64(seed))
    level = 0.1 * np.exp(0.5 * rng.standard_normal((frames, 1, 1)))
    noise = level * rng.standard_normal((frames, HOP, 2))
    return noise.reshape(-1, 2).astype(np.float32)


MADE = _sound(FRAMES, 1)
LATENTS = torch.randn(FRAMES, 4, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def own():
    store = Own()
    store.keep(torch.zeros(40, 4), _sound(40, 7), "")
    store.keep(LATENTS, MADE, "")
    return store


def _clip(before, middle, after):
    return np.concatenate([_sound(before, 3), middle, _sound(after, 4)])


@pytest.mark.parametrize("before", [0, 33, 120])
@pytest.mark.parametrize("gain", [1.0, 0.7, -1.3])
def test_it_is_found_wherever_it_lies_and_however_loud(own, before, gain):
    known, latents = own.found_in(_clip(before, np.float32(gain) * MADE, 50))
    expected = np.zeros(before + FRAMES + 50, bool)
    expected[before + 8 : before + FRAMES - 8] = gain > 0
    assert (known == expected).all()
    if gain > 0:
        assert torch.equal(latents[known], LATENTS[8:-8])


def test_a_part_of_it_is_found_as_well(own):
    known, latents = own.found_in(_clip(10, MADE[20 * HOP : 60 * HOP], 30))
    assert known.sum() == 40 - 16
    assert torch.equal(latents[known], LATENTS[28:52])
    cut = own.found_in(MADE[30 * HOP :])
    assert cut[0].sum() == 50 - 16


@pytest.mark.parametrize(
    "changed",
    [
        lambda x: np.roll(x, 1, axis=0),
        lambda x: np.clip(x, -0.12, 0.12),
        lambda x: x[::-1].copy(),
        lambda x: x + np.float32(0.002),
        lambda x: np.stack([x[:, 0], 0.9 * x[:, 1]], axis=1),
        lambda x: np.convolve(x[:, 0], [0.9, 0.1], "same")[:, None].repeat(2, 1).astype(np.float32),
    ],
    ids=["shifted", "clipped", "reversed", "with DC", "panned", "filtered"],
)
def test_what_was_worked_on_is_encoded_again(own, changed):
    known, _ = own.found_in(_clip(20, changed(MADE), 20))
    assert not known.any()


def test_a_fade_costs_its_frames_and_their_neighbours(own):
    faded = MADE.copy()
    faded[: 2 * HOP] *= np.linspace(0, 1, 2 * HOP, dtype=np.float32)[:, None]
    known, _ = own.found_in(_clip(20, faded, 20))
    assert np.flatnonzero(known)[0] == 20 + 2 + 8


def test_sixteen_bits_are_enough(own):
    rounded = np.round(MADE * 32768) / 32768
    known, _ = own.found_in(_clip(20, rounded.astype(np.float32), 20))
    assert known.sum() == FRAMES - 16


def test_silence_is_nobodys(own):
    own.keep(torch.ones(60, 4), np.zeros((60 * HOP, 2), np.float32), "")
    assert not own.found_in(np.zeros((200 * HOP, 2), np.float32))[0].any()


def test_it_forgets_the_oldest():
    store = Own(most_bytes=3 * MADE.nbytes)
    for seed in range(5):
        store.keep(LATENTS, _sound(FRAMES, 20 + seed), "")
    assert len(store) == 2
    assert store.found_in(_clip(5, _sound(FRAMES, 24), 5))[0].any()
    assert not store.found_in(_clip(5, _sound(FRAMES, 20), 5))[0].any()
    store.clear()
    assert len(store) == 0
