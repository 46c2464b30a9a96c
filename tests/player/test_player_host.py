"""The player behind its channel: what it makes ready of what it is told."""

import io

import pytest
import soundfile
from deck_material import FADE, RATE, noise, program

from daemon.player.deck import Deck
from daemon.player.host import Host
from daemon.player.outputs.base import Format, Health
from daemon.player.rack import Begin
from daemon.worker.channel import Channel


class Quiet:
    """An output that never asks for anything."""

    def __init__(self, name, pairs):
        self.name, self._pairs = name, pairs

    def open(self, start):
        fmt = Format(RATE, 2 * len(self._pairs), 0.0, 256, self._pairs)
        start(fmt)
        return fmt

    def close(self):
        pass

    def health(self):
        return Health("open", beat_s=float("inf"))

    def clock(self):
        return None


@pytest.mark.parametrize("pairs", [("mix",), ("mix", "drums")])
def test_stems_that_nobody_hears_are_not_loaded(tmp_path, pairs):
    files = {}
    for name in ("mix", "drums", "bass"):
        path = str(tmp_path / f"{name}.wav")
        soundfile.write(path, noise(1000), RATE, "FLOAT")
        files[name] = [[{"start": 0, "end": 1000, "file": path}]]
    item = {"id": "a", "take": 1, "role": "mix", "rate": RATE, "frames": 1000, "start": 0,
            "loop": [0, 1000], "origin_s": 0.0, "pairs": files}  # fmt: skip
    host = Host(Channel(io.BytesIO(), io.BytesIO()), lambda name: Quiet(name, pairs))
    try:
        host.rack.play(item, ["preview"], Begin())
        deck = host.rack.bays["preview"].deck
        deck.render(1)
        assert set((deck.program or deck._cues.first.program).pairs) == set(pairs)
    finally:
        host.serve()


def test_a_result_without_the_only_pair_that_is_heard_plays_in_silence():
    deck = Deck(RATE, 2, ("drums",))
    deck.play(program(noise(20_000)))
    assert not deck.render(10_000).any()
    assert (deck.mode, deck.position) == ("playing", 10_000 - FADE)
