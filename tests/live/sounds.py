"""Sounds whose every sample tells its place, and what is made of them."""

import threading

import numpy as np

SCALE = 2.0**-23  # of the ramp: every step is one float32 of 24 bits, so nothing is rounded


def ramp(start, frames, channels=2):
    """Return frames numbered from `start` (1 is the first), the channels told apart by sign."""
    numbers = np.arange(start, start + frames, dtype=np.float64) * SCALE
    signs = np.where(np.arange(channels) % 2, -1.0, 1.0) / 2.0 ** (np.arange(channels) // 2)
    return (numbers[:, None] * signs).astype(np.float32)


class Ramp:
    """A render function that numbers its frames. From frame `until` on it waits for `go_on`."""

    def __init__(self, channels=2, until=None):
        self.next, self.channels, self._until = 1, channels, until
        self._gate = threading.Event()

    def __call__(self, frames):
        if self._until is not None and self.next > self._until:
            self._gate.wait()
        block = ramp(self.next, frames, self.channels)
        self.next += frames
        return block

    def go_on(self):
        """Let it play past `until`."""
        self._gate.set()


class Broken:
    """A render function that fails."""

    def __call__(self, _frames):
        raise ValueError("no such sound")


class Begin:
    """What an output asks for its render function; it keeps the formats that it was told."""

    def __init__(self, render=None):
        self._render, self.formats = render, []

    def __call__(self, fmt):
        self.formats.append(fmt)
        return self._render or Ramp(fmt.channels)


class Diary:
    """Hears the states of a keeper."""

    def __init__(self):
        self.states = []

    def __call__(self, state):
        self.states.append(state)


def found_numbers(heard):
    """Return the frame number of every captured frame, 0 where there is silence."""
    return np.round(heard[:, 0].astype(np.float64) / SCALE).astype(np.int64)


def numbers(heard):
    """Return the frame numbers of a captured ramp from the first to the last that is not silent."""
    found = found_numbers(heard)
    sounding = np.flatnonzero(found)
    return found[sounding[0] : sounding[-1] + 1] if len(sounding) else found[:0]


def assert_sung(heard, lost, late):
    """Every frame of a captured ramp is its number's, in step.

    Silence and steps are only where the recorder itself lost frames (`lost` of them), or where the
    singer, who has no faster a machine, told that it came too late (`late` times).
    """
    found = found_numbers(heard)
    steps = found - np.arange(len(found))
    sounding = np.flatnonzero(found)
    assert len(sounding)
    breaks = np.count_nonzero(np.diff(steps[sounding]))
    assert breaks <= 2 * late, "a step is missing or doubled"
    assert late or len(sounding) >= len(found) - lost - 1
    assert np.array_equal(
        heard[sounding], ramp(0, found.max() + 1, heard.shape[1])[found[sounding]]
    )
