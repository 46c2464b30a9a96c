"""A source beside its extension: as long as the two together, so that a swap keeps its place."""

from types import SimpleNamespace

import numpy as np
import pytest
from deck_material import FADE, RATE, noise, play, program

from daemon.audio.types import SourceInfo
from daemon.core import programme
from daemon.core.jobs import ResultFile
from daemon.player.deck import Deck

SOURCE = SourceInfo("/song.wav", 1000, 2, 8000, "WAV", "PCM_16", 1, 1)
GRID = {"bpm": 240.0, "meter": "4/4", "downbeat": 0.0}  # a bar is one second


@pytest.mark.parametrize(
    ("origin_s", "region", "start", "frames", "loop"),
    [
        (0.0, (8000, 10_000), 7000, 10_000, [7000, 10_000]),  # two seconds after
        (-2.0, (0, 2000), 0, 8000, [-2000, 1000]),  # before
        (2.0, (3000, 5000), 4000, 8000, [4000, 7000]),  # after a clip within the source
    ],
)
def test_the_source_has_the_loop_of_what_it_is_compared_with(
    monkeypatch, origin_s, region, start, frames, loop
):
    monkeypatch.setattr(programme, "_origin_s", lambda job: origin_s)
    result = {"region_start_frame": region[0], "region_end_frame": region[1], **GRID}
    facts = {"source": vars(SOURCE)}
    job = SimpleNamespace(id="e", op="extend", facts=facts, result=result, request={})
    mix_s = 5.0 if origin_s > 0 else 10.0
    files = [ResultFile("mix", 1, "/mix.wav", mix_s, 1000, 2, 1)]
    found = programme.of_take(job, files, 0, "mix")
    assert (found["start"], found["frames"], found["loop"]) == (start, frames, loop)
    assert found["pairs"]["mix"] == [[{"start": 0, "end": 8000, "file": "/song.wav", "offset": 0}]]


def test_before_its_first_frame_a_take_is_silent_and_keeps_its_place():
    long, short, deck = noise(40_000, seed=1), noise(20_000, seed=2), Deck(RATE, 2)
    deck.play(program(long))
    play(deck, FADE + 4000)
    deck.swap(program(short, "b", origin_s=10_000 / RATE))
    heard = play(deck, 8000)
    assert not heard[FADE:6000].any()
    assert np.array_equal(heard[6000:], short[:2000])
    deck.swap(program(long))
    assert np.array_equal(play(deck, 4000)[FADE:], long[12_000 + FADE : 16_000])
