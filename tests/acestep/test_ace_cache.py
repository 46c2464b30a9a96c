"""What is held, what goes first, and what tells two windows apart."""

from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED, torch is not installed")

from daemon.engines.acestep.cache import MOST_VALUES, Cache, bytes_of, caches, window_key  # noqa: E402


@dataclass(frozen=True)
class _Pair:
    one: object
    two: object


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (torch.zeros(4, 8), 128),
        (torch.zeros(4, 8, dtype=torch.bfloat16), 64),
        (np.zeros((3, 2), np.float32), 24),
        ((torch.zeros(2), [torch.zeros(3)]), 20),
        ({"a": torch.zeros(5)}, 20),
        (_Pair(torch.zeros(2), _Pair(torch.zeros(1), "text")), 12),
        (None, 0),
    ],
)
def test_bytes_of_whatever_holds_tensors(value, size):
    assert bytes_of(value) == size


def test_what_was_used_longest_ago_goes_first():
    held = Cache(12)
    for key in "abc":
        held.put(key, torch.zeros(1))
    assert held.get("a") is not None
    held.put("d", torch.zeros(1))
    assert [key for key in "abcd" if key in held] == ["a", "c", "d"]
    assert held.held_bytes == 12


def test_it_never_holds_more_than_it_may():
    held = Cache(100)
    for i in range(50):
        held.put(i % 7, torch.zeros(i % 9))
        assert held.held_bytes <= 100
        assert held.held_bytes == sum(bytes_of(held.get(k)) for k in range(7) if k in held)


def test_numbers_are_not_held_without_end():
    held = Cache(100)
    for number in range(MOST_VALUES + 10):
        held.put(number, (1.0,))
    assert len(held) == MOST_VALUES
    assert 9 not in held


def test_a_value_too_large_is_returned_and_not_held():
    held = Cache(8)
    small = held.put("small", torch.zeros(2))
    large = torch.zeros(3)
    assert held.put("large", large) is large
    assert "large" not in held
    assert held.get("small") is small


def test_a_value_is_made_once():
    held, made = Cache(100), []
    for _ in range(3):
        held.made("a", lambda: made.append(1) or torch.ones(1))
    assert (len(made), held.hits, held.misses) == (1, 2, 1)


def test_a_replaced_value_counts_once():
    held = Cache(100)
    held.put("a", torch.zeros(10))
    held.put("a", torch.zeros(5))
    assert (len(held), held.held_bytes) == (1, 20)
    held.clear()
    assert (len(held), held.held_bytes) == (0, 0)


def test_changed_weights_leave_what_they_had_no_part_in():
    all_of_them = caches()
    for cache in (all_of_them.texts, all_of_them.conditions, all_of_them.cross):
        cache.put("a", torch.zeros(1))
    all_of_them.weights_changed()
    assert ("a" in all_of_them.texts, "a" in all_of_them.cross) == (True, False)
    assert all_of_them.held_bytes == 8
    all_of_them.clear()
    assert all_of_them.held_bytes == 0


@pytest.mark.parametrize("source", ["", "/song.wav 12 34"])
def test_windows_are_told_apart(source):
    rng = np.random.Generator(np.random.PCG64(3))
    samples = rng.standard_normal((1000, 2)).astype(np.float32)
    other = samples.copy()
    other[700, 1] = np.nextafter(other[700, 1], 9)
    key = window_key(samples, source, 100)
    assert window_key(samples.copy(), source, 100) == key
    assert window_key(other, source, 100) != key
    assert window_key(samples * -1, source, 100) != key
    assert window_key(samples[1:], source, 100) != key
    if source:
        assert window_key(samples, source, 101) != key
        assert window_key(samples, source + "5", 100) != key
