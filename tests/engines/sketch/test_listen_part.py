"""Listening to a part of what there is to hear: sooner, and nothing in it differs."""

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest
from listen_material import RATE, add, drums, song, sung, tone
from patience import PATIENCE_S

from daemon.engines.sketch.listen import gathering, hear_bars, listen
from daemon.engines.sketch.listen.aside import aside
from daemon.engines.sketch.listen.frames import unchecked
from daemon.engines.sketch.listen.gathering import completed, gather
from daemon.engines.sketch.listen.paths import likeliest

TUNE = [(0.5 * i, 0.5 * i + 0.44, m) for i, m in enumerate((64, 65, 67, 65, 64, 62, 60, 60) * 2)]


def strokes():
    out = np.zeros((8 * RATE, 2))
    drums(out, 120.0, 4, 4)
    return out.astype(np.float32)


def chords_alone():
    out = np.zeros((8 * RATE, 2))
    for at, midi in itertools.product(range(4), (48, 52, 55, 60)):
        add(out, tone(midi + 2 * at, 1.9), 2.0 * at, 0.15)
    return out.astype(np.float32)


def loud_song():
    return (song() * 2).astype(np.float32)


CLIPS = {
    "song": loud_song,
    "song without drums": lambda: song(with_drums=False).astype(np.float32),
    "chords": chords_alone,
    "drums": strokes,
    "voice": lambda: sung(TUNE, vibrato=0.15, vowels=(0.9, 0.35, 0.6)),
    "noise": lambda: (
        0.1
        * np.random.Generator(np.random.PCG64(2)).standard_normal((4 * RATE, 2)).astype(np.float32)
    ),
    "silence": lambda: np.zeros((2 * RATE, 2), np.float32),
    "nearly nothing": lambda: np.full((100, 2), 0.5, np.float32),
}


@pytest.mark.parametrize("name", CLIPS)
def test_what_a_part_holds_is_as_in_the_whole(name):
    clip = CLIPS[name]()
    part, whole = (listen(clip, RATE, bpm=120.0, whole=w) for w in (False, True))
    assert part.loudness_lufs is None
    assert whole.loudness_lufs is not None
    left_out = {"loudness_lufs": None, "sections": part.sections, "kind_confidence": 1.0}
    assert replace(whole, **left_out) == replace(part, kind_confidence=1.0)
    assert np.array_equal(part.trace.tones.notes, whole.trace.tones.notes) if part.trace else True


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("kept_s", [gathering.KEPT_S, 0.0])
def test_what_was_left_out_can_be_heard_later(name, kept_s, monkeypatch):
    monkeypatch.setattr(gathering, "KEPT_S", kept_s)
    clip = CLIPS[name]()
    found = gather(clip, RATE, whole=False)
    later = listen(clip, RATE, bpm=120.0, gathered=completed(found, clip, RATE))
    assert later == listen(clip, RATE, bpm=120.0) == listen(clip, RATE, bpm=120.0, gathered=found)
    bars = (hear_bars(clip, RATE, gathered=g) for g in (found, gather(clip, RATE)))
    assert next(bars) == next(bars)


def test_no_pitch_is_followed_where_none_can_change_the_kind(monkeypatch):
    def refuse(*_args):
        raise AssertionError("a pitch is followed")

    monkeypatch.setattr(gathering, "track_pitch", refuse)
    assert listen(loud_song(), RATE, bpm=120.0, whole=False).kind == "mix"
    with pytest.raises(AssertionError):
        listen(loud_song(), RATE, bpm=120.0)
    with pytest.raises(AssertionError):
        listen(CLIPS["voice"](), RATE, bpm=120.0, whole=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_path_is_likelier(dtype):
    random = np.random.Generator(np.random.PCG64(3))
    for _ in range(20):
        scores = random.standard_normal((6, 3)).astype(dtype)
        costs = np.abs(random.standard_normal(6))

        def worth(path, scores=scores, costs=costs):
            changed = [costs[i] for i in range(1, 6) if path[i] != path[i - 1]]
            return sum(float(scores[i, state]) for i, state in enumerate(path)) - sum(changed)

        best = max(worth(path) for path in itertools.product(range(3), repeat=6))
        assert worth(likeliest(scores, costs)) == pytest.approx(best)


def test_beside_other_work():
    main = threading.get_ident()
    with aside(lambda check: threading.get_ident()) as found:
        assert found(unchecked) != main
    with pytest.raises(ZeroDivisionError), aside(lambda check: 1 // 0) as found:
        found(unchecked)


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_it_ends_with_what_it_is_beside(is_waited_for):
    began, ended = threading.Event(), threading.Event()

    def endless(check):
        try:
            began.set()
            while True:
                check()
        finally:
            ended.set()

    def give_up():
        raise KeyError

    def leave():
        with aside(endless) as found:
            began.wait(PATIENCE_S)
            found(give_up) if is_waited_for else give_up()

    with pytest.raises(KeyError):
        leave()
    assert ended.is_set()
