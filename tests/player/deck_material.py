"""Programmes of known samples, a deck under a fake clock, and what it plays."""

import numpy as np

from daemon.player.deck import Deck
from daemon.player.fades import FADE_S
from daemon.player.outputs.base import Clock
from daemon.player.program import Program
from daemon.player.samples import LiveSamples, Segment, Timeline
from daemon.player.transport import Line

RATE = 48_000
FADE = round(FADE_S * RATE)


class Held:
    """Samples that are all there."""

    def __init__(self, data):
        self.data = data
        self.frames, self.channels = data.shape

    def ready(self, start, end):
        return end - start

    def read(self, start, end):
        out = np.zeros((end - start, self.channels), np.float32)
        a, b = max(0, start), min(end, self.frames)
        if a < b:
            out[a - start : b - start] = self.data[a:b]
        return out


def noise(frames, channels=2, seed=1):
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.uniform(-0.4, 0.4, (frames, channels)).astype(np.float32)


def program(data, name="a", take=1, start=0, loop=None, origin_s=0.0, **more):
    samples = data if hasattr(data, "ready") else Held(data)
    frames = samples.frames
    return Program(
        name, take, "mix", RATE, frames, start, loop or (0, frames), {"mix": samples},
        origin_s, **more,
    )  # fmt: skip


def live_program(frames, channels=2, clock=None, **more):
    samples = LiveSamples(frames, channels, clock or (lambda: 0.0))
    line = Timeline([[Segment(0, frames, samples)]], frames)
    line.channels = channels
    return samples, program(line, live=(samples,), live_rate=RATE, **more)


class Song:
    """A transport that the test moves, and an output whose frame 0 is heard at second 0."""

    def __init__(self, offset_s=0.0):
        self.line = Line()
        self.offset_s = offset_s

    def deck(self, channels=2, **more):
        return Deck(
            RATE, channels, line=lambda: self.line, clock=lambda: Clock(0, self.offset_s), **more
        )


def play(deck, frames, block=256):
    """What a deck plays, pulled in blocks."""
    blocks = [deck.render(min(block, frames - at)) for at in range(0, frames, block)]
    return np.concatenate(blocks)
